"""Encoders that learn from the target what a category or a text says about it.

The rows that they learn from are encoded a fifth at a time, by what the other rows say: otherwise a
model would trust the encoded columns more than it can in new rows.
"""

from collections import Counter
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import TargetEncoder

from seedling.data.words import words

FOLDS = 5
MOST_WORDS = 5_000  # of a text column
FEWEST_TEXTS = 2  # in which a word stands
PENALTY = 2.0  # of the weights' squares

Numbers = npt.NDArray[np.float64]


class Encoded(NamedTuple):
    """A column's reader, where its values are read before they are encoded, and its regression."""

    reader: Any
    regression: Any

    def values(self, cells: Any) -> Any:
        return self.reader.transform(cells) if self.reader else cells

    def numbers(self, cells: Any) -> Numbers:
        return np.asarray(self.regression.predict(self.values(cells))).reshape(len(cells), -1)


class ByTarget(TransformerMixin, BaseEstimator):
    """The base: a column becomes a number of the target's, or one for each of several classes.

    A subclass says which regression predicts the target from the values of one column.
    """

    def fit(self, X: Any, y: Any) -> Self:
        self.names_ = [str(name) for name in getattr(X, "columns", range(np.shape(X)[1]))]
        targets, self.labels_ = _targets(np.asarray(y))
        self.columns_ = [self._learned(cells, targets) for cells in _cells(X).T]
        return self

    def fit_transform(self, X: Any, y: Any) -> Numbers:
        """Learn from n rows, and return each of them as the others would encode it."""
        self.fit(X, y)
        targets, _ = _targets(np.asarray(y))
        folds = KFold(min(FOLDS, len(targets)), shuffle=True, random_state=0)
        found = [
            cross_val_predict(column.regression, column.values(cells), targets, cv=folds)
            for column, cells in zip(self.columns_, _cells(X).T, strict=True)
        ]
        return np.hstack([numbers.reshape(len(targets), -1) for numbers in found])

    def transform(self, X: Any) -> Numbers:
        columns = zip(self.columns_, _cells(X).T, strict=True)
        return np.hstack([column.numbers(cells) for column, cells in columns])

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        names = self.names_ if input_features is None else input_features
        return np.array([f"{name}{label}" for name in names for label in self.labels_], object)

    def _learned(self, cells: Any, targets: Numbers) -> Encoded:
        raise NotImplementedError


class CategoriesByTarget(ByTarget):
    """Encodes a category by the mean of the target in its rows, drawn towards that of all rows.

    The fewer rows a category has, the more it is drawn. One that is unknown is the mean of all.
    """

    def _learned(self, cells: Any, targets: Numbers) -> Encoded:
        return Encoded(None, Means().fit(cells, targets))


class WordsByTarget(ByTarget):
    """Encodes a text by a linear regression of the target on its words.

    A word counts once in a text, by its inverse document frequency; a text has the length 1.
    """

    def _learned(self, cells: Any, targets: Numbers) -> Encoded:
        texts_with = Counter(word for text in cells for word in set(words(text)))
        frequent = [word for word, count in texts_with.most_common(MOST_WORDS)]
        known = sorted(word for word in frequent if texts_with[word] >= FEWEST_TEXTS)
        # A vocabulary must not be empty; no text has an empty word.
        reader = TfidfVectorizer(analyzer=words, vocabulary=known or [""], binary=True).fit(cells)
        return Encoded(reader, Ridge(PENALTY).fit(reader.transform(cells), targets))


class Means(RegressorMixin, BaseEstimator):
    """Predicts each of k targets by scikit-learn's TargetEncoder of the one column."""

    def fit(self, X: Any, y: Any) -> Self:
        cells = np.reshape(X, (-1, 1))
        encoder = TargetEncoder(target_type="continuous")
        self.encoders_ = [clone(encoder).fit(cells, target) for target in y.T]
        return self

    def predict(self, X: Any) -> Numbers:
        cells = np.reshape(X, (-1, 1))
        return np.hstack([encoder.transform(cells) for encoder in self.encoders_])


def _targets(y: Any) -> tuple[Numbers, list[str]]:
    """Return n x k targets, and k endings for names.

    Numbers with a point are one target. Of two classes, it is 1 for the second; of more, there is
    one for each class.
    """
    if y.dtype.kind == "f":
        return y.reshape(-1, 1), [""]
    labels = np.unique(y)
    each = (y[:, None] == labels).astype("float64")
    if len(labels) <= 2:
        return each[:, -1:], [""]
    return each, [f"_{label}" for label in labels]


def _cells(X: Any) -> Any:
    """Return n x columns texts; a missing one, of whatever kind, is empty."""
    cells = pd.DataFrame(X)
    return cells.astype(object).where(cells.notna(), "").to_numpy()
