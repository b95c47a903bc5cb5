"""Labels with too few rows to be learned and measured: refused, dropped or merged."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from seedling.data.entities import entities
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Dataset, Label, Target

FEWEST = 5  # entities of a label: one held out, one of the others set aside, three to learn from
FEW = 30  # below this, what is measured for a label is hardly more than chance
MANY = 1_000  # rows of a label without a key: not so many are equal that it could be rare
OTHER = "other"  # the label of merged words

Settled = tuple[pd.DataFrame, "Target", list[str]]


def settled(rows: pd.DataFrame, dataset: "Dataset", truth: pd.Series) -> Settled:
    """Return rows and target without labels that are too few, and a sentence for each change.

    Args:
        rows: a validated table.
        dataset: its target has the labels, and says what happens to rare ones.
        truth: the rows' labels.

    Raises:
        ProjectError: a label is too rare, and is not to be dropped or merged, or cannot be.
    """
    target = dataset.target
    counts = _counts(rows, dataset, truth)
    rare = [label for label in target.labels if counts[label] < FEWEST]
    if not rare:
        return rows, target, _notes(target, counts)
    found = ", ".join(f"{label} in {counted(counts[label], 'row')}" for label in rare)
    if target.rare_classes in (None, "refuse"):
        raise ProjectError(
            f"{dataset.name}: {target.name} is {found}, and a label needs {FEWEST} rows, so that "
            "some can be held out: add rows, or give the target of model.yaml rare_classes: drop "
            "or rare_classes: merge."
        )
    kept = [label for label in target.labels if label not in rare]
    if target.rare_classes == "drop":
        note = f"{target.name}: {found}: too few, left out (rare_classes: drop)"
        moved: dict[Label, Label | None] = dict.fromkeys(rare)
    else:
        moved = {label: _merged(label, target.labels, kept) for label in rare}
        into = ", ".join(f"{label} as {new}" for label, new in moved.items())
        note = f"{target.name}: {found}: too few, learned as others: {into} (rare_classes: merge)"
    learned = truth.map(lambda label: moved.get(label, label))
    labels = list(dict.fromkeys([*kept, *(new for new in moved.values() if new is not None)]))
    left = learned.notna()
    changed = rows[left].assign(**{target.name: learned[left]})
    counts = _counts(changed, dataset, learned[left])
    few = [label for label in labels if counts[label] < FEWEST]
    if few or len(labels) < 2:
        left_over = (
            f"{few[0]} has {counts[few[0]]} even so" if few else "no other is left beside one"
        )
        raise ProjectError(
            f"{dataset.name}: {target.name} is {found}, and a label needs {FEWEST} rows; "
            f"{left_over}: add rows, or choose another target."
        )
    positive = target.positive
    if positive in moved:
        positive = moved[positive] if moved[positive] is not None else labels[-1]
    new = target.model_copy(update={"labels": labels, "positive": positive})
    return changed, new, [note, *_notes(new, counts)]


def _counts(rows: pd.DataFrame, dataset: "Dataset", truth: pd.Series) -> Mapping["Label", int]:
    """Count the entities that have each label."""
    texts = truth.map({label: label_text(label) for label in [*dataset.target.labels, OTHER]})
    counts = texts.value_counts()
    if dataset.entity_key:
        key = rows[dataset.entity_key]
        if key.duplicated().any():  # else each row is an entity
            counts = key.assign(**{"": texts}).drop_duplicates()[""].value_counts()
    elif counts.min() < MANY:
        hashes = entities(rows, dataset, "").hashes
        pairs = pd.DataFrame({"hash": hashes, "": texts.to_numpy()})
        counts = pairs.drop_duplicates()[""].value_counts()
    labels = [*dataset.target.labels, OTHER]
    return {label: int(counts.get(label_text(label), 0)) for label in labels}


def _merged(label: "Label", labels: list["Label"], kept: list["Label"]) -> "Label":
    """Return the label that a rare one is learned as: the nearest number, or `other`."""
    if all(isinstance(each, int | float) for each in labels) and kept:
        return min(kept, key=lambda other: (abs(float(other) - float(label)), other))
    return OTHER


def _notes(target: "Target", counts: Mapping["Label", int]) -> list[str]:
    return [
        f"{target.name} is {label} in {counted(counts[label], 'row')} only: what is measured for "
        "it says little"
        for label in target.labels
        if counts[label] < FEW
    ]
