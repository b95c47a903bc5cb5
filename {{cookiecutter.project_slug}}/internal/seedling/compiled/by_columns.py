"""Answers many rows by a compiled form, column by column: the bits of the row by row answers.

Additions are made in the same order, and the exponential function is the C library's, as Python's
is: NumPy's own differs from it in the last digit.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import mul
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedling.columns import read
from seedling.compiled.by_target import Words
from seedling.compiled.encoder import Category, Number
from seedling.data.column_values import Values

if TYPE_CHECKING:
    from seedling.compiled.forms import Form, Linear, Trees

Array = npt.NDArray[np.float64]
BLOCK = 4_096  # rows that are encoded at a time: they stay in the processor's cache


def split(columns: Sequence[Values], split_up: Mapping[int, Mapping[str, Any]]) -> list[Values]:
    """Return the columns with the parts of those that have several.

    Args:
        columns: the features' values.
        split_up: the schema's entries of these features, by their places.
    """
    found: list[Values] = []
    for place, column in enumerate(columns):
        if place in split_up:
            found += read(split_up[place]).part_columns(column)
        else:
            found.append(column)
    return found


def linear(form: "Form", model: "Linear", parts: Sequence[Values]) -> Array:
    """Return n x outputs raw outputs of a linear model."""
    outputs = []
    for numbers, categories, base in model.parts:
        total = np.full(len(parts[0]), base)
        for place, fill, mean, weight in numbers:
            total += (parts[place].floats(fill) - mean) * weight
        for place, weight_of, unknown in categories:
            total += parts[place].mapped(lambda value: weight_of(value, unknown))  # noqa: B023
        outputs.append(total)
    found = np.stack(outputs, axis=1)
    for place, numbers_of, weights in model.texts:

        def sums(text: Any) -> list[float]:
            numbers = numbers_of(text)  # noqa: B023
            return [sum(map(mul, numbers, each)) for each in weights]  # noqa: B023

        found += parts[place].mapped(sums)
    return found


def trees(form: "Form", model: "Trees", parts: Sequence[Values]) -> Array:
    """Return n x outputs raw outputs of an ensemble of trees."""
    numbers: dict[int, Array] = {}  # by column
    groups: list[list[int]] = []  # columns of which one is 1 at most
    marks: list[npt.NDArray[np.intp]] = []  # its place among them, behind the last for none
    for part, feature in zip(parts, form.features, strict=True):
        if isinstance(feature, Number):
            numbers[feature.column] = (part.floats(feature.fill) - feature.mean) / feature.scale
        elif isinstance(feature, Category):
            groups.append(feature.places())
            marks.append(_marked(part, feature, groups[-1]))
            if feature.means:
                _add(numbers, feature.means.column, part.mapped(feature.means.of))
        elif isinstance(feature, Words):
            _add(numbers, feature.column, part.mapped(feature.reader()))
    if form.single:
        with np.errstate(over="ignore"):
            numbers = {at: each.astype(np.float32) for at, each in numbers.items()}
    masks = model.masks(len(parts[0]))
    if masks:
        outputs = masks.outputs(numbers, marks)
    else:
        outputs = _run(form, model, numbers, dict(zip(map(tuple, groups), marks, strict=True)))
    return outputs + model.base


def _add(numbers: dict[int, Array], first: int, columns: Array) -> None:
    numbers.update(enumerate(columns.T, first))


def _run(
    form: "Form",
    model: "Trees",
    numbers: Mapping[int, Array],
    marks: Mapping[tuple[int, ...], npt.NDArray[np.intp]],
) -> Array:
    """Return the sums of an ensemble's leaves by onnxruntime."""
    count = len(next(iter([*numbers.values(), *marks.values()])))
    outputs = np.empty((count, len(form.base)))
    for start in range(0, count, BLOCK):
        some = slice(start, min(start + BLOCK, count))
        encoded = np.zeros((some.stop - start, form.width))
        for column, each in numbers.items():
            encoded[:, column] = each[some]
        for columns, places in marks.items():
            rows = np.flatnonzero(places[some] < len(columns))
            encoded[rows, np.array(columns, np.intp)[places[some][rows]]] = 1.0
        (outputs[some],) = model.session.run(None, {"X": encoded})
    return outputs


def _marked(part: Values, feature: Category, columns: list[int]) -> npt.NDArray[np.intp]:
    """Return the place of the column that is 1 for each row's category, the last for none."""
    known: dict[Any, int | None] = {**feature.columns, None: feature.missing}

    def place(value: Any) -> int:
        found = known.get(value, feature.unknown)
        return len(columns) if found is None else columns.index(found)

    return part.mapped(place, np.intp)


def _logistic(outputs: Array) -> Array:
    odds = outputs[:, 0]
    raised = _exp(-np.abs(odds))
    share = np.where(odds >= 0, 1.0, raised) / (1 + raised)
    return np.stack([1 - share, share], axis=1)


def _softmax(outputs: Array) -> Array:
    raised = _exp((outputs - outputs.max(axis=1, initial=-np.inf)[:, None]).ravel())
    raised = raised.reshape(outputs.shape)
    total = np.zeros(len(outputs))
    for column in raised.T:
        total += column
    return raised / total[:, None]


def _shares(outputs: Array) -> Array:
    if outputs.shape[1] > 1:
        return outputs
    return np.stack([1 - outputs[:, 0], outputs[:, 0]], axis=1)


def _exp(values: Array) -> Array:
    found: Array = pc.exp(pa.array(values)).to_numpy(zero_copy_only=False)
    return found


LINKS: dict[str, Callable[[Array], Array]] = {
    "logistic": _logistic,
    "softmax": _softmax,
    "shares": _shares,
    "identity": lambda outputs: outputs,
}
