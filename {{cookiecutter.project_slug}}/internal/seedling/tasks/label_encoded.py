"""Labels for classifiers that do without them."""

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import LabelEncoder


class LabelEncoded(ClassifierMixin, BaseEstimator):
    """A classifier that knows classes only as 0, 1, 2, ... learns and answers any labels."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Any, y: Any) -> Self:
        encoder = LabelEncoder().fit(y)
        self.classes_ = encoder.classes_
        self.classifier.fit(X, encoder.transform(y))
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        return self.classifier.predict_proba(X)
