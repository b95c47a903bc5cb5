"""Targets and answers that are numbers: check, compare, describe in JSON schema."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedling.config import Target

NUMBER: dict[str, Any] = {"type": ["number", "null"]}


def check_target(target: "Target", task: str) -> None:
    """Refuse labels of a target that is a number.

    Args:
        target: of model.yaml.
        task: the name of its task.

    Raises:
        ValueError: it has some.
    """
    if target.labels or target.positive is not None or target.rare_classes:
        raise ValueError(f"a target of the task {task} is a number and has no labels")


def largest_difference(
    one: Mapping[str, Any],
    other: Mapping[str, Any],
    keys: Iterable[str],
    rounding: Sequence[float] = (),
) -> float:
    """Return the largest difference of two answers' numbers, relative to those above 1.

    Of each row's, `rounding` is left out of account.
    """
    worst = 0.0
    for key in keys:
        here, there = one[key], other[key]
        if len(here) != len(there):
            return math.inf
        for a, b, allowed in zip(here, there, rounding or [0.0] * len(here), strict=True):
            beyond = abs(float(a) - float(b)) - allowed
            worst = max(worst, beyond / max(1.0, abs(float(b))))
    return worst


def column_schema(item: dict[str, Any], description: str = "") -> dict[str, Any]:
    """Return the JSON schema of a list with an item for each row."""
    described = {"description": description} if description else {}
    return {"type": "array", "items": item | described}
