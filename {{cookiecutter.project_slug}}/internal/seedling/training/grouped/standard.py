"""The sums of groups in units in which every feature, and the target, varies by about one."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np

from seedling.training.grouped.moments import Moments
from seedling.training.grouped.products import Floats

CONSTANT = 1e-13  # a deviation below this share of the value is rounding
DEPENDENT = 1e-10  # an eigenvalue of the correlations below this is none
AT_ONCE = 1 << 17  # numbers of g x w x w matrices that are worked on at a time


class Units(NamedTuple):
    """The mean and standard deviation over all rows of p features, and of the target.

    A feature that is constant over all rows has the scale 0, and so has a constant target.
    """

    centre: Floats
    scale: Floats
    target_centre: float
    target_scale: float

    @classmethod
    def of(cls, moments: Moments) -> Self:
        total = moments.count.sum()
        centre = moments.count @ moments.mean / total
        apart = moments.mean - centre
        diagonal = np.cumsum(np.arange(1, moments.mean.shape[1] + 1)) - 1
        squares = moments.products[:, diagonal].sum(axis=0) + moments.count @ apart**2
        scale = np.sqrt(squares.clip(min=0) / total)
        scale[scale <= CONSTANT * np.abs(centre)] = 0
        return cls(centre[:-1], scale[:-1], float(centre[-1]), float(scale[-1]))

    @property
    def divisors(self) -> Floats:
        """Return the scales of features and target, 1 for one that is constant."""
        scales = np.append(self.scale, self.target_scale)
        return np.where(scales > 0, scales, 1)

    def standard(self, X: Floats) -> Floats:
        """Return features, n x p, in standard units; those that were constant are 0."""
        return (X - self.centre) / self.divisors[:-1] * self.active

    @property
    def active(self) -> Floats:
        """1 for each feature that varies, 0 for a constant one."""
        return (self.scale > 0).astype(np.float64)


class Sums(NamedTuple):
    """Of g groups, in standard units, with the regressors Z = (1, features), q of them.

    Attributes:
        part: their places among all groups.
        rows: g, their number.
        mean: g x w, of features and target.
        deviations: g x w x w, the products of deviations from that mean.
        gram: Z'Z, g x q x q.
        cross: Z'y, g x q.
        constant: whether a feature that varies elsewhere is constant in the group, g x p.
    """

    part: Any
    rows: Floats
    mean: Floats
    deviations: Floats
    gram: Floats
    cross: Floats
    constant: Floats

    def ranks(self) -> Floats:
        """Return the rank of each group's Z, g."""
        matrices = self.deviations[:, :-1, :-1]
        spread = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2)).copy()
        spread[self.constant | (spread == 0)] = np.inf
        matrices = matrices / spread[:, :, None] / spread[:, None, :]
        return 1 + (np.linalg.eigvalsh(matrices) > DEPENDENT).sum(axis=1)

    def residuals(self, coefficients: Floats) -> Floats:
        """Return the sum of squared residuals of each group, g, under g x q coefficients."""
        slopes = coefficients[:, 1:]
        v = np.concatenate([-slopes, np.ones((len(slopes), 1))], axis=1)
        level = self.mean[:, -1] - coefficients[:, 0] - (self.mean[:, :-1] * slopes).sum(axis=1)
        within = np.einsum("gi,gij,gj->g", v, self.deviations, v, optimize=True)
        return within.clip(min=0) + self.rows * level**2


def sums(moments: Moments, units: Units, chosen: Any = None) -> Iterator[Sums]:
    """Yield the sums of all groups in slices of bounded memory, or at once those of some.

    Args:
        moments: of all groups.
        units: the standard units.
        chosen: the places of the groups to yield in one piece; all unless given.
    """
    if chosen is not None:
        yield _standard(moments, units, chosen)
        return
    width = moments.mean.shape[1]
    step = max(1, AT_ONCE // width**2)
    for first in range(0, len(moments), step):
        part = slice(first, min(first + step, len(moments)))
        yield _standard(moments, units, part)


def _standard(moments: Moments, units: Units, chosen: Any) -> Sums:
    divisors = units.divisors
    centre = np.append(units.centre, units.target_centre)
    active = np.append(units.active, 1.0 if units.target_scale else 0.0)
    count = moments.count[chosen]
    rounding = CONSTANT * np.abs(moments.mean[chosen]) / divisors
    mean = (moments.mean[chosen] - centre) / divisors * active
    deviations = moments.deviations(chosen)
    deviations /= divisors[:, None] * divisors
    deviations *= active[:, None] * active
    squares = np.diagonal(deviations, axis1=1, axis2=2) / count[:, None]
    constant = ((squares <= rounding**2) & (active > 0))[:, :-1]
    features = mean[:, :-1]
    width = mean.shape[1]
    gram = np.empty((len(count), width, width))
    gram[:, 0, 0] = count
    gram[:, 0, 1:] = gram[:, 1:, 0] = count[:, None] * features
    outer = features[:, :, None] * features[:, None, :]
    gram[:, 1:, 1:] = deviations[:, :-1, :-1] + count[:, None, None] * outer
    target = count * mean[:, -1]
    cross = np.empty((len(count), width))
    cross[:, 0] = target
    cross[:, 1:] = deviations[:, :-1, -1] + target[:, None] * features
    return Sums(chosen, count, mean, deviations, gram, cross, constant)


def total(moments: Moments, units: Units) -> Sums:
    """Return the sums of all rows as those of one group."""
    width = moments.mean.shape[1]
    count, products = 0.0, np.zeros((width, width))
    for some in sums(moments, units):
        count += some.rows.sum()
        weighted = some.mean * some.rows[:, None]
        products += some.deviations.sum(axis=0) + weighted.T @ some.mean
    gram = np.zeros((1, width, width))
    gram[0, 0, 0], gram[0, 1:, 1:] = count, products[:-1, :-1]
    cross = np.append(0.0, products[:-1, -1])[None]
    nothing = np.zeros((1, width))
    constant = (units.active == 0)[None]
    return Sums(slice(0, 1), np.array([count]), nothing, products[None], gram, cross, constant)
