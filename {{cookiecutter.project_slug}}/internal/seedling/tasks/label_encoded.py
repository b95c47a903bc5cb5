"""Labels for classifiers that do without them."""

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_sample_weight


class LabelEncoded(ClassifierMixin, BaseEstimator):
    """A classifier that knows classes only as 0, 1, 2, ... learns and answers any labels.

    `class_weight` is that of scikit-learn's classifiers: `balanced`, a weight by label, or None.
    """

    def __init__(self, classifier: Any, class_weight: Any = None) -> None:
        self.classifier, self.class_weight = classifier, class_weight

    def fit(self, X: Any, y: Any) -> Self:
        encoder = LabelEncoder().fit(y)
        self.classes_ = encoder.classes_
        weights = {}
        if self.class_weight is not None:
            weights["sample_weight"] = compute_sample_weight(self.class_weight, y)
        self.classifier.fit(X, encoder.transform(y), **weights)
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> Any:
        return self.classifier.predict_proba(X)
