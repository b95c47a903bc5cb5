"""The holdout: the same entities in every run, and never one on both sides."""

import pandas as pd
import pytest
from small import PETS, pets

from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.schema import model_frame, split, target_values


def held_out(rows: pd.DataFrame) -> set[int]:
    return set(split(rows, PETS, 0.3, "holdout")[1]["id"])


def test_every_row_is_on_one_side() -> None:
    training, holdout = split(pets(), PETS, 0.3, "holdout")
    assert sorted([*training["id"], *holdout["id"]]) == sorted(pets()["id"])
    assert 0.1 < len(holdout) / 60 < 0.5


def test_an_entity_keeps_its_side_as_the_table_grows() -> None:
    assert held_out(pets(60)) == {number for number in held_out(pets(500)) if number <= 60}


def test_rows_of_one_entity_stay_together() -> None:
    twice = pd.concat([pets(), pets()], ignore_index=True)
    assert len(split(twice, PETS, 0.3, "holdout")[1]) == 2 * len(held_out(pets()))


def test_a_side_without_one_of_the_labels_is_refused() -> None:
    rows = pets().assign(adopted="no")
    with pytest.raises(ProjectError, match="no training row has adopted = yes"):
        split(rows, PETS, 0.3, "holdout")


def test_a_row_looks_the_same_alone_and_in_a_batch() -> None:
    rows = pets().astype({"kind": object})
    rows.loc[0, ["kind", "weight"]] = None
    alone = model_frame(rows.head(1), PETS.features)
    batch = model_frame(rows, PETS.features).head(1)
    pd.testing.assert_frame_equal(alone, batch)


def test_labels_survive_a_change_of_type() -> None:
    numbered = PETS.model_copy(update={"target": PETS.target.model_copy(update={"labels": [1, 2]})})
    rows = pd.DataFrame({"adopted": [1.0, 2.0, None]})
    assert target_values(rows, numbered).tolist()[:2] == [1, 2]
