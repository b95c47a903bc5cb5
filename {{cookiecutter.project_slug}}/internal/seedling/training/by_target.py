"""Encoders that learn from the target what a category or a text says about it.

The rows that they learn from are encoded a fifth at a time, by what the other rows say: otherwise a
model would trust the encoded columns more than it can in new rows.
"""

from collections import Counter
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, TargetEncoder
from threadpoolctl import threadpool_limits

from seedling.data.words import words

FOLDS = 5
MOST_WORDS = 5_000  # of a text column
FEWEST_TEXTS = 2  # in which a word stands
PENALTY = 2.0  # of the weights' squares

Numbers = npt.NDArray[np.float64]

# The sums of a fit on words are short: threads that wait for each other take ten times long.
one_thread = partial(threadpool_limits, limits=1, user_api="blas")


class Encoded(NamedTuple):
    """A column's fitted reader, and what predicts the target from what it reads."""

    reader: Any
    estimator: Any


class ByTarget(TransformerMixin, BaseEstimator):
    """The base: a column becomes a number of the target's, or one for each of several classes.

    A subclass says how the n cells of a column are read, and what predicts the target from them.
    """

    shape: ClassVar[tuple[int, ...]]  # in which a reader takes n cells

    def fit(self, X: Any, y: Any) -> Self:
        self._learn(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> Numbers:
        """Learn from n rows, and return each of them as the others would encode it."""
        values, targets = self._learn(X, y)
        folds = KFold(min(FOLDS, len(targets)), shuffle=True, random_state=0)
        with one_thread():
            found = [
                cross_val_predict(column.estimator, read, targets, cv=folds)
                for column, read in zip(self.columns_, values, strict=True)
            ]
        return np.hstack([numbers.reshape(len(targets), -1) for numbers in found])

    def transform(self, X: Any) -> Numbers:
        table = _cells(X)
        found = [
            column.estimator.predict(column.reader.transform(cells.reshape(self.shape)))
            for column, cells in zip(self.columns_, table.T, strict=True)
        ]
        return np.hstack([numbers.reshape(len(table), -1) for numbers in found])

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        names = self.names_ if input_features is None else input_features
        return np.array([f"{name}{label}" for name in names for label in self.labels_], object)

    def _learn(self, X: Any, y: Any) -> tuple[list[Any], Numbers]:
        """Learn from n rows; return what was read of each column, and n x k targets."""
        self.names_ = [str(name) for name in getattr(X, "columns", range(np.shape(X)[1]))]
        targets, self.labels_ = _targets(np.asarray(y))
        self.columns_, values = [], []
        for cells in _cells(X).T:
            reader = self._reader(cells)
            values.append(reader.fit_transform(cells.reshape(self.shape)))
            with one_thread():
                fitted = self._estimator().fit(values[-1], targets)
            self.columns_.append(Encoded(reader, fitted))
        return values, targets

    def _reader(self, cells: Any) -> Any:
        raise NotImplementedError

    def _estimator(self) -> Any:
        raise NotImplementedError


class CategoriesByTarget(ByTarget):
    """Encodes a category by the mean of the target in its rows, drawn towards that of all rows.

    The fewer rows a category has, the more it is drawn. One that is unknown is the mean of all.
    """

    shape: ClassVar[tuple[int, ...]] = (-1, 1)

    def _reader(self, cells: Any) -> Any:
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)

    def _estimator(self) -> Any:
        return Means()


class WordsByTarget(ByTarget):
    """Encodes a text by Ridge's prediction of the target from its words.

    A word counts once in a text, by its inverse document frequency; a text has the length 1.
    """

    shape: ClassVar[tuple[int, ...]] = (-1,)

    def _reader(self, cells: Any) -> Any:
        texts_with = Counter(word for text in cells for word in set(words(text)))
        frequent = texts_with.most_common(MOST_WORDS)
        known = sorted(word for word, count in frequent if count >= FEWEST_TEXTS)
        # A vocabulary must not be empty; no text has an empty word.
        counting = CountVectorizer(analyzer=words, vocabulary=known or [""], binary=True)
        return make_pipeline(counting, TfidfTransformer())

    def _estimator(self) -> Any:
        return Ridge(PENALTY)


class Means(RegressorMixin, BaseEstimator):
    """Predicts each of k targets by scikit-learn's TargetEncoder of n x 1 codes."""

    def fit(self, X: Any, y: Any) -> Self:
        encoder = TargetEncoder(target_type="continuous")
        self.encoders_ = [clone(encoder).fit(X, target) for target in y.T]
        return self

    def predict(self, X: Any) -> Numbers:
        return np.hstack([encoder.transform(X) for encoder in self.encoders_])


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
