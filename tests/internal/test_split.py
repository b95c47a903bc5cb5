"""The holdout: the same entities in every run, and never one on both sides."""

import pandas as pd
import pytest
from small import PETS, pets

from seedling import tasks
from seedling.data.schema import HOLDOUT, model_frame, split, target_values
from seedling.errors import ProjectError
from seedling.registry.model_files import Predictor
from seedling.steps.evaluate import _unseen


def held_out(rows: pd.DataFrame) -> set[int]:
    return set(split(rows, PETS, 0.3, HOLDOUT)[1]["id"])


def test_every_row_is_on_one_side() -> None:
    training, holdout = split(pets(), PETS, 0.3, HOLDOUT)
    assert sorted([*training["id"], *holdout["id"]]) == sorted(pets()["id"])
    assert 0.1 < len(holdout) / 60 < 0.5


def test_an_entity_keeps_its_side_as_the_table_grows() -> None:
    assert held_out(pets(60)) == {number for number in held_out(pets(500)) if number <= 60}


def test_rows_of_one_entity_stay_together() -> None:
    twice = pd.concat([pets(), pets()], ignore_index=True)
    assert len(split(twice, PETS, 0.3, HOLDOUT)[1]) == 2 * len(held_out(pets()))


def test_without_a_key_a_gap_or_a_new_column_moves_no_other_row() -> None:
    nameless = PETS.model_copy(update={"entity_key": []})
    before = split(pets(), nameless, 0.3, HOLDOUT)[1].index
    rows = pets().assign(note="new")
    rows.loc[0, "weight"] = None
    after = split(rows, nameless, 0.3, HOLDOUT)[1].index
    assert set(before) - {0} == set(after) - {0}


def test_a_champion_is_measured_only_on_rows_that_it_has_not_learned() -> None:
    champion = Predictor("cats", "1", PETS, 0.2, None, lambda model, rows: {})
    held_out = split(pets(500), PETS, 0.4, HOLDOUT)[1]
    unseen = split(pets(500), PETS, 0.2, HOLDOUT)[1]
    assert set(_unseen(champion, held_out)["id"]) == set(unseen["id"])


def test_another_description_is_no_other_target() -> None:
    described = PETS.target.model_copy(update={"description": "found a home"})
    task = tasks.of(PETS)
    assert task.meaning(described) == task.meaning(PETS.target)


def test_a_side_without_one_of_the_labels_is_refused() -> None:
    rows = pets().assign(adopted="no")
    with pytest.raises(ProjectError, match="no training row has adopted = yes"):
        split(rows, PETS, 0.3, HOLDOUT)


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
