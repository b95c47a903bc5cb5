"""Categories and texts that `seedling.training.by_target` has encoded by what the target is.

Each becomes one number for each output of the encoder, which stand in neighbouring columns.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import msgspec

from seedling.data.words import words as words_of

Numbers = list[float]


class Means(msgspec.Struct, forbid_unknown_fields=True, rename={"column": "at"}):
    """The numbers of a category, from one column on."""

    column: int  # the first, after the preprocessing
    values: dict[str, Numbers]
    missing: Numbers
    unknown: Numbers

    def of(self, value: str | None) -> Numbers:
        """Return the numbers of a row's value."""
        return self.missing if value is None else self.values.get(value, self.unknown)


class Words(msgspec.Struct, tag=True, forbid_unknown_fields=True, rename={"column": "at"}):
    """A text: the sum of its words' weights, divided by the length of the text's vector."""

    column: int  # the first of its numbers, after the preprocessing
    words: dict[str, Numbers]  # of each word the square of its frequency's inverse, then weights
    base: Numbers  # added to each sum

    def reader(self) -> Callable[[str | None], Numbers]:
        """Return a function that gives the numbers of a row's text."""
        known = {word: (square, weights) for word, (square, *weights) in self.words.items()}
        base = self.base

        def numbers(text: str | None) -> Numbers:
            found = [known[word] for word in {*words_of(text or "")} if word in known]
            if not found:
                return base
            length = sqrt(sum(square for square, _ in found))
            sums = (sum(column) for column in zip(*(weights for _, weights in found), strict=True))
            return [start + total / length for start, total in zip(base, sums, strict=True)]

        return numbers


def read_means(start: int, imputer: Any, encoder: Any, scaler: Any = None) -> list[Means]:
    """Read a fitted CategoriesByTarget, whose columns begin at `start`."""
    found: list[Means] = []
    for encoded, fill in zip(encoder.columns_, imputer.statistics_, strict=True):
        encoders = encoded.estimator.encoders_
        names = encoded.reader.categories_[0].tolist()
        rows = list(zip(*(each.encodings_[0].tolist() for each in encoders), strict=True))
        place, count = start + len(found) * len(encoders), len(encoders)
        scaled = _scaled(scaler, place - start, count)
        values = {name: scaled(row) for name, row in zip(names, rows, strict=True)}
        unknown = scaled([float(each.target_mean_) for each in encoders])
        found.append(Means(place, values, values.get(str(fill), unknown), unknown))
    return found


def read_words(start: int, encoder: Any, scaler: Any = None) -> list[Words]:
    """Read a fitted WordsByTarget, whose columns begin at `start`."""
    found: list[Words] = []
    for encoded in encoder.columns_:
        base = encoded.estimator.intercept_.reshape(-1)
        place, count = start + len(found) * len(base), len(base)
        names, idf = encoded.reader.get_feature_names_out().tolist(), encoded.reader[-1].idf_
        weights = (encoded.estimator.coef_.reshape(count, -1) * idf).T
        if scaler:
            weights /= scaler.scale_[place - start :][:count]
        together = zip(names, (idf**2).tolist(), weights.tolist(), strict=True)
        words = {name: [square, *of_word] for name, square, of_word in together}
        scaled = _scaled(scaler, place - start, count)
        found.append(Words(place, words, scaled(base.tolist())))
    return found


def _scaled(scaler: Any, first: int, count: int) -> Callable[[Sequence[float]], Numbers]:
    """Return a function that scales the numbers of a scaler's columns from `first` on."""
    if scaler is None:
        return list
    means = scaler.mean_[first:][:count].tolist()
    scales = scaler.scale_[first:][:count].tolist()

    def scaled(numbers: Sequence[float]) -> Numbers:
        together = zip(numbers, means, scales, strict=True)
        return [(number - mean) / scale for number, mean, scale in together]

    return scaled
