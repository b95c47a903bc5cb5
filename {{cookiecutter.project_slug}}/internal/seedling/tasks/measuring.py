"""All metrics of an answer: those of its task, and that of model.yaml where it is another.

The other is a function or a scorer of the project's metrics.py, or one of scikit-learn's scorers by
its name, whose values are better the higher they are. Only training imports scikit-learn.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from seedling import tasks, team_code
from seedling.errors import ProjectError

if TYPE_CHECKING:
    import pandas as pd

    from seedling.config import Dataset
    from seedling.tasks.evidence import Interval

OWN = "metrics.py"
DIRECTION = "greater_is_better"  # what a function of it must say
PROBE = 60  # made-up rows on which a scorer is tried; three of each label at least


def measure(
    truth: "pd.Series",
    answer: Mapping[str, Any],
    dataset: "Dataset",
    rows: "pd.DataFrame | None" = None,
) -> dict[str, float]:
    """Return all metrics of an answer by name, the dataset's own metric among them.

    Args:
        truth: the target of n rows, as the task's `values` gives it.
        answer: the result of `predict` for them.
        dataset: the dataset of the target.
        rows: the n rows, for metrics that need more of them than the target.

    Raises:
        ProjectError: the dataset's metric is unknown, or cannot be computed for these rows.
    """
    training = tasks.of(dataset).training
    found = training.measure(truth, answer, dataset)
    if rows is not None:
        found |= training.measure_rows(truth, answer, rows, dataset)
    if dataset.metric in found:
        return found
    return found | {dataset.metric: own_metric(truth, answer, dataset)}


def own_metric(truth: "pd.Series", answer: Mapping[str, Any], dataset: "Dataset") -> float:
    """Return the dataset's metric, where that is none of its task's; raises as `measure` does."""
    name = dataset.metric
    own = team_code.metric(name)
    metric = own or _scorer(name)
    if metric is None:
        raise ProjectError(_unknown(dataset))
    where = f"{OWN}, {name}" if own else f"The metric {name} of scikit-learn"
    try:
        return _value(metric, truth, answer, dataset, own is not None)
    except Exception as error:  # of scikit-learn's checks, or whatever the team's function does
        raise ProjectError(f"{where}: {type(error).__name__}: {_first_line(error)}.") from None


def decided(answer: Mapping[str, Any], dataset: "Dataset") -> Mapping[str, Any]:
    """Return an answer with the predictions by the target's threshold, if it has one."""
    decide = tasks.of(dataset).decider(dataset.target)
    return decide(answer) if decide else answer


def with_own_interval(
    found: "dict[str, Interval]",
    truth: "pd.Series",
    answer: Mapping[str, Any],
    dataset: "Dataset",
    level: float,
) -> "dict[str, Interval]":
    """Add the value of `own_metric` with an interval, by drawing rows, to the task's intervals.

    They are returned as they are where the dataset's metric is one of the task's.
    """
    from seedling.tasks.intervals import of_any

    if dataset.metric in found:
        return found

    def measured(at: Any) -> dict[str, float]:
        try:
            return {dataset.metric: own_metric(truth.iloc[at], taken(answer, at, dataset), dataset)}
        except ProjectError as error:
            raise ValueError(str(error)) from None

    return found | of_any(measured, len(truth), level)


def taken(answer: Mapping[str, Any], places: Any, dataset: "Dataset") -> dict[str, Any]:
    """Return the answer to some of n rows, by their places in it."""
    import numpy as np

    by_row = tasks.of(dataset).by_row
    return {
        key: _items(value, np.asarray(places)) if key in by_row and len(value) else value
        for key, value in answer.items()
    }


def _items(values: Any, places: Any) -> Any:
    """Return some of n items, which may be lists of different lengths: such are no array."""
    import numpy as np

    if isinstance(values, list) and isinstance(values[0], list | tuple):
        return [values[at] for at in (np.flatnonzero(places) if places.dtype == bool else places)]
    return np.asarray(values)[places]


def lower_is_better(dataset: "Dataset") -> frozenset[str]:
    """Return the names of the metrics that are better the lower they are.

    Raises:
        ProjectError: the dataset's metric is a function of metrics.py that does not say it.
    """
    task = tasks.of(dataset)
    name = dataset.metric
    if name in {*task.metrics, *task.lower_is_better}:
        return task.lower_is_better
    own = team_code.metric(name)
    if inspect.isfunction(own) and not _greater_is_better(own, name):
        return task.lower_is_better | {name}
    return task.lower_is_better


def refuse_unknown(dataset: "Dataset") -> None:
    """Refuse a metric that nothing computes, or that does not fit the task, before training.

    Raises:
        ProjectError: one line with the dataset's name, and names near to the metric's.
    """
    name = dataset.metric
    if name in tasks.of(dataset).metrics:
        return
    own = team_code.metric(name)
    if own is not None:
        if not callable(own):
            raise ProjectError(f"{OWN}: {name} must be a function or a scorer.")
        lower_is_better(dataset)
    elif _scorer(name) is not None:
        problem = _misfit(dataset)
        if problem:
            raise ProjectError(f"{dataset.name}: {problem}")
    elif not _is_measured(dataset):
        raise ProjectError(f"{dataset.name}: {_unknown(dataset)}")


def _value(
    metric: Callable[..., Any],
    truth: "pd.Series",
    answer: Mapping[str, Any],
    dataset: "Dataset",
    is_own: bool,
) -> float:
    """Compute a metric: a plain function of truth and answer, or a scorer."""
    import numpy as np
    from sklearn.exceptions import UndefinedMetricWarning

    task = tasks.of(dataset)
    if inspect.isfunction(metric):
        rows = {key: np.asarray(answer[key]) for key in task.by_row}
        return float(metric(truth, {**answer, **rows}))
    model, y = task.training.scorable(truth, answer, dataset.target, as_places=not is_own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return float(metric(model, np.zeros((len(y), 1)), y))


def _greater_is_better(own: Callable[..., Any], name: str) -> bool:
    said = getattr(own, DIRECTION, None)
    if not isinstance(said, bool):
        raise ProjectError(
            f"{OWN}: say below the function whether more is better: "
            f"{name}.greater_is_better = False, or True."
        )
    return said


def _scorer(name: str) -> Any:
    """Return scikit-learn's scorer of this name; None if it has none."""
    from sklearn.metrics import get_scorer

    return get_scorer(name) if name in _scorer_names() else None


def _scorer_names() -> list[str]:
    """List the names of scikit-learn's scorers, without those of clusters, which need no truth."""
    from sklearn.metrics import cluster, get_scorer_names

    return [name for name in get_scorer_names() if not hasattr(cluster, name)]


def _made_up(dataset: "Dataset") -> "tuple[pd.Series, Mapping[str, Any]]":
    """Return a made-up target, and the answer to it that looks at no feature."""
    import pandas as pd

    task, training = tasks.of(dataset), tasks.of(dataset).training
    count = max(PROBE, 3 * len(task.outcomes(dataset.target)))
    ranks = pd.Series([(number + 1) / count for number in range(count)])
    rows = pd.DataFrame({dataset.target.name: list(training.made_up(ranks, dataset.target))})
    truth = training.values(rows, dataset.target)
    return truth, training.baseline(truth, dataset)


def _misfit(dataset: "Dataset") -> str:
    """Try the dataset's metric on a made-up answer; return the problem, empty if there is none."""
    from sklearn.base import is_classifier

    truth, answer = _made_up(dataset)
    try:
        measure(truth, answer, dataset)
    except ProjectError as error:
        return f"{str(error).removesuffix('.')}: it does not fit this target of {dataset.task}."
    model, _ = tasks.of(dataset).training.scorable(truth, answer, dataset.target, as_places=True)
    if is_classifier(model) and _measures_numbers(_scorer(dataset.metric)):
        return (
            f"The metric {dataset.metric} of scikit-learn is one of numbers: it does not fit this "
            f"target of {dataset.task}."
        )
    return ""


def _measures_numbers(scorer: Any) -> bool:
    """Say whether a scorer takes numbers that are no labels."""
    import numpy as np

    from seedling.tasks.answered import AnsweredNumbers

    truth = np.array([0.6, 1.4, 2.3])
    try:
        scorer(AnsweredNumbers(truth + 0.1), truth[:, None], truth)
    except Exception:
        return False
    return True


def _is_measured(dataset: "Dataset") -> bool:
    truth, answer = _made_up(dataset)
    return dataset.metric in tasks.of(dataset).training.measure(truth, answer, dataset)


def _unknown(dataset: "Dataset") -> str:
    """Return the sentence about a metric that nothing computes, with near names that fit."""
    name, own = dataset.metric, tasks.of(dataset).metrics
    theirs = [key for key, value in team_code.metrics().items() if hasattr(value, DIRECTION)]
    near = get_close_matches(name, [*own, *theirs, *_scorer_names()], n=5)
    fitting = [
        other
        for other in near
        if other in {*own, *theirs} or not _misfit(dataset.model_copy(update={"metric": other}))
    ]
    meant = f"; did you mean {' or '.join(fitting)}?" if fitting else "."
    return (
        f"metric {name!r} is none of {', '.join(own)}, no scorer of scikit-learn, and no function "
        f"of {OWN}{meant}"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].removesuffix(".")
