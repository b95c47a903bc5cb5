"""The search of the verb `tune`: hyperparameters tried on this machine, on folds of the rows."""

import math
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from seedling import team_code
from seedling.config import Project
from seedling.data.dataset_files import verified
from seedling.data.sides import of_file
from seedling.errors import ProjectError
from seedling.tasks import measuring
from seedling.training import cross_validation, made_of, search_space
from seedling.training.fits import SEED, Fitting, Table, refuse_weights
from seedling.training.study import Study, Tried
from seedling.training.trials import Trials

FILE = "tune.db"
MOST_REPEATED = 50  # trials in a row whose values were tried before: then there is nothing new


class Limits(NamedTuple):
    """The end of a search.

    Attributes:
        trials: how many in all, those of before included; None for no limit.
        minutes: how long from now on; None for no limit.
    """

    trials: int | None
    minutes: float | None


class Watcher(Protocol):
    """The progress of a search, as a person sees it."""

    def begin(self, present: bool, number: int, folds: int) -> None:
        """Note that values are tried: those of model.yaml, or a trial of this number from 1 on."""

    def fold(self, values: list[float]) -> None:
        """Note that another fold was measured."""

    def end(self, tried: Tried, is_best: bool) -> None:
        """Note what they led to."""


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        present: what the values of model.yaml led to; None if that was not found out.
        tried: all trials, those of before included.
        ranking: the complete ones among them, the best first.
        better: the best of them, if it is better than `present`.
        stopped: what ended the search early: `person` or `time`; else empty.
    """

    present: Tried | None
    tried: list[Tried]
    ranking: list[Tried]
    better: Tried | None
    stopped: str


class Search:
    """A search of one model: what it is made of, and its study on disk."""

    def __init__(self, project: Project, model: str) -> None:
        """Prepare the rows and open the study.

        Raises:
            ProjectError: nothing is to be searched, or the rows cannot be trained from.
        """
        self.entry = entry = project.config.trained_model(model)
        self.space = search_space.of(entry)
        dataset = project.config.dataset(entry.dataset)
        path = verified(project, dataset)
        found = of_file(path, project.root, dataset, project.config.holdout(dataset))
        self.dataset = found.dataset
        self.table = Table.of(found.training.reset_index(drop=True), found.dataset)
        self.plan = cross_validation.possible(
            self.table.rows, self.dataset, project.config.training.folds
        )
        if self.plan.refused:
            raise ProjectError(f"{dataset.name} cannot be cross-validated: {self.plan.refused}.")
        self.lower = self.dataset.metric in measuring.lower_is_better(self.dataset)
        texts = made_of.texts(project, entry, self.table, self.plan)
        self.study = Study(project.assets / FILE, model, texts, self.space, self.lower)

    @property
    def folds(self) -> int:
        return self.plan.folds * self.plan.repeats

    def run(self, limits: Limits, watcher: Watcher) -> Found:
        """Try the values of model.yaml, then others, until a limit or Ctrl-C.

        Raises:
            ProjectError: train_model or predict fail with the values of model.yaml.
        """
        end = math.inf if limits.minutes is None else time.monotonic() + 60 * limits.minutes
        stopped, known = "", len(self.study.tried())
        try:
            if self._present() is None or limits.trials is None or known < limits.trials:
                self._try(limits.trials, end, watcher)
        except KeyboardInterrupt:
            stopped = "person"
        except OutOfTime:
            stopped = "time"
        present, ranking = self._present(), self.study.ranking()
        better = ranking[0] if ranking and present else None
        if better and present and not self.study.is_better(better, present):
            better = None
        return Found(present, self.study.tried(), ranking, better, stopped)

    def _present(self) -> Tried | None:
        """Return what the values of model.yaml led to, now or in a trial; None if it is unknown."""
        values = {name: self.entry.hyperparameters[name] for name in self.space}
        known = [self.study.present(), *self.study.tried()]
        same = [each for each in known if each and each.values == values and each.is_complete]
        return same[0] if same else None

    def _try(self, most: int | None, end: float, watcher: Watcher) -> None:
        """Try the values of model.yaml, unless that was done before, then others."""
        arguments = self.entry.arguments(self.dataset.target)
        train_model = team_code.train_model(self.entry.name)
        if self.entry.class_weight is not None:
            refuse_weights(self.entry.name, train_model)
        fitting = Fitting(train_model, arguments, SEED, self.dataset)
        trials = Trials(fitting, team_code.predict(self.entry.name), self.table, self.plan)
        attempt = Attempt(trials, arguments, watcher)
        if self._present() is None:
            tried = attempt.run({name: arguments[name] for name in self.space}, 0)
            if tried.fault:
                raise ProjectError(f"{self.entry.name} as model.yaml has it: {tried.fault}")
            self.study.note_present(tried)
            watcher.end(tried, False)
        attempt.end, repeated = end, 0
        while repeated <= MOST_REPEATED and (most is None or len(self.study.tried()) < most):
            trial, before = self.study.next(), self.study.tried()
            if trial is None:
                return
            known = next((each for each in before if each.values == trial.values), None)
            repeated = repeated + 1 if known else 0
            tried = known or attempt.run(trial.values, len(before) + 1, trial.is_hopeless)
            best = [*filter(None, [self._present(), *self.study.ranking()[:1]])]
            trial.finish(tried)
            better = [tried.is_complete and self.study.is_better(tried, each) for each in best]
            watcher.end(tried, all(better))


class OutOfTime(Exception):
    """End a trial that the time does not suffice for."""


class Attempt:
    """The way from values to what they lead to, fold by fold."""

    def __init__(self, trials: Trials, arguments: dict[str, Any], watcher: Watcher) -> None:
        self._trials, self._arguments, self._watcher = trials, arguments, watcher
        self.end = math.inf

    def run(
        self,
        values: dict[str, Any],
        number: int,
        is_hopeless: Callable[[list[float]], bool] = lambda _: False,
    ) -> Tried:
        """Fit and measure on each fold, or until the trial is hopeless.

        Args:
            values: of the searched hyperparameters.
            number: of the trial; 0 for the values of model.yaml.
            is_hopeless: says of the metric on the first folds whether to leave out the others.

        Raises:
            OutOfTime: the time is over before the last fold.
        """
        if time.monotonic() > self.end:
            raise OutOfTime
        self._watcher.begin(not number, number, self._trials.folds)
        begin, folds = time.perf_counter(), list[float]()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the same for many fits; `train` logs them
                for folds in self._trials.values(self._arguments | values):
                    self._watcher.fold(folds)
                    if not all(map(math.isfinite, folds)):
                        raise ProjectError(f"the metric is {folds[-1]}.")
                    if len(folds) == self._trials.folds:
                        break
                    if is_hopeless(folds):
                        return Tried(values, folds, pruned=True)
                    if time.monotonic() > self.end:
                        raise OutOfTime
        except OutOfTime:
            raise
        except Exception as error:  # the team's, or the metric's
            kind = "" if isinstance(error, ProjectError) else f"{type(error).__name__}: "
            words = (str(error).strip().splitlines() or [""])[0].removesuffix(".")
            return Tried(values, folds, fault=f"{kind}{words}.")
        return Tried(values, folds, seconds=time.perf_counter() - begin)
