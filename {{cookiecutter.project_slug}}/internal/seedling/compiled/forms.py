"""A model's compiled form: the same answers without pandas and scikit-learn, in microseconds.

Training writes it beside the pickle (`compiling.py`). A linear model is read as plain tables and
answers in plain Python; trees are run by onnxruntime, in double precision like the original.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from seedling import tasks
from seedling.columns import read
from seedling.errors import ProjectError
from seedling.files import sha256

FOLDER = "compiled"
FORM, TREES, CHECK = "form.json", "trees.onnx", "check.json"
TOLERANCE = 1e-6  # between compiled and original: trees of XGBoost sum in single precision

Row = Sequence[Any]  # a row's feature values in the schema's order, None for missing


class Number(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A numeric feature: `(value or fill - mean) / scale` in column `at`."""

    at: int
    fill: float
    mean: float = 0.0
    scale: float = 1.0


class Category(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A category, one column for each value: the column that is 1, None for no column."""

    columns: dict[str, int]
    missing: int | None
    unknown: int | None


class Form(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a fitted pipeline computes.

    `link` turns the raw outputs into what the estimator predicts: `identity` (numbers), `logistic`
    (the log-odds of the second of two labels), `softmax` (a logit for each label), or `shares`
    (probabilities; of the second label only where there are two). The task makes an answer of it.
    """

    task: str
    features: list[Number | Category]  # of each part, in the order of the schema's features
    split_up: dict[int, dict[str, Any]] = {}  # features with several parts: their schema's entries
    width: int  # columns after the preprocessing
    link: Literal["identity", "logistic", "softmax", "shares"]
    labels: list[bool | int | float | str]
    base: list[float]  # added to each raw output
    weights: list[list[float]] = []  # of a linear model: outputs x columns
    single: bool = False  # whether columns are rounded to single precision first
    made_from: dict[str, str]  # the hashes of the files that it stands for


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """A few rows and what the original answered: repeated whenever the form is loaded."""

    rows: list[list[bool | int | float | str | None]]
    answer: dict[str, Any]


class Compiled:
    """Answers rows by a compiled form, each row by itself: alone or in a batch is the same."""

    def __init__(self, form: Form, trees: Path | None = None) -> None:
        self.form = form
        self.task = tasks.find(form.task)
        raw: Trees | Linear = Trees(form, trees) if trees else Linear(form)
        self._outputs = raw.outputs
        self._parts = _splitter(form.split_up) if form.split_up else None
        self._answer = self.task.compiled(LINKS[form.link], form.labels)

    def answer(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the task's answer for n rows."""
        split = [self._parts(row) for row in rows] if self._parts else rows
        return self._answer(self._outputs(split))


def _splitter(split_up: Mapping[int, Mapping[str, Any]]) -> Callable[[Row], Row]:
    """What replaces the values of some features, by their places, by their parts."""
    columns = {at: read(entry) for at, entry in split_up.items()}
    encoders = {at: (column.encode, (None,) * len(column.parts)) for at, column in columns.items()}

    def split(row: Row) -> Row:
        found: list[Any] = []
        for at, value in enumerate(row):
            if at not in encoders:
                found.append(value)
                continue
            encode, gap = encoders[at]
            found.extend(gap if value is None else encode(value))
        return found

    return split


class Linear:
    """Raw outputs of a linear model: its weights folded into one table a feature."""

    def __init__(self, form: Form) -> None:
        self._parts = [
            (_numbers(form, weights), _categories(form, weights), base)
            for weights, base in zip(form.weights, form.base, strict=True)
        ]

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """n x outputs."""
        return [
            [_sum(row, numbers, categories, base) for numbers, categories, base in self._parts]
            for row in rows
        ]


Numbers = list[tuple[int, float, float, float]]
Categories = list[tuple[int, Callable[[Any, float], float], float]]


def _sum(row: Row, numbers: Numbers, categories: Categories, total: float) -> float:
    for at, fill, mean, weight in numbers:
        value = row[at]
        total += ((fill if value is None else value) - mean) * weight
    for at, weight_of, unknown in categories:
        total += weight_of(row[at], unknown)
    return total


def _numbers(form: Form, weights: list[float]) -> Numbers:
    return [
        (place, feature.fill, feature.mean, weights[feature.at] / feature.scale)
        for place, feature in enumerate(form.features)
        if isinstance(feature, Number)
    ]


def _categories(form: Form, weights: list[float]) -> Categories:
    def weight(column: int | None) -> float:
        return 0.0 if column is None else weights[column]

    found: Categories = []
    for place, feature in enumerate(form.features):
        if isinstance(feature, Category):
            table: dict[str | None, float] = {
                name: weight(column) for name, column in feature.columns.items()
            }
            table[None] = weight(feature.missing)
            found.append((place, table.get, weight(feature.unknown)))
    return found


class Trees:
    """Raw outputs of an ensemble of trees, by onnxruntime on one thread: workers are processes."""

    def __init__(self, form: Form, path: Path) -> None:
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
        self.session = onnxruntime.InferenceSession(path.read_bytes(), options, providers)
        self.np, self.form = np, form
        self.base = np.array(form.base)
        self.numbers = [
            (place, feature.at, feature.fill, feature.mean, feature.scale)
            for place, feature in enumerate(form.features)
            if isinstance(feature, Number)
        ]
        self.categories = [
            (place, {**feature.columns, None: feature.missing}, feature.unknown)
            for place, feature in enumerate(form.features)
            if isinstance(feature, Category)
        ]

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """n x outputs."""
        if not rows:
            return []
        (outputs,) = self.session.run(None, {"X": self._encoded(rows)})
        found: list[list[float]] = (outputs + self.base).tolist()
        return found

    def _encoded(self, rows: Sequence[Row]) -> Any:
        """n x width, as the fitted preprocessing makes it."""
        encoded = self.np.zeros((len(rows), self.form.width))
        for number, row in enumerate(rows):
            columns = encoded[number]
            for place, at, fill, mean, scale in self.numbers:
                value = row[place]
                columns[at] = ((fill if value is None else value) - mean) / scale
            for place, known, unknown in self.categories:
                column = known.get(row[place], unknown)
                if column is not None:
                    columns[column] = 1.0
        if self.form.single:
            encoded = encoded.astype(self.np.float32).astype(self.np.float64)
        return encoded


def _logistic(outputs: list[list[float]]) -> list[list[float]]:
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
    scores = []
    for row in outputs:
        largest = max(row)
        raised = [math.exp(value - largest) for value in row]
        total = sum(raised)
        scores.append([value / total for value in raised])
    return scores


def _shares(outputs: list[list[float]]) -> list[list[float]]:
    return [[1 - row[0], row[0]] if len(row) == 1 else row for row in outputs]


LINKS: dict[str, Callable[[list[list[float]]], list[list[float]]]] = {
    "logistic": _logistic,
    "softmax": _softmax,
    "shares": _shares,
    "identity": list,
}


def has_trees(folder: Path) -> bool:
    """Whether a model's compiled form needs onnxruntime."""
    return (folder / FOLDER / TREES).exists()


def load(folder: Path, predict: Path) -> Compiled:
    """The compiled form in a model's folder, once it has proved that it answers as the model does.

    Args:
        folder: the model's folder, whose files have been verified.
        predict: the team's predict.py, which the form stands for as well.

    Raises:
        ProjectError: why the model has to answer the plain way.
    """
    home = folder / FOLDER
    if not home.is_dir():
        raise ProjectError("it has no compiled form: its training log tells why")
    try:
        form = msgspec.json.decode((home / FORM).read_bytes(), type=Form)
        check = msgspec.json.decode((home / CHECK).read_bytes(), type=Check)
    except msgspec.ValidationError:
        raise ProjectError("its compiled form is another version's: train it again") from None
    _refuse_other_sources(form, {"model.pkl": folder / "model.pkl", "predict.py": predict})
    trees = home / TREES
    if trees.exists():
        _refuse_other_sources(form, {TREES: trees})
    compiled = Compiled(form, trees if trees.exists() else None)
    worst = compiled.task.difference(compiled.answer(check.rows), check.answer)
    if not worst <= TOLERANCE:
        raise ProjectError(f"its compiled form differs from the model by {worst:.1g}")
    return compiled


def _refuse_other_sources(form: Form, files: dict[str, Path]) -> None:
    for name, path in files.items():
        if not path.exists() or sha256(path) != form.made_from.get(name):
            raise ProjectError(f"{name} is not the one that its compiled form was made from")
