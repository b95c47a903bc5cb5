"""Answers rows by a model's compiled form: without pandas and scikit-learn, in microseconds.

Training writes it beside the pickle (`compiling.py`). A linear model is read as plain tables and
answers in plain Python; trees are run by onnxruntime, in double precision like the original.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import mul
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from seedling import tasks
from seedling.columns import read
from seedling.compiled import grouped
from seedling.compiled.by_target import Words
from seedling.compiled.encoder import Category, Encoder, Feature, Number
from seedling.compiled.grouped import Grouped, Groups
from seedling.config import Target
from seedling.errors import ProjectError
from seedling.files import sha256

if TYPE_CHECKING:  # only batches are answered by columns
    from seedling.compiled.leaf_masks import LeafMasks
    from seedling.data.column_values import Values

FOLDER = "compiled"
FORM, TREES, CHECK = "form.json", "trees.onnx", "check.json"
SMALL, LARGEST = 1 << 20, 16 << 20  # bytes of ensembles that are answered by masks
MANY = 20_000  # rows at a time for which the masks of a large one are worth their making
TOLERANCE = 1e-6  # between compiled and original, beyond what the original itself rounds

Row = Sequence[Any]  # a row's feature values in the schema's order, None for missing


class Form(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The numbers of a fitted pipeline, from which its answers are computed.

    `link` turns the raw outputs into what the estimator predicts: `identity` (numbers), `logistic`
    (the log-odds of the second of two labels), `softmax` (a logit for each label), or `shares`
    (probabilities; of the second label only where there are two). The task makes an answer of it.
    """

    task: str
    target: dict[str, Any] = {}  # its entry in the schema, where that has a threshold
    features: list[Feature]  # of each part, in the order of the schema's features
    split_up: dict[int, dict[str, Any]] = {}  # features with several parts: their schema's entries
    width: int  # columns after the preprocessing
    link: Literal["identity", "logistic", "softmax", "shares"]
    labels: list[bool | int | float | str]
    base: list[float]  # added to each raw output
    weights: list[list[float]] = []  # of a linear model: outputs x columns
    single: bool = False  # whether columns are rounded to single precision first
    groups: Groups | None = None  # a line for each, in arrays beside the form
    additions: int = 0  # the model's own for an output, where it sums in single precision
    made_from: dict[str, str]  # SHA-256 of each file that it was made from, by name


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """A few rows with the model's undecided answer; the form is compared with it when loaded."""

    rows: list[list[bool | int | float | str | None]]
    answer: dict[str, Any]
    rounding: list[float] = []  # by which the model itself may be off, a number a row


class Compiled:
    """Answers rows by a compiled form, each row by itself: alone or in a batch is the same."""

    def __init__(self, form: Form, trees: bytes | None = None, home: Path | None = None) -> None:
        """
        Args:
            form: the numbers.
            trees: the ensemble of a form that has one.
            home: the form's folder, which groups and many rows need.
        """
        self.form = form
        self.task = tasks.find(form.task)
        raw: Trees | Linear | Grouped
        if form.groups and home:
            raw = Grouped(form.groups, home, Encoder(form.features, form.width))
        else:
            raw = Trees(form, trees, home) if trees else Linear(form)
        self._model, self._raw = raw, raw.outputs
        self._parts = _splitter(form.split_up) if form.split_up else None
        self._answer = self.task.compiled(LINKS[form.link], form.labels)
        self._decide = (
            self.task.decider(Target.model_validate(form.target)) if form.target else None
        )

    def answer(self, rows: Sequence[Row]) -> Mapping[str, Any]:
        """Return the task's answer for n rows, decided by the threshold."""
        found = self.undecided(rows)
        return self._decide(found) if self._decide else found

    def answer_columns(self, columns: "Sequence[Values]") -> Mapping[str, Any]:
        """Return the same answer for n values of each feature; what is of each row as an array.

        It needs numpy and pyarrow, which a service by itself does not.
        """
        from seedling.compiled import by_columns

        parts = by_columns.split(columns, self.form.split_up)
        model = self._model
        if isinstance(model, Grouped):
            outputs = model.of_columns([part.objects().tolist() for part in parts])
        elif isinstance(model, Trees):
            outputs = by_columns.trees(self.form, model, parts)
        else:
            outputs = by_columns.linear(self.form, model, parts)
        of_columns = self.task.compiled_columns(by_columns.LINKS[self.form.link], self.form.labels)
        found = of_columns(outputs) if of_columns else self._answer(outputs.tolist())
        return self._decide(found) if self._decide else found

    @cached_property
    def is_by_arrays(self) -> bool:
        """Return whether columns are answered by arrays: Python runs for hardly a value then."""
        plain = all(isinstance(each, Number | Category) for each in self.form.features)
        return plain and not (self.form.groups or self.form.split_up)

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
        self.parts = [
            (_numbers(form, weights), _categories(form, weights), base)
            for weights, base in zip(form.weights, form.base, strict=True)
        ]
        self.texts = [
            (place, feature.reader(), [each[feature.column :] for each in form.weights])
            for place, feature in enumerate(form.features)
            if isinstance(feature, Words)
        ]

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the n x outputs raw outputs of n rows."""
        found = [
            [_sum(row, numbers, categories, base) for numbers, categories, base in self.parts]
            for row in rows
        ]
        for place, numbers_of, weights in self.texts:
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

    def __init__(self, form: Form, trees: bytes, home: Path | None = None) -> None:
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
        self._file, self._size = home / TREES if home else None, len(trees)
        self._making = Lock()
        self.base = np.array(form.base)
        self._encoder = Encoder(form.features, form.width)

    def masks(self, rows: int) -> "LeafMasks | None":
        """Return what answers so many rows faster, with the same bits; None where it does not."""
        if self._file is None or self._size > (SMALL if rows < MANY else LARGEST):
            return None
        with self._making:  # once, for all threads
            return self._masks

    @cached_property
    def _masks(self) -> "LeafMasks | None":
        try:
            from seedling.compiled import leaf_masks, tree_ensembles

            assert self._file
            _refuse_other_sources(self.form, {TREES: self._file})
            trees = tree_ensembles.read(self._file.read_bytes())
        except ImportError:  # without onnx, onnxruntime reads them
            return None
        groups = [each.places() for each in self.form.features if isinstance(each, Category)]
        return leaf_masks.made(trees, groups, len(self.base))

    def outputs(self, rows: Sequence[Row]) -> list[list[float]]:
        """Return the n x outputs raw outputs of n rows."""
        if not rows:
            return []
        (outputs,) = self.session.run(None, {"X": self._encoded(rows)})
        found: list[list[float]] = (outputs + self.base).tolist()
        return found

    def _encoded(self, rows: Sequence[Row]) -> Any:
        """Return n rows as the fitted preprocessing makes them: n x width, double precision."""
        encoded = self.np.array([self._encoder.row(row) for row in rows])
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
        total = 0.0
        for value in raised:  # `sum` compensates what is lost from Python 3.12 on, NumPy does not
            total += value
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
    if form.groups:
        names = [name for name in form.made_from if name.startswith(f"{grouped.FOLDER}/")]
        _refuse_other_sources(form, {name: home / name for name in names})
    compiled = Compiled(form, trees.read_bytes() if trees.exists() else None, home)
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
