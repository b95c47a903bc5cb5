"""The profile of rows: how often which values occur, in a file that keeps no row.

Each registered version has one of the rows that it was trained and measured on. A profile of later
rows is counted by the same edges and texts (`like`), so that the two can be compared.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.monitoring.count_categories import Categories
from seedling.monitoring.count_numbers import Numbers
from seedling.monitoring.count_words import Words
from seedling.monitoring.structs import ColumnProfile, Profile
from seedling.registry import model_files

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnProfile", "Profile", "Profiler", "answer_frame", "of_version", "read", "write"]

Measures = Callable[[pd.Series], pd.Series]


class Counter(Protocol):
    """Counts the cells of one column, in any number of parts."""

    def add(self, cells: pd.Series, measures: Measures) -> None:
        """Count n cells; `measures` turns them into what is counted, NaN for a missing one."""

    def merge(self, other: Any) -> None:
        """Add what another counter of the kind has counted.

        Raises:
            ValueError: it counts by other edges.
        """

    def resume(self, known: ColumnProfile) -> None:
        """Go on from the profile that this counter was made like."""

    def profile(self, name: str) -> ColumnProfile:
        """Return the profile of all cells so far."""


COUNTERS: dict[str, type[Counter]] = {
    "numbers": Numbers,
    "categories": Categories,
    "words": Words,
}


class Profiler:
    """Makes the profile of a table that comes in parts; its memory does not grow with the rows.

    Args:
        dataset: whose raw columns are the features.
        like: the profile that this one is to be compared with: its edges and texts are used. The
            columns of its outputs are then looked for among the rows', too.
    """

    def __init__(self, dataset: Dataset, like: Profile | None = None) -> None:
        self.dataset, self.like, self.rows = dataset, like, 0
        known = like.features if like else {}
        self._columns = {column.name: column for column in dataset.raw}
        self._features = {
            name: _counter(column.profiled, known.get(name))
            for name, column in self._columns.items()
        }
        self._outputs = {
            name: _counter(found.kind, found)
            for name, found in (like.outputs if like else {}).items()
        }

    @classmethod
    def resumed(cls, dataset: Dataset, known: Profile) -> "Profiler":
        """Return a profiler that has counted what is in a profile, and goes on."""
        profiler = cls(dataset, known)
        profiler.rows = known.rows
        pairs = [(profiler._features, known.features), (profiler._outputs, known.outputs)]
        for counters, columns in pairs:
            for name, column in columns.items():
                if name in counters:
                    counters[name].resume(column)
        return profiler

    def add(
        self, rows: "pd.DataFrame | pa.RecordBatch | pa.Table", answer: pd.DataFrame | None = None
    ) -> None:
        """Count n rows.

        Args:
            rows: a table with raw columns of the dataset; one that it lacks is not counted.
            answer: the model's answers to some of them, as `answer_frame` has them. Without, the
                columns of `like`'s outputs are taken from `rows`.
        """
        if not isinstance(rows, pd.DataFrame):
            rows = rows.to_pandas(strings_to_categorical=True, ignore_metadata=True)
        self.rows += len(rows)
        for name, counter in self._features.items():
            if name in rows:
                counter.add(rows[name], self._columns[name].measures)
        found = rows if answer is None else answer
        found = tasks.of(self.dataset).training.profiled(found, self.dataset)
        if answer is not None and not (self.like and self.like.outputs):
            for name in found:
                if name not in self._outputs:
                    self._outputs[str(name)] = COUNTERS[_output_kind(self.dataset, found[name])]()
        for name, counter in self._outputs.items():
            if name in found:
                counter.add(found[name], _output_measures(counter))

    def merged(self, other: "Profiler") -> "Profiler":
        """Add what another profiler of the same dataset has counted; return this one.

        Raises:
            ValueError: the two count by other edges: give both the same `like`.
        """
        self.rows += other.rows
        for name, counter in other._features.items():
            self._features[name].merge(counter)
        for name, counter in other._outputs.items():
            if name in self._outputs:
                self._outputs[name].merge(counter)
            else:
                self._outputs[name] = counter
        return self

    def finish(self) -> Profile:
        """Return the profile of all rows so far."""
        return Profile(
            self.rows,
            {name: counter.profile(name) for name, counter in self._features.items()},
            {name: counter.profile(name) for name, counter in self._outputs.items()},
        )


def answer_frame(dataset: Dataset, answer: Mapping[str, Any]) -> pd.DataFrame:
    """Return the answer of a model's `predict` to n rows with the columns of a scored file.

    Columns whose cells are neither numbers nor texts, such as lists, are left out.
    """
    task = tasks.of(dataset)
    found = task.answer(answer, dataset)
    names, cells = task.batch_columns(found), task.batch_arrays(found)
    columns = {name: pd.Series(list(column)) for name, column in zip(names, cells, strict=True)}
    plain = {
        name: column
        for name, column in columns.items()
        if column.map(lambda cell: cell is None or isinstance(cell, int | float | str)).all()
    }
    return pd.DataFrame(plain)


def write(path: Path, profile: Profile) -> None:
    """Write a profile as JSON."""
    write_text(path, msgspec.json.encode(profile).decode() + "\n")


def read(path: Path) -> Profile:
    """Read a profile.

    Raises:
        ProjectError: it is none, or one of another release.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profile)
    except msgspec.DecodeError as error:
        raise ProjectError(f"{path} is no profile of rows: {error}. Train again.") from None


def of_version(folder: Path) -> Profile | None:
    """Read the profile of a version's folder; None for a version from before there were any."""
    path = folder / model_files.PROFILE
    return read(path) if path.exists() else None


def _counter(kind: str, like: ColumnProfile | None) -> Counter:
    """Return a counter by the edges and texts of a profile, if that is of the same kind."""
    return COUNTERS[kind](like if like and like.kind == kind else None)  # type: ignore[call-arg]


def _output_kind(dataset: Dataset, cells: pd.Series) -> Literal["numbers", "categories"]:
    """Return how a column of answers is counted: a prediction out of a fixed set by its texts."""
    is_label = cells.name == "prediction" and tasks.of(dataset).outcomes(dataset.target)
    is_number = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    return "numbers" if is_number and not is_label else "categories"


def _output_measures(counter: Counter) -> Measures:
    """Return what turns a column of answers into what its counter counts."""
    from seedling.data.distinct import label_texts

    if isinstance(counter, Numbers):
        return lambda cells: pd.to_numeric(cells, errors="coerce").astype("float64")
    return label_texts
