"""Answers rows by a model's compiled form: without pandas and scikit-learn, in microseconds.

Training writes it beside the pickle (`compiling.py`). A linear model is read as plain tables and
answers in plain Python; trees are run by onnxruntime, in double precision like the original.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import mul
from pathlib import Path
from typing import Any, Literal

import msgspec

from seedling import tasks
from seedling.columns import read
from seedling.compiled.by_target import Means, Words
from seedling.config import Target
from seedling.errors import ProjectError
from seedling.files import sha256

FOLDER = "compiled"
FORM, TREES, CHECK = "form.json", "trees.onnx", "check.json"
TOLERANCE = 1e-6  # between compiled and original, beyond what the original itself rounds

Row = Sequence[Any]  # a row's feature values in the schema's order, None for missing


class Number(msgspec.Struct, tag=True, forbid_unknown_fields=True, rename={"column": "at"}):
    """A numeric feature: `(value or fill - mean) / scale`, as the fitted preprocessing has it."""

    column: int  # after the preprocessing
    fill: float
    mean: float = 0.0
    scale: float = 1.0


class Category(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A category with the column that is 1 for each of its values; None where no column is."""

    columns: dict[str, int]  # by value
    missing: int | None  # of a row without a value
    unknown: int | None  # of a value that is not in `columns`
    means: Means | None = None  # where it is encoded by the target as well


class Form(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The numbers of a fitted pipeline, from which its answers are computed.

    `link` turns the raw outputs into what the estimator predicts: `identity` (numbers), `logistic`
    (the log-odds of the second of two labels), `softmax` (a logit for each label), or `shares`
    (probabilities; of the second label only where there are two). The task makes an answer of it.
    """

    task: str
    target: dict[str, Any] = {}  # its entry in the schema, where that has a threshold
    features: list[Number | Category | Words]  # of each part, in the order of the schema's features
    split_up: dict[int, dict[str, Any]] = {}  # features with several parts: their schema's entries
    width: int  # columns after the preprocessing
    link: Literal["identity", "logistic", "softmax", "shares"]
    labels: list[bool | int | float | str]
    base: list[float]  # added to each raw output
    weights: list[list[float]] = []  # of a linear model: outputs x columns
    single: bool = False  # whether columns are rounded to single precision first
    additions: int = 0  # the model's own for an output, where it sums in single precision
    made_from: dict[str, str]  # SHA-256 of each file that it was made from, by name


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """A few rows with the model's undecided answer; the form is compared with it when loaded."""

    rows: list[list[bool | int | float | str | None]]
    answer: dict[str, Any]
    rounding: list[float] = []  # by which the model itself may be off, a number a row


class Compiled:
    """Answers rows by a compiled form, each row by itself: alone or in a batch is the same."""

    def __init__(self, form: Form, trees: bytes | None = None) -> None:
        self.form = form
        self.task = tasks.find(form.task)
        raw: Trees | Linear = Trees(form, trees) if trees else Linear(form)
        self._raw = raw.outputs
        self._parts = _splitter(form.split_up) if form.split_up else None
        self._answer = self.task.compiled(LINKS[form.link], form.labels)
        self._decide = (
            self.task.decider(Target.model_validate(form.target)) if form.target else None
        )

    def answer(self, rows: Sequence[Row]) -> Mapping[str, Any]:
        """Return the task's answer for n rows, decided by the threshold."""
        found = self.undecided(rows)
        return self._decide(found) if self._decide else found

    def undecided(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the answer as it is without a threshold."""
        return self._answer(self.outputs(rows))

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the n x outputs raw outputs of n rows, before the link."""
        return self._raw([self._parts(row) for row in rows] if self._parts else rows)


def _splitter(split_up: Mapping[int, Mapping[str, Any]]) -> Callable[[Row], Row]:
    """Return a function that replaces the values of features with several parts by those parts.

    Args:
        split_up: the schema's entries of these features, by their places in a row.
    """
    columns = {place: read(entry) for place, entry in split_up.items()}
    encoders = {
        place: (column.encode, (None,) * len(column.endings())) for place, column in columns.items()
    }

    def split(row: Row) -> Row:
        found: list[Any] = []
        for place, value in enumerate(row):
            if place not in encoders:
                found.append(value)
                continue
            encode, missing = encoders[place]
            found.extend(missing if value is None else encode(value))
        return found

    return split


class Linear:
    """Computes the raw outputs of a linear model: a table of weighted values for each feature."""

    def __init__(self, form: Form) -> None:
        self._parts = [
            (_numbers(form, weights), _categories(form, weights), base)
            for weights, base in zip(form.weights, form.base, strict=True)
        ]
        self._texts = [
            (place, feature.reader(), [each[feature.column :] for each in form.weights])
            for place, feature in enumerate(form.features)
            if isinstance(feature, Words)
        ]

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the n x outputs raw outputs of n rows."""
        found = [
            [_sum(row, numbers, categories, base) for numbers, categories, base in self._parts]
            for row in rows
        ]
        for place, numbers_of, weights in self._texts:
            for row, sums in zip(rows, found, strict=True):
                numbers = numbers_of(row[place])
                for at, each in enumerate(weights):
                    sums[at] += sum(map(mul, numbers, each))
        return found


Numbers = list[tuple[int, float, float, float]]
Categories = list[tuple[int, Callable[[Any, float], float], float]]


def _sum(row: Row, numbers: Numbers, categories: Categories, total: float) -> float:
    """Return `total` with each feature's weighted value added."""
    for place, fill, mean, weight in numbers:
        value = row[place]
        total += ((fill if value is None else value) - mean) * weight
    for place, weight_of, unknown in categories:
        total += weight_of(row[place], unknown)
    return total


def _numbers(form: Form, weights: list[float]) -> Numbers:
    """Return (place in a row, fill, mean, weight) for each numeric feature."""
    return [
        (place, feature.fill, feature.mean, weights[feature.column] / feature.scale)
        for place, feature in enumerate(form.features)
        if isinstance(feature, Number)
    ]


def _categories(form: Form, weights: list[float]) -> Categories:
    """Return (place in a row, weight by value, weight of an unknown value) for each category."""

    def weight(column: int | None) -> float:
        return 0.0 if column is None else weights[column]

    found: Categories = []
    for place, feature in enumerate(form.features):
        if isinstance(feature, Category):
            table: dict[str | None, float] = {
                name: weight(column) for name, column in feature.columns.items()
            }
            table[None], unknown = weight(feature.missing), weight(feature.unknown)
            if feature.means:
                behind = weights[feature.means.column :]
                for name in table:
                    table[name] += sum(map(mul, feature.means.of(name), behind))
                unknown += sum(map(mul, feature.means.unknown, behind))
            found.append((place, table.get, unknown))
    return found


class Trees:
    """Computes the raw outputs of an ensemble of trees by onnxruntime.

    It runs on one thread, since the service's workers are processes.
    """

    def __init__(self, form: Form, trees: bytes) -> None:
        try:
            import numpy as np
            import onnxruntime
        except ImportError as error:
            raise ProjectError(f"its trees need {error.name}, which is not installed") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Without an arena the memory of a large request is given back.
        options.enable_cpu_mem_arena = False
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(trees, options, providers)
        self.np, self.form = np, form
        self.base = np.array(form.base)
        self.numbers = [
            (place, feature.column, feature.fill, feature.mean, feature.scale)
            for place, feature in enumerate(form.features)
            if isinstance(feature, Number)
        ]
        self.categories = [
            (place, {**feature.columns, None: feature.missing}, feature.unknown)
            for place, feature in enumerate(form.features)
            if isinstance(feature, Category)
        ]
        self.by_target: list[tuple[int, int, Callable[[Any], list[float]]]] = []
        for place, feature in enumerate(form.features):
            if isinstance(feature, Words):
                self.by_target.append((place, feature.column, feature.reader()))
            elif isinstance(feature, Category) and feature.means:
                self.by_target.append((place, feature.means.column, feature.means.of))

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the n x outputs raw outputs of n rows."""
        if not rows:
            return []
        (outputs,) = self.session.run(None, {"X": self._encoded(rows)})
        found: list[list[float]] = (outputs + self.base).tolist()
        return found

    def _encoded(self, rows: Sequence[Row]) -> Any:
        """Return n rows as the fitted preprocessing makes them: n x width, double precision."""
        encoded = self.np.zeros((len(rows), self.form.width))
        for number, row in enumerate(rows):
            columns = encoded[number]
            for place, column, fill, mean, scale in self.numbers:
                value = row[place]
                columns[column] = ((fill if value is None else value) - mean) / scale
            for place, known, unknown in self.categories:
                chosen = known.get(row[place], unknown)
                if chosen is not None:
                    columns[chosen] = 1.0
            for place, column, numbers_of in self.by_target:
                numbers = numbers_of(row[place])
                columns[column : column + len(numbers)] = numbers
        if self.form.single:
            encoded = encoded.astype(self.np.float32).astype(self.np.float64)
        return encoded


def _logistic(outputs: list[list[float]]) -> list[list[float]]:
    """Return n x 2 probabilities for n x 1 log-odds of the second label."""
    scores = []
    for (odds,) in outputs:
        # exp of a large positive number overflows; of a large negative one it is 0.
        if odds >= 0:
            share = 1 / (1 + math.exp(-odds))
        else:
            raised = math.exp(odds)
            share = raised / (1 + raised)
        scores.append([1 - share, share])
    return scores


def _softmax(outputs: list[list[float]]) -> list[list[float]]:
    """Return n x labels probabilities for n x labels logits."""
    scores = []
    for row in outputs:
        largest = max(row)
        raised = [math.exp(value - largest) for value in row]
        total = sum(raised)
        scores.append([value / total for value in raised])
    return scores


def _shares(outputs: list[list[float]]) -> list[list[float]]:
    """Return n x labels probabilities; of two labels, the outputs have the second's only."""
    return [[1 - row[0], row[0]] if len(row) == 1 else row for row in outputs]


LINKS: dict[str, Callable[[list[list[float]]], list[list[float]]]] = {
    "logistic": _logistic,
    "softmax": _softmax,
    "shares": _shares,
    "identity": list,
}


def has_trees(folder: Path) -> bool:
    """Tell whether a model's compiled form needs onnxruntime."""
    return (folder / FOLDER / TREES).exists()


def load(folder: Path, predict: Path) -> Compiled:
    """Load the compiled form of a model, and compare its answers with those of the model.

    Args:
        folder: the model's folder, whose files have been verified.
        predict: the team's predict.py, from which the form was made as well.

    Raises:
        ProjectError: there is no form, it was made from other files, or it answers differently.
    """
    home = folder / FOLDER
    if not home.is_dir():
        raise ProjectError("it has no compiled form: its training log says why")
    try:
        form = msgspec.json.decode((home / FORM).read_bytes(), type=Form)
        check = msgspec.json.decode((home / CHECK).read_bytes(), type=Check)
    except msgspec.ValidationError:
        raise ProjectError("its compiled form is another version's: train it again") from None
    _refuse_other_sources(form, {"model.pkl": folder / "model.pkl", "predict.py": predict})
    trees = home / TREES
    if trees.exists():
        _refuse_other_sources(form, {TREES: trees})
    compiled = Compiled(form, trees.read_bytes() if trees.exists() else None)
    answer = compiled.undecided(check.rows)
    worst = compiled.task.difference(answer, check.answer, check.rounding)
    if not worst <= TOLERANCE:
        raise ProjectError(f"its compiled form differs from the model by {worst:.1g}")
    return compiled


def _refuse_other_sources(form: Form, files: dict[str, Path]) -> None:
    """Refuse files that differ from those that the form was made from."""
    for name, path in files.items():
        if not path.exists() or sha256(path) != form.made_from.get(name):
            raise ProjectError(f"{name} is not the one that its compiled form was made from")
