"""Classes with few rows: learned, or refused, dropped or merged before anything is trained."""

import pandas as pd
import pytest
from small import PETS, pets

from seedling.config import Dataset, Project
from seedling.data import datasets
from seedling.data.sides import refuse_untrainable, sides
from seedling.errors import ProjectError
from seedling.testing import invoke, sample_rows


def graded(labels: dict[object, int], rare: str | None = None) -> tuple[pd.DataFrame, Dataset]:
    """Return rows with so many of each label, and their dataset."""
    grades = [label for label, count in labels.items() for _ in range(count)]
    target = {"name": "grade", "type": "category", "labels": [*labels], "rare_classes": rare}
    dataset = PETS.model_dump() | {"target": target}
    rows = pets(len(grades)).assign(grade=grades)
    return rows, Dataset.model_validate(dataset)


@pytest.mark.parametrize(
    "labels", [{3: 10, 5: 600, 6: 400}, {"no": 1990, "yes": 10}, {0: 15, 1: 15}]
)
def test_five_rows_of_a_class_are_enough_on_every_side(labels: dict[object, int]) -> None:
    rows, dataset = graded(labels)
    refuse_untrainable(rows, dataset, 0.2)
    found = sides(rows, dataset, 0.2)
    assert {*found.holdout["grade"]} == {*found.training["grade"]} == {*labels}
    assert [
        f"grade is {label} in" in note for label, note in zip(labels, found.notes, strict=False)
    ]


def test_a_rarer_class_is_refused_with_what_can_be_done() -> None:
    rows, dataset = graded({"A": 3, "B": 50, "C": 40})
    with pytest.raises(ProjectError, match=r"grade is A in 3 rows.*add rows, or .*drop or .*merge"):
        refuse_untrainable(rows, dataset, 0.2)


def test_a_rare_class_can_be_dropped_with_its_rows() -> None:
    rows, dataset = graded({"A": 3, "B": 50, "C": 40, "D": 0}, "drop")
    found = sides(rows, dataset, 0.2)
    assert found.dataset.target.labels == ["B", "C"]
    assert len(found.training) + len(found.holdout) == 90
    assert "A in 3 rows, D in 0 rows: too few, left out" in found.notes[0]


def test_rare_words_are_merged_into_other() -> None:
    rows, dataset = graded({"A": 3, "B": 50, "C": 40, "D": 4}, "merge")
    found = sides(rows, dataset, 0.2)
    assert found.dataset.target.labels == ["B", "C", "other"]
    learned = pd.concat([found.training, found.holdout])
    assert (learned["grade"] == "other").sum() == 7


def test_a_rare_number_is_merged_into_the_nearest() -> None:
    rows, dataset = graded({3: 2, 4: 50, 5: 40, 9: 1}, "merge")
    found = sides(rows, dataset, 0.2)
    assert found.dataset.target.labels == [4, 5]
    assert "3 as 4, 9 as 5" in found.notes[0]


@pytest.mark.parametrize("rare", ["drop", "merge"])
def test_two_classes_cannot_become_one(rare: str) -> None:
    rows, dataset = graded({"no": 90, "yes": 3}, rare)
    with pytest.raises(ProjectError, match="yes in 3 rows"):
        refuse_untrainable(rows, dataset, 0.2)


def test_rows_of_one_entity_count_once() -> None:
    rows, dataset = graded({"A": 60, "B": 60})
    rows.loc[rows["grade"] == "A", "id"] = 1
    with pytest.raises(ProjectError, match="grade is A in 1 row"):
        refuse_untrainable(rows, dataset, 0.2)


def test_validation_refuses_what_training_would(project: Project) -> None:
    dataset = project.config.datasets[0]
    rows = sample_rows(dataset)
    key, target = dataset.entity_key[0], dataset.target.name
    if not dataset.target.labels:
        pytest.skip("this vertical predicts numbers")
    rows[target] = [dataset.target.labels[number < 3] for number in range(len(rows))]
    datasets.save(project, dataset, rows)
    result = invoke(project, "validate-datasets")
    assert result.exit_code == 1
    assert "in 3 rows, and a label needs 5 rows" in result.stdout
    rows[target] = [dataset.target.labels[number < 10] for number in range(len(rows))]
    datasets.save(project, dataset, rows)
    result = invoke(project, "validate-datasets")
    assert result.exit_code == 0, result.stdout
    assert "in 10 rows only" in result.stdout
    rows[key] = 1
    datasets.save(project, dataset, rows)
    assert "the key stands more than once" in invoke(project, "validate-datasets").stdout
    project.edit(lambda document: document["datasets"][0].pop("one_row_per_key"))
    assert "the key stands more than once" not in invoke(project, "validate-datasets").stdout
