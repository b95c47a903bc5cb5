"""The two entry points of a model's images, as .s2i/environment of its folder names them.

A message is an object with a `payload`: `{"payload": {"instances": [...]}}` to predict,
`{"payload": {"$ref": "data/table.csv", "model_name": "name"}}` to train.
"""

import atexit
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from seedling import implementations, team_code
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.registry import named_models

TABLES = (".csv", ".parquet", ".tsv", ".txt")
SHAPE = 'A training container is given PAYLOAD={"$ref": "data/table.csv", "model_name": "name"}.'
DATA = "data"  # what `$ref` calls the folder of the datasets


class Predict:
    """Answers messages by one model; a running service that is given it answers by itself."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The `payload` with the predictions for the message's instances.

        Raises:
            ProjectError: the message is not of that shape, or the model is not there.
        """
        body = json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")
        return {"payload": _service().predict(body, self.model)}


class Train:
    """Trains one model, measures it beside the last of its name and writes it down if better."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """What came of it, as a `payload`: model_name, version, metric, value, message.

        Raises:
            ProjectError: the message or the table is not as it should be, or training failed.
        """
        project = Project.find()
        payload = message.get("payload", message)
        if not isinstance(payload, Mapping):
            raise ProjectError("PAYLOAD: expected an object with `$ref` and `model_name`.")
        name = payload.get("model_name") or ",".join(named_models.given()) or self.model
        if not isinstance(name, str):
            raise ProjectError("PAYLOAD, model_name: expected text.")
        named_models.refuse_name(name)
        table = _table(project, payload.get("$ref"))
        train = implementations.find("training on a table")
        return {"payload": train(project, self.model, table, name)}


def train(module: str, function: str, payload: str) -> Any:
    """Call an entry point with the PAYLOAD of a training container.

    Args:
        module, function: TRAIN_MODULE and TRAIN_FUNCTION.
        payload: JSON text.

    Raises:
        ProjectError: one is missing, it is not JSON, there is no such function, or training failed.
    """
    if not payload or not module:
        missing = "TRAIN_MODULE" if payload else "PAYLOAD"
        raise ProjectError(f"{missing} is not set. {SHAPE}")
    try:
        message = json.loads(payload)
    except ValueError as error:
        raise ProjectError(f"PAYLOAD is not valid JSON: {error}.") from None
    if not isinstance(message, dict):
        raise ProjectError(f"PAYLOAD is no object. {SHAPE}")
    if "payload" not in message:
        message = {"payload": message}
    return team_code.function(module, function)(message)


def data_folder(project: Project) -> Path:
    """Where `data/` of a `$ref` is: local_assets/datasets, unless DATA_FOLDER says otherwise."""
    return project.root / (os.environ.get("DATA_FOLDER") or project.assets / "datasets")


def _table(project: Project, reference: Any) -> Path:
    """The file that `$ref` names; only what is in the folder of the datasets can be named."""
    if not isinstance(reference, str) or not reference:
        raise ProjectError("PAYLOAD, $ref: name a table, such as data/table.csv.")
    parts = PurePosixPath(reference).parts
    parts = parts[1:] if parts[:1] == (DATA,) else parts
    folder = data_folder(project)
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        files = sorted(file.name for file in folder.glob("*") if file.suffix in TABLES)
        there = ", ".join(files) or "no table"
        raise ProjectError(f"PAYLOAD, $ref: there is no {reference!r}; {folder} has {there}.")
    return path


@cache
def _service() -> Any:
    """A service within this process, for whoever calls `predict` without one."""
    from seedling.serving.service import Service

    service = Service(Project.find())
    service.start()
    atexit.register(service.stop)
    return service
