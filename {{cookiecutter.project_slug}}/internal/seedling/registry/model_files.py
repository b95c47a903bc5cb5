"""A trained model's files: MLflow's format and its schema, loaded only after verification."""

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from seedling import tasks, team_code
from seedling.config import Dataset
from seedling.config.document import problem_of
from seedling.data import derived, held_out
from seedling.data.derived import Derivation
from seedling.data.held_out import HeldOut
from seedling.errors import ProjectError
from seedling.files import read_json, sha256
from seedling.settings import AZUREML_MODEL_DIR
from seedling.training import notes
from seedling.training.notes import Measured

if TYPE_CHECKING:  # a compiled form answers without pandas
    import pandas as pd

SCHEMA = "schema.json"
SMOKE = "smoke"  # the key of schema.json by which a smoke check's model says so
PROFILE = "profile.json"  # of the rows that it was trained and measured on


@dataclass(frozen=True)
class Predictor:
    """A loaded model, with the schema that it was trained on."""

    name: str
    version: str
    dataset: Dataset
    held_out: HeldOut  # the rule of the rows that it has not learned from
    model: Any
    predict: "Callable[[Any, pd.DataFrame], Mapping[str, Any]]"
    derivation: Derivation | None = None  # by the files that it was saved with

    def derived(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return rows with the derived features that this model learned from, for `answer`."""
        return self.derivation.table(rows) if self.derivation else rows

    def answer(self, rows: "pd.DataFrame") -> Mapping[str, Any]:
        """Return the answer for n rows in the form of their task, decided by the threshold."""
        decide = tasks.of(self.dataset).decider(self.dataset.target)
        found = self.undecided(rows)
        return decide(found) if decide else found

    def undecided(self, rows: "pd.DataFrame") -> Mapping[str, Any]:
        """Return the answer of the team's `predict` for n rows, whatever the threshold is."""
        from seedling.data.schema import model_frame

        return self.predict(self.model, model_frame(rows, self.dataset.features))


def load(name: str, version: str, folder: Path, expected: str) -> Predictor:
    """Load the model in `folder` if the hash of its files is `expected`.

    Nothing is unpickled before the hash has been compared.

    Raises:
        ProjectError: the folder is missing, its hash is another, or it cannot be loaded.
    """
    verify(folder, expected)
    dataset, held_out = read_schema(folder)
    try:
        model = tasks.of(dataset).load(folder)
    except ProjectError as error:
        raise ProjectError(f"The model {folder.parent.name}, version {version} {error}") from None
    derivation = derived.of_model(folder, dataset)
    return Predictor(name, version, dataset, held_out, model, team_code.predict(name), derivation)


def load_estimator(folder: Path) -> Any:
    """Read a scikit-learn estimator that was saved in MLflow's format.

    Raises:
        ProjectError: it is no estimator, or a module of it is gone; the caller puts the model's
            name in front of the message.
    """
    flavor = YAML(typ="safe", pure=True).load(folder / "MLmodel")["flavors"].get("sklearn")
    if flavor is None:
        raise ProjectError("is no scikit-learn model.")
    with (folder / flavor["pickled_model"]).open("rb") as stream:
        try:
            return pickle.load(stream)
        except (ImportError, AttributeError) as error:
            raise ProjectError(f"needs code that is gone: {error}.") from None


def verify(folder: Path, expected: str) -> None:
    """Compare the hash of a model's folder with the registered one.

    Raises:
        ProjectError: the folder is missing, or its hash is another.
    """
    where = f"{folder.parent.name}, version {folder.name},"
    if not folder.is_dir():
        mount = AZUREML_MODEL_DIR.get()
        no_mount = f", nor with its hash below AZUREML_MODEL_DIR ({mount})" if mount else ""
        raise ProjectError(
            f"The model {where} is not in {folder.parent.parent.name}/{no_mount}: restore its "
            "folder, or run train, which makes another version."
        )
    if not expected:
        raise ProjectError(
            f"The model {where} has no sha256 in model.yaml, and is not loaded: doctor says which "
            "line to add."
        )
    if sha256(folder) != expected:
        raise ProjectError(
            f"The model {where} is not the one that was registered: its files' hash differs. "
            "It is not loaded: restore its folder, or delete it and train again."
        )


def read_schema(folder: Path) -> tuple[Dataset, HeldOut]:
    """Read the dataset that a model was trained on, and the rule by which rows were held out.

    Raises:
        ProjectError: the dataset is invalid in this project, for example its task is gone.
    """
    noted = read_json(folder / SCHEMA)
    try:
        return Dataset.model_validate(noted["dataset"]), held_out.read(noted)
    except ValidationError as error:
        _, problem = problem_of(error)
        where = f"{folder.parent.name}, version {folder.name}, {SCHEMA}"
        raise ProjectError(f"The model {where}: {problem}.") from None


def refuse_smoke(folder: Path, name: str, verb: str) -> None:
    """Refuse the model of a smoke check, which shows that everything runs, and is no result.

    Args:
        folder: its files.
        name: what the message calls it.
        verb: what is refused: `registered`.

    Raises:
        ProjectError: it is one.
    """
    path = folder / SCHEMA
    if path.is_file() and read_json(path).get(SMOKE):
        raise ProjectError(
            f"{name} was trained for a smoke check, which is not {verb}: train without SMOKE=1."
        )


def read_measured(folder: Path) -> Measured:
    """Read the measurements made before registration; empty ones if the file is missing."""
    path = folder / notes.MEASURED
    return notes.read(path, Measured) if path.exists() else Measured()


def created(folder: Path) -> datetime | None:
    """Return the moment at which the model was saved, with its zone; None if it is unknown."""
    path = folder / "MLmodel"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r"^utc_time_created: '([^']+)'", text, re.MULTILINE)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def mlflow_version(folder: Path) -> str:
    """Return the version of MLflow that wrote the model, empty if it is unknown."""
    path = folder / "MLmodel"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r"^mlflow_version: (\S+)", text, re.MULTILINE)
    return found[1] if found else ""
