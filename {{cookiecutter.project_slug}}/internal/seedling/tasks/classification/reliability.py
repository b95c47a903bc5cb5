"""The calibration of scores: how often that happens which they say, bin by bin."""

from typing import Any

import numpy as np
import numpy.typing as npt

from seedling.tasks.classification.coded import Coded, Numbers
from seedling.tasks.evidence import Bin, Calibration
from seedling.tasks.intervals import SEED, of_share

BINS = 10
FEWEST = 20  # rows of a bin
DRAWN = 2_000


def calibration(found: Coded) -> Calibration | None:
    """Compare scores with truth: of two labels the positive one's, of more the predicted one's."""
    if not len(found.true):
        return None
    if len(found.labels) == 2:
        said, came = found.scores[:, found.positive], found.true == found.positive
        return compared(said, came, f"scores of {found.labels[found.positive]}")
    said = found.scores[np.arange(len(found.true)), found.predicted]
    return compared(said, found.true == found.predicted, "scores of the predicted label")


def compared(said: Numbers, came: npt.NDArray[np.bool_], scores: str) -> Calibration:
    """Compare n scores with what happened, and with what calibrated scores would show by chance.

    Bins hold as many rows each, and a score stands in one bin only. The largest scores are few
    and matter most, so that the upper tenth is divided once more.
    """
    places = _bins(said)
    counts = np.bincount(places).astype("float64")
    means = np.bincount(places, weights=said) / counts
    hits = np.bincount(places, weights=came.astype("float64"))
    error = float(np.abs(means - hits / counts) @ counts / len(said))
    generator = np.random.default_rng(SEED)
    drawn: Any = generator.binomial(
        counts.astype("int64"), np.clip(means, 0, 1), (DRAWN, len(counts))
    )
    chance = np.abs(means - drawn / counts) @ counts / len(said)
    shares = [of_share(hit, int(count)) for hit, count in zip(hits, counts, strict=True)]
    return Calibration(
        scores=scores,
        rows=len(said),
        events=int(came.sum()),
        said=float(said.mean()),
        seen=float(came.mean()),
        error=error,
        by_chance=float(chance.mean()),
        p=float((1 + (chance >= error).sum()) / (1 + DRAWN)),
        bins=[
            Bin(int(count), float(mean), *(each or 0.0 for each in (one.value, one.low, one.high)))
            for count, mean, one in zip(counts, means, shares, strict=True)
        ],
    )


def _bins(said: Numbers) -> npt.NDArray[np.intp]:
    """Return the bin of each of n scores, the bins being numbered without a gap."""
    shares = [*np.linspace(0, 1, BINS + 1)[1:-1], 0.95, 0.98]
    shares = [share for share in shares if len(said) * min(share, 1 - share) >= FEWEST]
    edges = np.unique(np.quantile(said, shares)) if shares else np.empty(0)
    _, places = np.unique(np.searchsorted(edges, said, side="left"), return_inverse=True)
    return places
