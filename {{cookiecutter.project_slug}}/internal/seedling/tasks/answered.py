"""Stand-ins for an estimator that give an answer which is there, for scikit-learn's scorers."""

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


class AnsweredNumbers(RegressorMixin, BaseEstimator):
    """A regressor that predicts these n numbers, whatever it is asked."""

    def __init__(self, predictions: Any) -> None:
        self.predictions = predictions

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> Any:
        return self.predictions


class AnsweredLabels(ClassifierMixin, BaseEstimator):
    """A classifier that predicts these n labels, with n x classes probabilities."""

    def __init__(self, predictions: Any, scores: Any, classes: Any) -> None:
        self.predictions, self.scores, self.classes = predictions, scores, classes
        self.classes_ = classes

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> Any:
        return self.predictions

    def predict_proba(self, X: Any) -> Any:
        return self.scores
