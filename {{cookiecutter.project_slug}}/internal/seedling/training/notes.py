"""Notes that the steps leave for each other, and beside a model's files: what each JSON holds."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seedling.errors import ProjectError
from seedling.files import write_text

RUN, EVALUATION, REGISTRATION = "run.json", "evaluation.json", "registration.json"
MEASURED = "measured.json"

Metrics = dict[str, float]


class Compiled(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a compiled form is from its model, or why there is none.

    Attributes:
        form: `tables` or `trees`; empty where there is none.
        rows: how many rows were compared.
        largest_difference: of two scores, in the scores' own unit.
        refused: why there is no compiled form; empty where there is one.
    """

    form: str = ""
    rows: int = 0
    largest_difference: float = 0.0
    refused: str = ""


class Rows(msgspec.Struct, frozen=True):
    """How many rows a model learned from, and how many its train_model was tested on."""

    train: int
    test: int


class TrainingRun(msgspec.Struct, frozen=True):
    """run.json: the train step, for the steps after it."""

    run_id: str  # MLflow's
    rows: Rows
    hyperparameters: dict[str, Any]
    train_metrics: dict[str, Any]  # the team's train_model returned these two
    test_metrics: dict[str, Any]
    compiled: Compiled


class Evaluation(msgspec.Struct, frozen=True):
    """evaluation.json: the new model, its champion and the baseline, on the same held-out rows."""

    model: str
    dataset: str
    metric: str
    holdout_rows: int
    challenger: Metrics
    champion: Metrics | None
    champion_version: str | None
    incomparable_champion: str  # why the champion was not measured; empty where it was, or is none
    compiled: Compiled
    baseline: Metrics = {}


class Files(msgspec.Struct, frozen=True):
    """A registered version, and the hash of its files."""

    version: str
    sha256: str


class Registration(msgspec.Struct, frozen=True):
    """registration.json: what the gate decided.

    Attributes:
        name: what the registry calls the model.
        value, champion: the metric of the new model and of the champion, on the same rows.
        version: the new version; None where the model was not registered.
        serving: the champion after the step; None where there is none.
        shared: as `Registry.shared`.
    """

    model: str
    name: str
    metric: str
    value: float
    champion: float | None
    champion_version: str | None
    incomparable_champion: str
    version: str | None
    serving: Files | None = None
    lower_is_better: bool = False
    shared: bool | None = True


class Measured(msgspec.Struct, frozen=True):
    """measured.json of a version's files: what was measured before it was registered."""

    metrics: Metrics = {}
    holdout_rows: int | None = None
    compiled: Compiled = Compiled()


Note = TypeVar("Note", TrainingRun, Evaluation, Registration, Measured)


def write(path: Path, note: TrainingRun | Evaluation | Registration | Measured) -> None:
    """Write a note as JSON; NumPy's scalars become Python's."""
    built = msgspec.to_builtins(note, enc_hook=lambda value: value.item())
    write_text(path, json.dumps(built, indent=2, ensure_ascii=False) + "\n")


def read(path: Path, kind: type[Note]) -> Note:
    """Read a note.

    Raises:
        ProjectError: the file is missing, or is not what its step writes.
    """
    try:
        return msgspec.convert(json.loads(path.read_text(encoding="utf-8")), kind)
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: run the step that writes it.") from None
    except ValueError as error:  # of json and of msgspec
        raise ProjectError(f"{path} is not what its step writes: {error}.") from None
