"""Features that give the target away: alone, together in a sum, or by their names."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from seedling import tasks
from seedling.config import Dataset
from seedling.tasks.training_protocol import LeakProbe

LEAK = 0.999  # a single feature that predicts the target this well has seen it
EXACT = 0.99999  # R² of a sum that is the target but for the digits of its numbers
MOST_ROWS = 20_000  # of those that are looked at
MOST_TERMS = 4  # of a sum
FEWEST_ROWS = 20  # for a sum to mean something
AFTERWARDS = re.compile(
    r"actual|arriv(al|ed)|cancell?ed|cancellation|closed|complet(ed|ion)|deceased|delivered|died"
    r"|discharged?|dropoff|ended|exited|final|finished|outcome|refund(ed)?|resolved|results?"
    r"|returned|settle(d|ment)|terminat(ed|ion)|verdict"
)
TOGETHER = (("drop", "off"), ("end", "date"), ("end", "time"))
OF_TARGET = ("at", "date", "day", "on", "reason", "time")  # behind the target's own name
ANSWER = (
    "is it known before? Then write `known_before: true` {at} in model.yaml, else move {it} from "
    "its features to `ignored`"
)

Leak = tuple[str, str]  # the names of features, and the message about them


def find(rows: pd.DataFrame, dataset: Dataset) -> list[Leak]:
    """List the features that predict the target of unseen rows almost perfectly.

    Features that are `known_before` are left out, and so are sums of nothing else. A message says
    where it is about rows that were drawn.
    """
    count = len(rows)
    if count > MOST_ROWS:
        rows = rows.sample(MOST_ROWS, random_state=0).sort_index()
    training = tasks.of(dataset).training
    probe = training.leak_probe(rows[dataset.target.name])
    found = training.leaks(rows, dataset)
    if probe is not None:
        alone = _alone(rows, dataset, probe)
        found += alone + _sums(rows, dataset, probe, {name for name, _ in alone})
    if count == len(rows):
        return found
    drawn = f" (in {MOST_ROWS:,} rows drawn at random from {count:,})"
    return [(names, message + drawn) for names, message in found]


def named_after(dataset: Dataset) -> list[Leak]:
    """List the features whose names say that they are known only after the target."""
    target = _words(dataset.target.name)
    names = [
        column.name
        for column in dataset.features
        if not column.known_before and _is_after(_words(column.name), target)
    ]
    if not names:
        return []
    message = f"named as if known only after {dataset.target.name}: " + ANSWER.format(
        at="at each feature that is" if len(names) > 1 else "at the feature", it="it"
    )
    return [(", ".join(names), message)]


def _is_after(words: list[str], target: list[str]) -> bool:
    """Say whether the words of a name speak of a time after the target."""
    of_target = words[: len(target)] == target and words[-1] in OF_TARGET
    is_after = any(AFTERWARDS.fullmatch(word) for word in words)
    return of_target or is_after or any(pair in TOGETHER for pair in pairwise(words))


def _words(name: str) -> list[str]:
    """Split a column's name: dropoff_zone and dropoffZone are two words each."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def _alone(rows: pd.DataFrame, dataset: Dataset, probe: LeakProbe) -> list[Leak]:
    """List each feature that alone predicts the target."""
    guess = probe.guess
    truth = probe.truth.to_numpy()
    if truth.dtype == object:  # trees sort labels for each feature, which takes long with text
        truth = pd.factorize(truth, sort=True)[0]
    found = []
    for column in dataset.features:
        if column.known_before:
            continue
        parts = column.frame(rows[column.name])
        is_text = not all(map(is_numeric_dtype, parts.values()))
        one = np.column_stack([_as_numbers(part) for part in parts.values()])
        tree = probe.tree(max_depth=None if is_text else 6, random_state=0)
        score = tree.fit(one[::2], truth[::2]).score(one[1::2], truth[1::2])
        if score >= LEAK and score - guess > 0.5 * (1 - guess):
            predicts = f"alone predicts {dataset.target.name} {probe.words.format(score)}"
            answer = ANSWER.format(at="at the feature", it="it")
            found.append((column.name, f"{predicts}: {answer}"))
    return found


def _as_numbers(part: pd.Series) -> pd.Series:
    """Return a part's numbers; of text, a number for each."""
    return part if is_numeric_dtype(part) else part.astype("category").cat.codes


def _sums(rows: pd.DataFrame, dataset: Dataset, probe: LeakProbe, found: set[str]) -> list[Leak]:
    """List the sum of a few numeric features that is the target, where there is one.

    Args:
        rows, dataset, probe: as in `find`.
        found: the features that give the target away alone.
    """
    if not pd.api.types.is_numeric_dtype(probe.truth):
        return []
    numeric = [each for each in dataset.features if each.numeric and each.name not in found]
    numbers = pd.DataFrame(
        {each.name: each.frame(rows[each.name])[each.name] for each in numeric}, dtype="float64"
    )
    known = {column.name for column in dataset.features if column.known_before}
    factors = exact_sum(numbers, probe.truth)
    while factors and set(factors) <= known:  # answered, and there may be another
        numbers = numbers.drop(columns=[*factors])
        factors = exact_sum(numbers, probe.truth)
    if not factors:
        return []
    answer = ANSWER.format(at="at the feature", it="it")
    if len(factors) > 1:
        answer = ANSWER.format(at="at each of them that is", it="one of them")
    message = f"{dataset.target.name} = {_written(factors)}: {answer}"
    return [(", ".join(factors), message)]


def exact_sum(numbers: pd.DataFrame, truth: pd.Series) -> dict[str, float]:
    """Find a few columns whose weighted sum, with a constant, is the truth in every row.

    Orthogonal matching pursuit: the column that explains most of what is left comes next.

    Args:
        numbers: n rows of numeric columns, NaN for a gap.
        truth: n numbers.

    Returns:
        Each column's factor; empty if there is no such sum.
    """
    spread = numbers.std()
    numbers = numbers.loc[:, (spread > 0) & np.isfinite(spread)]
    centred = (numbers - numbers.mean()).fillna(0.0)
    scaled = (centred / centred.std()).to_numpy()
    rest = target = (truth - truth.mean()).fillna(0.0).to_numpy()
    chosen: list[int] = []
    # A column that only resembles the target may be chosen before the terms of the sum.
    for _ in range(min(MOST_TERMS + 2, scaled.shape[1])):
        strength = np.abs(scaled.T @ rest)
        strength[chosen] = -1.0
        chosen.append(int(strength.argmax()))
        factors = _fitted(numbers.iloc[:, chosen], truth)
        if factors:
            return factors if len(factors) <= MOST_TERMS else {}
        weights = np.linalg.lstsq(scaled[:, chosen], target, rcond=None)[0]
        rest = target - scaled[:, chosen] @ weights
    return {}


def _fitted(terms: pd.DataFrame, truth: pd.Series) -> dict[str, float]:
    """Fit the truth by its terms on the rows without gaps; {} unless the sum is exact."""
    whole = terms.notna().all(axis=1) & truth.notna()
    X, y = terms[whole].to_numpy(), truth[whole].to_numpy()
    if len(y) < max(FEWEST_ROWS, len(truth) / 2) or not 0 < y.std() < np.inf:
        return {}
    weights, *_ = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)
    unexplained = y - X @ weights[:-1] - weights[-1]
    share = unexplained.var() / y.var()
    if share > 1 - LEAK:
        return {}
    if share > 1 - EXACT and np.abs(unexplained).max() > _rounding(X, y, weights):
        return {}
    shares = np.abs(weights[:-1]) * X.std(axis=0) / y.std()
    named = zip(terms.columns, weights[:-1], shares, strict=True)
    return {str(name): float(weight) for name, weight, share in named if share > 1e-3}


def _rounding(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Return by how much a sum may miss the truth where all of them were rounded as they look."""
    steps = [_step(y), *(_step(X[:, at]) * abs(weights[at]) for at in range(X.shape[1]))]
    return 0.55 * sum(steps)  # a half, and a little for the weights, which were fitted


def _step(numbers: np.ndarray) -> float:
    """Return the power of ten that all numbers are multiples of: 0.01 of cents; 0 of no power."""
    for power in range(3, -7, -1):
        counts = numbers / 10.0**power
        if np.allclose(counts, counts.round(), rtol=1e-9, atol=1e-6):
            return float(10.0**power)
    return 0.0


def _written(factors: dict[str, float]) -> str:
    """Write a sum as a person would: `casual + registered`, `total - 0.5 * tip`."""
    text = ""
    for name, factor in factors.items():
        sign = "-" if factor < 0 else "+"
        size = abs(factor)
        term = name if abs(size - 1) < 5e-3 else f"{size:.4g} * {name}"
        text += f" {sign} {term}" if text else f"-{term}" if factor < 0 else term
    return text
