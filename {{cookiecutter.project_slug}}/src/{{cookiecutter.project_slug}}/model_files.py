"""A trained model on disk: MLflow's format and the schema it learned, loaded only if verified."""

import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from . import team
from .config import Dataset
from .errors import ProjectError
from .files import sha256
from .schema import model_frame

SCHEMA = "schema.json"


@dataclass(frozen=True)
class Predictor:
    """A model that is ready to answer, with the schema that it was trained on."""

    name: str
    version: str
    dataset: Dataset
    holdout: float  # the share of rows that it did not learn from, by the dataset's split
    model: Any
    predict: Callable[[Any, pd.DataFrame], Mapping[str, Any]]

    def answer(self, rows: pd.DataFrame) -> Mapping[str, Any]:
        """What the team's `predict` says of n rows: `predictions`, `scores` and `labels`."""
        return self.predict(self.model, model_frame(rows, self.dataset.features))


def load(name: str, version: str, folder: Path, expected: str) -> Predictor:
    """The model in `folder`, once the hash of its files is `expected`.

    Raises:
        ProjectError: the folder is missing, its hash is another, or it cannot be loaded. Nothing
            is unpickled before the hash has been compared.
    """
    where = f"{folder.parent.name}, version {version}"
    if not folder.is_dir():
        raise ProjectError(f"The model {where} is not in {folder.parent}: run train.")
    verify(folder, expected)
    flavor = YAML(typ="safe", pure=True).load(folder / "MLmodel")["flavors"].get("sklearn")
    if flavor is None:
        raise ProjectError(f"The model {where} is no scikit-learn model.")
    with (folder / flavor["pickled_model"]).open("rb") as stream:
        try:
            model = pickle.load(stream)
        except (ImportError, AttributeError) as error:
            raise ProjectError(f"The model {where} needs code that is gone: {error}.") from None
    dataset, holdout = read_schema(folder)
    return Predictor(name, version, dataset, holdout, model, team.predict(name))


def verify(folder: Path, expected: str) -> None:
    """Refuse a folder whose files are not those that were registered."""
    if sha256(folder) != expected:
        raise ProjectError(
            f"The model in {folder} is not the one that was registered: its files' hash differs. "
            "It is not loaded: restore the folder, or delete it and train again."
        )


def read_schema(folder: Path) -> tuple[Dataset, float]:
    """What a model learned from, and the share of it that was held out."""
    noted = json.loads((folder / SCHEMA).read_text(encoding="utf-8"))
    return Dataset.model_validate(noted["dataset"]), float(noted["holdout"])
