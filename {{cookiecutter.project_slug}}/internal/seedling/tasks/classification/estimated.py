"""The metrics of classes without their truth, from scores that are calibrated on held-out rows.

A score becomes the chance that its label is true, by a curve of three coefficients that is fitted
on held-out rows (Kull's beta calibration). Labels that are drawn by these chances, each time with
other coefficients that fit as well, show which metrics are to be expected, and how surely. That the
same scores have come to mean something else, only truth shows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special, stats

from seedling.tasks.classification.coded import Coded, Numbers, Places
from seedling.tasks.classification.exact import by_tables
from seedling.tasks.classification.reliability import compared
from seedling.tasks.evidence import Calibration, Estimated
from seedling.tasks.intervals import SEED, interval

FEWEST = 30  # held-out rows of a label, and of the others
LEAST = 1e-4  # a score nearer to 0 or 1 counts as this
RIDGE = 1e-2
STEPS = 50
DRAWS = 300
MOST_ROWS = 20_000  # labels are drawn for; of more rows some are taken
CELLS = 2_000_000  # of an array of draws


def estimator(found: Coded) -> dict[str, Any]:
    """Return the curve of each label, and why it is not to be relied on, if it is not.

    Returns:
        `labels`, a dict by label with `coefficients` and `covariance`; `off`, a sentence, empty
        where the curve that is fitted on one half of the rows is right on the other.
    """
    curves = {}
    for at in found.one_each:
        came, name = found.true == at, found.labels[at]
        fewest = int(min(came.sum(), (~came).sum()))
        if fewest < FEWEST:
            words = f"only {fewest:,} of {len(came):,} held-out rows tell {name} from the others"
            return {"off": f"{words}, and {FEWEST} are needed"}
        checked = _checked(found.scores[:, at], came, f"scores of {name}")
        if checked.p < Calibration.STRICT / len(found.one_each) and checked.off:
            return {"off": f"the scores of {name} cannot be calibrated on the held-out rows"}
        coefficients, covariance = _fitted(_terms(found.scores[:, at]), came)
        curves[name] = {
            "coefficients": coefficients.tolist(),
            "covariance": covariance.tolist(),
        }
    return {"off": "", "labels": curves}


def _terms(scores: Numbers) -> Numbers:
    clipped = np.clip(scores, LEAST, 1 - LEAST)
    return np.column_stack([np.ones(len(clipped)), np.log(clipped), -np.log1p(-clipped)])


def _fitted(terms: Numbers, came: Any) -> tuple[Numbers, Numbers]:
    """Return the coefficients of a logistic regression and their covariance.

    Newton's steps, each shortened until it leads down; the coefficients lean a little on those
    of the curve that leaves scores as they are.
    """
    target = np.asarray(came, dtype="float64")
    pull = RIDGE * np.diag([0.0, 1.0, 1.0])
    wanted = np.array([0.0, 1.0, 1.0])

    def loss(found: Numbers) -> float:
        logits, away = terms @ found, found - wanted
        return float((np.logaddexp(0, logits) - target * logits).sum() + away @ pull @ away / 2)

    def curvature(found: Numbers) -> Numbers:
        chances = special.expit(terms @ found)
        weighted: Numbers = terms * np.maximum(chances * (1 - chances), 1e-9)[:, None]
        bent: Numbers = terms.T @ weighted + pull
        return bent

    found: Numbers = np.zeros(3)
    for _ in range(STEPS):
        slope = terms.T @ (special.expit(terms @ found) - target) + pull @ (found - wanted)
        step: Numbers = np.linalg.solve(curvature(found), slope)
        before, size = loss(found), 1.0
        while loss(found - size * step) > before and size > 1e-6:
            size /= 2
        found = found - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    covariance: Numbers = np.asarray(np.linalg.inv(curvature(found)), dtype="float64")
    return found, covariance


def _checked(scores: Numbers, came: Any, words: str) -> Calibration:
    """Compare each half's truth with the curve that was fitted on the other half."""
    terms, chances = _terms(scores), np.empty(len(scores))
    shuffled = np.random.default_rng(SEED).permutation(len(scores))
    halves = np.array_split(shuffled, 2)
    for one, other in (halves, halves[::-1]):
        chances[other] = special.expit(terms[other] @ _fitted(terms[one], came[one])[0])
    return compared(chances, came, words)


def estimate(
    fitted: Mapping[str, Any], found: Coded, level: float, later: Coded | None
) -> Estimated:
    """Return the metrics that n rows of unknown truth are expected to have.

    Args:
        fitted: the result of `estimator` for held-out rows.
        found: the answer to the n rows.
        level: the probability that an interval holds the metric of these rows.
        later: rows whose truth came after the answer, if any: the curve must be right on them.
    """
    curves = fitted.get("labels", {})
    if fitted.get("off") or not {found.labels[at] for at in found.one_each} <= curves.keys():
        return Estimated(refused=fitted.get("off") or "its profile has no curve for each label")
    if not len(found.scores):
        return Estimated(refused="there are no answers")
    for at in found.one_each if later is not None and len(later.true) else ():
        assert later is not None
        name = found.labels[at]
        fitting = np.array(curves[name]["coefficients"])
        chances = special.expit(_terms(later.scores[:, at]) @ fitting)
        seen = compared(chances, later.true == at, f"scores of {name}")
        if seen.off:
            words = f"by them {seen.said:.1%} was expected, and {seen.seen:.1%} came true"
            changed = f"the scores of {name} do not mean what they meant on held-out rows"
            return Estimated(refused=f"{changed}: {words}")
    metrics = _drawn(curves, found)
    edges = [(1 - level) / 2, (1 + level) / 2]
    shown = {}
    for name, values in metrics.items():
        known = values[np.isfinite(values)]
        if len(known) > DRAWS / 2:
            # What comes true is as one more draw, which is beyond these limits as often as asked.
            low, high = np.quantile(known, edges, method="weibull")
            shown[name] = interval(float(known.mean()), float(low), float(high))
    return Estimated(shown)


def _drawn(curves: Mapping[str, Any], found: Coded) -> dict[str, Numbers]:
    """Return the metrics of DRAWS draws of the labels."""
    generator = np.random.default_rng(SEED)
    scores, predicted = found.scores, found.predicted
    if len(scores) > MOST_ROWS:
        taken = generator.choice(len(scores), MOST_ROWS, replace=False)
        scores, predicted = scores[taken], predicted[taken]
    size = len(found.labels)
    betas = {
        at: generator.multivariate_normal(
            curves[found.labels[at]]["coefficients"], curves[found.labels[at]]["covariance"], DRAWS
        ).T
        for at in found.one_each
    }
    ranks = {at: stats.rankdata(scores[:, at]) for at in found.one_each}
    logs = -np.log(np.clip(scores, 1e-15, 1))
    squares = (scores**2).sum(axis=1)
    tables = np.zeros((DRAWS, size, size))
    sums = {at: np.zeros(DRAWS) for at in found.one_each}
    losses, briers = np.zeros(DRAWS), np.zeros(DRAWS)
    step = max(1, CELLS // (DRAWS * size))
    for start in range(0, len(scores), step):
        part = slice(start, start + step)
        labels = _labels(scores[part], betas, found, generator)
        for label in range(size):
            came = (labels == label).astype("float64")  # DRAWS x rows
            for said in range(size):
                tables[:, label, said] += came[:, predicted[part] == said].sum(axis=1)
            losses += came @ logs[part, label]
            briers += came @ (squares[part] - 2 * scores[part, label] + 1)
            if label in sums:
                sums[label] += came @ ranks[label][part]
    return _metrics(tables, sums, losses, briers, found)


def _labels(
    scores: Numbers, betas: Mapping[int, Numbers], found: Coded, generator: np.random.Generator
) -> Places:
    """Return DRAWS x rows labels, by their places."""
    drawn = generator.random((DRAWS, len(scores)))
    if len(found.one_each) == 1:
        (positive,) = found.one_each
        chances = special.expit(_terms(scores[:, positive]) @ betas[positive]).T
        return np.where(drawn < chances, positive, 1 - positive)
    each = np.array([special.expit(_terms(scores[:, at]) @ betas[at]).T for at in found.one_each])
    edges = np.cumsum(each / each.sum(axis=0), axis=0)
    labels: Places = (drawn[None] > edges[:-1]).sum(axis=0)
    return labels


def _metrics(
    tables: Numbers, sums: Mapping[int, Numbers], losses: Numbers, briers: Numbers, found: Coded
) -> dict[str, Numbers]:
    rows = tables[0].sum()
    counts = tables.sum(axis=2)  # DRAWS x labels
    areas = []
    for at, total in sums.items():
        were = counts[:, at]
        with np.errstate(divide="ignore", invalid="ignore"):
            areas.append((total - were * (were + 1) / 2) / (were * (rows - were)))
    size = len(found.labels)
    metrics = {
        "roc_auc": np.mean(areas, axis=0),
        "accuracy": tables[:, range(size), range(size)].sum(axis=1) / rows,
        **by_tables(tables, found.one_each),
        "log_loss": losses / rows,
    }
    return metrics | ({"brier": briers / rows / 2} if size == 2 else {})
