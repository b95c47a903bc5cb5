"""The findings of a review, as its pages and the two processes that make it exchange them."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seedling.files import write_text
from seedling.monitoring.drift import Drift

CHAMPION, BASE = "champion", "base"
BETTER, WORSE, SAME, FEW = "better", "worse", "no difference beyond chance", "too few rows"

SAMPLE, TASK, RESULT = "sample", "before.json", "result.json"  # in the folder of a review


class Sample(msgspec.Struct, frozen=True):
    """A sample of a dataset's rows, in a file of that name.

    Attributes:
        dataset: its name.
        rows, all_rows: of the sample, and of the dataset.
        held_out: the numbers of the rows that no model of the review learns from.
    """

    dataset: str
    rows: int
    all_rows: int
    held_out: list[int]


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model of one side, measured on held-out rows.

    Attributes:
        model: a folder of models/.
        meaning: equal texts have metrics that can be compared.
        metric: the one that decides.
        metrics: by name; those of `lower` are better the lower they are.
        places: the numbers of the rows that it was measured on.
        loss: the name of the losses, of which there is one for each of these rows.
        learned_rows, seconds: of its training.
        problem: why there are no metrics; empty if there are.
    """

    model: str
    dataset: str = ""
    meaning: str = ""
    metric: str = ""
    metrics: dict[str, float] = {}
    lower: list[str] = []
    places: list[int] = []
    loss: str = ""
    losses: list[float] = []
    learned_rows: int = 0
    seconds: float = 0.0
    problem: str = ""


class Created(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset that the files of before have yielded: its file, or why there is none."""

    path: str = ""
    problem: str = ""


class Task(msgspec.Struct, frozen=True):
    """The work of the process of before: models to measure on samples, datasets to create."""

    samples: list[Sample]
    models: list[str]
    datasets: list[str]


class Result(msgspec.Struct, frozen=True):
    """The result of that process."""

    models: dict[str, Measured] = {}
    datasets: dict[str, Created] = {}


class Compared(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model of this checkout beside the one of before, on the same rows.

    Attributes:
        here: this checkout's.
        before: the one it is compared with; None if there is none.
        against: `champion` or `base`.
        version: the champion's.
        verdict: by the losses of all rows; empty without a model of before.
        difference: of the means of the losses, with its 95 % interval; below 0 is better.
        remark: why there is none to compare with, or which other one there is.
    """

    here: Measured
    before: Measured | None = None
    against: str = ""
    version: str = ""
    verdict: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    remark: str = ""


class Rows(msgspec.Struct, frozen=True, omit_defaults=True):
    """The data of one dataset, here and before.

    Attributes:
        removed, added: lines of the schema.
        rows, rows_before: None where they are not known.
        same: whether the rows are those of before, since nothing that makes them was changed.
        drifts: of each column, the worst first.
        remark: why the rows were not compared.
    """

    dataset: str
    removed: list[str] = []
    added: list[str] = []
    rows: int | None = None
    rows_before: int | None = None
    same: bool = False
    drifts: list[Drift] = []
    remark: str = ""


class Review(msgspec.Struct, frozen=True):
    """All findings of one review.

    Attributes:
        project: its name.
        base: the git ref, with its commit; empty where there is nothing to compare with.
        head: the commit of this checkout; empty if it is not known.
        remark: why there is no base; empty if there is one.
        samples: the rows that models were trained on.
        models, data: what was compared.
        mark: tells the comment from that of another project of the repository; empty if there is
            none.
    """

    project: str
    base: str
    head: str
    remark: str
    samples: list[Sample]
    models: list[Compared]
    data: list[Rows]
    mark: str = ""

    @property
    def worse(self) -> list[str]:
        """Return the names of the models that are worse than before, or fail and did not."""
        return [
            each.here.model
            for each in self.models
            if each.verdict == WORSE or (each.here.problem and each.before)
        ]


Note = TypeVar("Note", Task, Result)


def write(path: Path, note: Task | Result) -> None:
    """Write a note of one process for the other; NumPy's scalars become Python's."""
    built: Any = msgspec.to_builtins(note, enc_hook=lambda value: value.item())
    write_text(path, json.dumps(built))


def read(path: Path, kind: type[Note]) -> Note:
    """Read such a note."""
    return msgspec.json.decode(path.read_bytes(), type=kind)
