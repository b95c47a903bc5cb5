"""Calls of the team's train_model: the first fit, with a look at X_test, and those without."""

import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from seedling import tasks
from seedling.config import Dataset
from seedling.data.schema import model_frame
from seedling.errors import ProjectError
from seedling.training.estimators import fix_seeds
from seedling.training.notes import Refit

SEED = 20  # of every fit, unless the train step is given another


class Table(NamedTuple):
    """The n rows that are not held out, with their features and target as models take them."""

    rows: pd.DataFrame
    X: pd.DataFrame
    y: pd.Series
    dataset: Dataset

    @classmethod
    def of(cls, rows: pd.DataFrame, dataset: Dataset) -> "Table":
        """Return rows of a dataset's file as models take them."""
        target = tasks.of(dataset).training.values(rows, dataset.target)
        return cls(rows, model_frame(rows, dataset.features), target, dataset)

    def part(self, places: npt.NDArray[np.intp]) -> tuple[pd.DataFrame, pd.Series]:
        """Return features and target of some of the rows."""
        return self.X.iloc[places], self.y.iloc[places]


class Fit(NamedTuple):
    """The model and metrics that train_model returned, and the seconds that it took."""

    model: Any
    train_metrics: Mapping[str, Any]
    test_metrics: Mapping[str, Any]
    seconds: float


class Fitting(NamedTuple):
    """A model's train_model, with what each call of it is given beside the rows."""

    train_model: Callable[..., Any]
    hyperparameters: Mapping[str, Any]
    seed: int
    dataset: Dataset | None = None  # of which the task hands more to train_model
    smoke: bool = False  # handed to a train_model that takes it

    def first(
        self, X_train: pd.DataFrame, y_train: pd.Series, X_test: pd.DataFrame, y_test: pd.Series
    ) -> Fit:
        """Fit on the training rows, with a look at the test rows: early stopping may use them."""
        return self._call(self.hyperparameters, X_train, y_train, X_test, y_test)

    def again(self, X: pd.DataFrame, y: pd.Series, first: Fit) -> Fit:
        """Fit on other rows as the first fit found best; X_test and y_test are None.

        A test metric of the first fit that has a hyperparameter's name takes its place: a model
        that stops early returns so how many iterations were best.
        """
        found = {
            name: type(value)(first.test_metrics[name])
            for name, value in self.hyperparameters.items()
            if name in first.test_metrics
        }
        return self._call({**self.hyperparameters, **found}, X, y, None, None)

    def _call(self, hyperparameters: Mapping[str, Any], *rows: Any) -> Fit:
        fix_seeds(self.seed)
        begin = time.perf_counter()
        more = {} if self.dataset is None else of_dataset(self.train_model, self.dataset)
        if self.smoke and takes(self.train_model, "smoke"):
            more["smoke"] = True
        model, train_metrics, test_metrics = self.train_model(*rows, **more, **hyperparameters)
        return Fit(model, train_metrics, test_metrics, time.perf_counter() - begin)


def refitted(
    fitting: Fitting, first: Fit, X: pd.DataFrame, y: pd.Series, wanted: bool
) -> tuple[Fit, Refit]:
    """Fit on all rows, and return that fit; the first where it is not wanted, or fails."""
    if not wanted:
        return first, Refit(refused="model.yaml says refit: false")
    try:
        again = fitting.again(X, y, first)
    except Exception as error:  # the team's, which may not do without X_test
        return first, Refit(refused=failure(error))
    return again, Refit(len(X), again.seconds)


def of_dataset(train_model: Callable[..., Any], dataset: Dataset) -> dict[str, Any]:
    """Return what the dataset's task hands to a train_model, of that which it takes."""
    found = tasks.of(dataset).training.arguments(dataset)
    return {name: value for name, value in found.items() if takes(train_model, name)}


def refuse_weights(model: str, train_model: Callable[..., Any]) -> None:
    """Refuse class weights that a train_model does not take.

    Raises:
        ProjectError: it has no argument for them.
    """
    if not takes(train_model, "class_weight"):
        raise ProjectError(
            f"models/{model}/train.py: train_model takes no class_weight, which model.yaml gives "
            f"{model}: add the argument and pass it to the classifier, or remove it there."
        )


def takes(train_model: Callable[..., Any], name: str) -> bool:
    """Return whether a train_model has an argument of this name, or takes any."""
    taken = inspect.signature(train_model).parameters
    kinds = [argument.kind for argument in taken.values()]
    return name in taken or inspect.Parameter.VAR_KEYWORD in kinds


def failure(error: Exception) -> str:
    """Return the reason why a fit without X_test failed, in one line."""
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"train_model fails without X_test ({type(error).__name__}: {first_line})"
