"""The JSON files that the steps write for each other and beside a model's files, as structs."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seedling.data.held_out import HeldOut
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.tasks.training_protocol import Setbacks

RUN, EVALUATION, REGISTRATION = "run.json", "evaluation.json", "registration.json"
MEASURED = "measured.json"

Metrics = dict[str, float]


class Compiled(msgspec.Struct, frozen=True, omit_defaults=True):
    """The comparison of a compiled form with its model.

    Attributes:
        form: `tables`, `trees` or `groups`; empty if there is none.
        rows: the number of rows compared.
        largest_difference: of two scores, in the scores' own unit.
        refused: the reason why there is no compiled form; empty if there is one.
    """

    form: str = ""
    rows: int = 0
    largest_difference: float = 0.0
    refused: str = ""


class Rows(msgspec.Struct, frozen=True):
    """The numbers of rows that train_model was given as X_train and X_test in the first fit."""

    train: int
    test: int


class Refit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The second fit, whose model is kept.

    Attributes:
        rows: that it learned from; 0 where the first fit's model is kept.
        seconds: that it took.
        refused: why the first fit's model is kept; empty if it is not.
        drawn: rows that the first fit learned from, where it had not its whole side.
        batches: in how many the rows came, where they were not in memory together.
    """

    rows: int = 0
    seconds: float = 0.0
    refused: str = ""
    drawn: int = 0
    batches: int = 0


class Interval(msgspec.Struct, frozen=True):
    """A metric, and how far to either side it is uncertain."""

    mean: float
    half: float


class CrossValidated(msgspec.Struct, frozen=True, omit_defaults=True):
    """The metrics of fits on parts of the rows; `refused` says why there are none.

    Attributes:
        threshold: the one that was chosen on these rows; None if none was asked for.
        decision: the sentence about it.
    """

    folds: int = 0
    repeats: int = 0
    rows: int = 0
    metrics: dict[str, Interval] = {}
    seconds: float = 0.0
    refused: str = ""
    threshold: float | None = None
    decision: str = ""


class Made(msgspec.Struct, frozen=True):
    """The file of a dataset: its version, the hash of its bytes, and the rows to train from."""

    version: str
    sha256: str
    rows: int


class Large(msgspec.Struct, frozen=True):
    """The training rows of a table that is larger than memory.

    Attributes:
        rows: the number of all.
        drawn: that of those in DATASET.parquet; the others are in the folder DATASET.parts.
    """

    rows: int
    drawn: int


class Prepared(msgspec.Struct, frozen=True):
    """DATASET.json beside the training rows: their target, and the rule that held others out."""

    target: dict[str, Any]  # as model.yaml has it, without the labels that were dropped or merged
    held_out: HeldOut
    warnings: list[str] = []  # about the rows, such as a new category, and what was done to them
    made: Made | None = None  # None in a note of an older version
    large: Large | None = None  # None where all training rows are in one file


class TrainingRun(msgspec.Struct, frozen=True):
    """run.json: the train step, for the steps after it."""

    run_id: str  # MLflow's
    rows: Rows
    hyperparameters: dict[str, Any]
    train_metrics: dict[str, Any]  # the team's train_model returned these two
    test_metrics: dict[str, Any]
    compiled: Compiled
    warnings: list[str] = []  # those of the prepare step
    refit: Refit = Refit()
    cross_validated: CrossValidated = CrossValidated()
    decision: str = ""  # how predictions follow from probabilities, where the target says it
    made_with: dict[str, str] = {}  # commit, packages and the like, by name
    smoke: bool = False  # whether it was a smoke check, whose model is no result

    @property
    def learned_rows(self) -> int:
        """Return the number of rows that the model learned from."""
        return self.refit.rows or self.rows.train


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
    held_out_rows: int = 0  # holdout_rows of them were measured on: those that both have not seen
    lower_is_better: list[str] = []  # those of the metrics that are better the lower they are
    setbacks: Setbacks = Setbacks()


class Files(msgspec.Struct, frozen=True):
    """A registered version, and the hash of its files."""

    version: str
    sha256: str


class Registration(msgspec.Struct, frozen=True):
    """registration.json: the decision of the gate.

    Attributes:
        name: the model's name in the registry.
        value, champion: the metric of the new model and of the champion, on the same rows.
        baseline: that of the same answer for every row; None if it has no such metric.
        version: the new version; None if the model was not registered.
        serving: the champion after the step; None if there is none.
        warnings: those of the prepare step, each behind its dataset's name.
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
    warnings: list[str] = []
    rows: int = 0  # that both were measured on
    held_out_rows: int = 0
    learned_rows: int = 0
    refit: Refit = Refit()
    cross_validated: CrossValidated = CrossValidated()
    decision: str = ""
    compiled: Compiled = Compiled()
    baseline: float | None = None
    setbacks: Setbacks = Setbacks()  # the few worst of them
    smoke: bool = False


class Measured(msgspec.Struct, frozen=True):
    """measured.json, beside a version's files: the measurements made before its registration."""

    metrics: Metrics = {}
    holdout_rows: int | None = None
    compiled: Compiled = Compiled()
    lower_is_better: list[str] = []  # those of the metrics that are better the lower they are


Note = TypeVar("Note", Prepared, TrainingRun, Evaluation, Registration, Measured)


def write(path: Path, note: Prepared | TrainingRun | Evaluation | Registration | Measured) -> None:
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
