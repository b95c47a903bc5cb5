"""The trials of a search in Optuna's SQLite file, so that it goes on where it was ended."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from seedling.training import search_space
from seedling.training.fits import SEED
from seedling.training.search_space import Choice, Distribution, Space

MOST_COMBINATIONS = 1_000  # of lists, to be tried one after the other; of more, some are drawn
# A trial is given up where it is below the median of at least five others, from the second fold on.
STARTUP_TRIALS, FIRST_PRUNED_FOLD = 5, 2
RESULT, MADE_OF, PRESENT = "result", "made_of", "present"


class Tried(NamedTuple):
    """Values of the searched hyperparameters, and what they led to.

    Attributes:
        values: by name, as train_model gets them.
        folds: the metric on each fold that was fitted.
        pruned: whether the other folds were left out.
        fault: why there is no metric; empty if there is one.
        seconds: that it took.
    """

    values: dict[str, Any]
    folds: Sequence[float] = ()
    pruned: bool = False
    fault: str = ""
    seconds: float = 0.0

    @property
    def mean(self) -> float:
        return sum(self.folds) / len(self.folds)

    @property
    def is_complete(self) -> bool:
        return bool(self.folds) and not self.pruned and not self.fault


class Study:
    """The trials of one model that were made of the same rows, space and code."""

    def __init__(
        self, file: Path, model: str, made_of: Mapping[str, str], space: Space, lower: bool
    ) -> None:
        """Open the study of a model, or begin it.

        Args:
            file: the SQLite file of all studies.
            model: its name.
            made_of: a text for each thing that trials depend on; if one is another, it is another
                study.
            space: what is searched.
            lower: whether the metric is better the lower it is.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        file.parent.mkdir(parents=True, exist_ok=True)
        self._space, self._lower = space, lower
        storage = optuna.storages.RDBStorage(f"sqlite:///{file.as_posix()}")
        digest = hashlib.sha256(json.dumps([*sorted(made_of.items())]).encode()).hexdigest()[:16]
        self.changed = _changed(storage, f"{model}-", digest, made_of)
        self._study = optuna.create_study(
            storage=storage,
            study_name=f"{model}-{digest}",
            direction="minimize" if lower else "maximize",
            pruner=optuna.pruners.MedianPruner(STARTUP_TRIALS, FIRST_PRUNED_FOLD),
            load_if_exists=True,
        )
        self._study.set_user_attr(MADE_OF, dict(made_of))

    def tried(self) -> list[Tried]:
        """Return the trials that were finished, the first one first."""
        found = self._study.get_trials(deepcopy=False)
        return [Tried(**each.user_attrs[RESULT]) for each in found if RESULT in each.user_attrs]

    def present(self) -> Tried | None:
        """Return what the values of model.yaml led to, as it was noted; None if it was not."""
        noted = self._study.user_attrs.get(PRESENT)
        return Tried(**noted) if noted else None

    def note_present(self, tried: Tried) -> None:
        """Note what the values of model.yaml led to."""
        self._study.set_user_attr(PRESENT, tried._asdict())

    def is_better(self, one: Tried, other: Tried) -> bool:
        """Say whether the metric of one is better than that of another."""
        return one.mean < other.mean if self._lower else one.mean > other.mean

    def ranking(self) -> list[Tried]:
        """Return the complete trials, the best first; of equals, the first."""
        complete = [each for each in self.tried() if each.is_complete]
        sign = 1 if self._lower else -1
        return sorted(complete, key=lambda each: sign * each.mean)

    def next(self) -> "Trial | None":
        """Begin another trial; None if all combinations have been tried.

        Its values follow from the finished trials and their number alone: a search that was ended
        and goes on finds what it would have found without the end.
        """
        tried = self.tried()
        if 0 < search_space.count(self._space) <= MOST_COMBINATIONS:
            known = [each.values for each in tried]
            rest = [each for each in _shuffled(self._space) if each not in known]
            if not rest:
                return None
            self._study.enqueue_trial(rest[0])
        self._study.sampler = optuna.samplers.TPESampler(seed=SEED + len(tried), multivariate=True)
        drawn = self._study.ask({name: _optunas(each) for name, each in self._space.items()})
        return Trial(self._study, drawn, self._space)


class Trial:
    """A trial that goes on: it is finished by `finish`, or not at all where a person ends it."""

    def __init__(self, study: optuna.Study, drawn: optuna.Trial, space: Space) -> None:
        self._study, self._drawn = study, drawn
        self.values = {name: space[name].given(value) for name, value in drawn.params.items()}

    def is_hopeless(self, folds: list[float]) -> bool:
        """Say whether the metric on the first folds is below the median of the other trials'."""
        self._drawn.report(sum(folds) / len(folds), len(folds))
        return self._drawn.should_prune()

    def finish(self, tried: Tried) -> None:
        """Note the trial."""
        self._drawn.set_user_attr(RESULT, tried._asdict())
        if tried.fault:
            self._study.tell(self._drawn, state=TrialState.FAIL)
        elif tried.pruned:
            self._study.tell(self._drawn, state=TrialState.PRUNED)
        else:
            self._study.tell(self._drawn, tried.mean)


def _changed(
    storage: optuna.storages.RDBStorage, prefix: str, digest: str, made_of: Mapping[str, str]
) -> list[str]:
    """Return what differs from the model's last study; nothing if this one was begun before."""
    studies = [
        each
        for each in optuna.get_all_study_summaries(storage)
        if each.study_name.startswith(prefix) and MADE_OF in each.user_attrs
    ]
    if not studies or any(each.study_name == prefix + digest for each in studies):
        return []
    before = studies[-1].user_attrs[MADE_OF]
    return [name for name, text in made_of.items() if before.get(name) != text]


def _shuffled(space: Space) -> Iterator[dict[str, Any]]:
    """Yield all combinations in an order that does not vary one value for long."""
    found = search_space.combinations(space)
    random.Random(SEED).shuffle(found)  # noqa: S311 - no secret
    yield from found


def _optunas(wanted: Distribution) -> BaseDistribution:
    """Return Optuna's distribution of the same values."""
    if isinstance(wanted, Choice):
        return CategoricalDistribution(wanted.values)
    if wanted.whole:
        return IntDistribution(int(wanted.low), int(wanted.high), log=wanted.log)
    return FloatDistribution(wanted.low, wanted.high, log=wanted.log)
