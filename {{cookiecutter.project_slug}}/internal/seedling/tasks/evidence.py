"""Records of what truth says about answers: numbers with intervals, calibration, coverage.

All are written as JSON. A number that cannot be computed is None: a curve of one class has no area.
"""

from typing import Any, ClassVar

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """A number, and the interval that holds the true one with the probability asked for."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Return half of the interval's width; None where there is no interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


class Moments(msgspec.Struct, frozen=True):
    """The number, mean and standard deviation of some rows' losses."""

    rows: int
    mean: float
    sd: float


class Bin(msgspec.Struct, frozen=True):
    """Rows with scores near to each other: the mean score, and the share that was as it says."""

    rows: int
    said: float
    seen: float
    low: float  # of the interval of `seen`
    high: float


class Calibration(msgspec.Struct, frozen=True):
    """The comparison of scores with what then happened.

    Attributes:
        scores: what the scores are, as words: `scores of yes`.
        rows: the number of rows.
        events: how often that happened which the scores speak of.
        said: the mean score.
        seen: the share of rows in which it happened.
        error: the expected calibration error: the mean of each bin's |said - seen|, by rows.
        by_chance: the error to expect of calibrated scores on as many rows.
        p: how often calibrated scores have an error at least as large, by simulation.
        bins: what the error is made of, the smallest scores first.
    """

    scores: str
    rows: int
    events: int
    said: float
    seen: float
    error: float
    by_chance: float
    p: float
    bins: list[Bin]

    STRICT: ClassVar[float] = 0.01  # chance of calling calibrated scores off
    CLOSE: ClassVar[float] = 0.01  # an error above that of chance by less than this is none

    @property
    def off(self) -> bool:
        """Return whether scores are off by more than chance, and by an amount that matters."""
        return self.p < self.STRICT and self.error > self.by_chance + self.CLOSE

    @property
    def over_confident(self) -> bool:
        """Return whether scores above the mean promise more than what came true."""
        high = [each for each in self.bins if each.said >= self.said]
        return sum(each.rows * (each.said - each.seen) for each in high) > 0


class Coverage(msgspec.Struct, frozen=True):
    """The share of rows whose truth is within the answer's interval.

    Attributes:
        share: that share.
        wanted: the share that the intervals are made for; None where the task does not say it.
        p: how often intervals made for that share are as far off, by the binomial distribution.
    """

    share: Interval
    wanted: float | None = None
    p: float | None = None


class Then(msgspec.Struct, frozen=True, omit_defaults=True):
    """The performance of a version on its held-out rows: what later rows are compared with.

    Attributes:
        rows: the number of held-out rows.
        metrics: by name.
        loss: that of `TaskTraining.losses`.
        parts: the same by the name of a column and of a part of its rows.
        edges: the inner edges of the parts of a column of numbers, by column.
        calibration: of the scores; None for a task without.
        coverage: of the intervals; None for a task without.
        estimator: what the task needs to estimate the metrics without truth.
    """

    rows: int = 0
    metrics: dict[str, Interval] = {}
    loss: Moments | None = None
    parts: dict[str, dict[str, Moments]] = {}
    edges: dict[str, list[float]] = {}
    calibration: Calibration | None = None
    coverage: Coverage | None = None
    estimator: dict[str, Any] = {}


class Estimated(msgspec.Struct, frozen=True):
    """The metrics of rows without truth, as a task estimates them.

    Attributes:
        metrics: by name.
        refused: why there are none; empty where there are.
        needs_steady: whether they hold only where what is sent has not moved.
    """

    metrics: dict[str, Interval] = {}
    refused: str = ""
    needs_steady: bool = False


def read_then(text: bytes | msgspec.Raw) -> Then:
    """Read the performance that a profile has; an empty one where it has none."""
    return msgspec.json.decode(bytes(text) or b"{}", type=Then)
