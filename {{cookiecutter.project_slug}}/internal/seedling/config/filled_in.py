"""Fills in what a model.yaml leaves out and other files say.

One of FlowEHR's Model-Seedling has neither slug nor training, datasets without source and schema,
and models without folder and hash. Nothing is written: doctor says what to add.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from seedling.scaffold.model_yaml import slug_of

Keys = tuple[Any, ...]  # lead to a value of a document

QUERY = "dataset_creation/dataset_query.sql"
WITHOUT_SCHEMA = "datasets_without_schema"
SCHEMA = {"task", "metric", "target", "features"}


class FilledIn(NamedTuple):
    """A document to validate.

    Attributes:
        document: the content of model.yaml with what was filled in.
        places: the keys at which an entry stands in the file, by those in the document.
    """

    document: dict[str, Any]
    places: dict[Keys, Keys]


def filled_in(document: Mapping[str, Any], root: Path) -> FilledIn:
    """Return a document with what can be found out of what it lacks.

    Args:
        document: the content of model.yaml.
        root: the project's folder.
    """
    found, places = dict(document), dict[Keys, Keys]()
    if "slug" not in found and isinstance(found.get("name"), str):
        found["slug"] = slug_of(found["name"])
    _as_text(found, "api_version")
    complete: list[Any] = []
    for at, given in enumerate(found.get("datasets") or []):
        entry = _dataset(given, root)
        lacks_schema = isinstance(entry, Mapping) and not SCHEMA & entry.keys()
        key = WITHOUT_SCHEMA if lacks_schema else "datasets"
        entries = found.setdefault(WITHOUT_SCHEMA, []) if lacks_schema else complete
        places[key, len(entries)] = ("datasets", at)
        entries.append(entry)
    found["datasets"] = complete
    folders = sorted(path.parent.name for path in root.glob("models/*/train.py"))
    if "training" not in found:
        learned = complete[0].get("name") if len(complete) == 1 else None
        names = folders if learned else []
        found["training"] = {"models": [{"name": name, "dataset": learned} for name in names]}
    known = [*_trained(found["training"]), *folders]
    found["models"] = [_model(entry, known) for entry in found.get("models") or []]
    return FilledIn(found, places)


def _as_text(entry: dict[str, Any], key: str) -> None:
    """Turn a whole number into text. Others are not: 1.10 would read 1.1."""
    if type(entry.get(key)) is int:
        entry[key] = str(entry[key])


def _dataset(given: Any, root: Path) -> Any:
    """Return a dataset's entry with its source, if the project has a query for it."""
    if not isinstance(given, Mapping):
        return given
    entry = dict(given)
    _as_text(entry, "version")
    if "source" not in entry and (root / QUERY).is_file():
        entry["source"] = QUERY
    return entry


def _trained(training: Any) -> list[str]:
    """Return the names of the trained models; none where the section is malformed."""
    models = training.get("models") if isinstance(training, Mapping) else None
    entries = models if isinstance(models, list) else []
    return [
        str(entry["name"]) for entry in entries if isinstance(entry, Mapping) and "name" in entry
    ]


def _model(given: Any, known: list[str]) -> Any:
    """Return a registered model's entry with its folder of models/, which its name ends with."""
    if not isinstance(given, Mapping):
        return given
    entry = dict(given)
    _as_text(entry, "version")
    if "model" not in entry and isinstance(entry.get("name"), str):
        word = re.sub(r"\W", "_", entry["name"])
        fitting = (name for name in known if f"_{word}".endswith(f"_{name}"))
        entry["model"] = max(fitting, key=len, default=word)
    return entry
