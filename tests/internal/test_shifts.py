"""Shifts of columns: what `simulate-month` does to rows, by the type of each."""

import re

import numpy as np
import pandas as pd
import pytest

from seedling import columns
from seedling.columns import read
from seedling.data.schema import random_rows
from seedling.errors import ProjectError
from seedling.lifecycle import shifts
from seedling.masking import masked

ENTRIES = {
    "category": {"categories": ["a", "b", "c"]},
    "number": {"minimum": 0, "maximum": 10},
    "integer": {"minimum": 0, "maximum": 100},
}


def column(kind, **keys):
    return read({"name": "x", "type": kind, **ENTRIES.get(kind, {}), **keys})


def shifted(one, cells, amount):
    return one.shifted(cells, amount, np.random.default_rng(0))


@pytest.mark.parametrize("kind", columns.names())
def test_the_usual_shift_of_every_type_changes_values_that_stay_possible(kind):
    one = column(kind)
    cells = one.from_typed(random_rows([one], 1000, seed=1)["x"])
    moved = shifted(one, cells, one.usual_shift)
    assert list(moved.index) == list(cells.index)
    assert (moved.astype(str) != cells.astype(str)).any()
    known = [one.json_value(cell.item() if hasattr(cell, "item") else cell) for cell in moved]
    assert None not in known
    for check in one.checks():
        if not check.beyond or kind != "date":  # dates go on
            assert check.fits(moved).mean() > 0.9, check.words


def test_half_a_standard_deviation_moves_the_mean_by_that_and_whole_numbers_stay_whole():
    cells = pd.Series(np.random.default_rng(2).integers(20, 80, 5000))
    moved = shifted(column("integer"), cells, "-0.5sd")
    assert moved.mean() == pytest.approx(cells.mean() - cells.std() / 2, abs=0.2)
    assert moved.dtype == "int64"


def test_a_number_stays_in_its_range_and_a_gap_stays_a_gap():
    one = column("number", nullable=True)
    moved = shifted(one, pd.Series([0.0, 9.9, np.nan, 5.0]), "1sd")
    assert moved.max() == 10
    assert moved.isna().tolist() == [False, False, True, False]


def test_a_share_of_the_rows_gets_the_rarest_value_or_the_one_that_is_named():
    one = column("category", nullable=True)
    cells = pd.Series(["a"] * 900 + ["b"] * 80 + ["c"] * 20)
    assert (shifted(one, cells, "30%") == "c").mean() == pytest.approx(0.31, abs=0.04)
    assert (shifted(one, cells, "new=10%") == one.unseen).mean() == pytest.approx(0.1, abs=0.03)
    assert shifted(one, cells, "missing=10%").isna().mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("kind", "amount", "words"),
    [
        ("category", "d=10%", "'d' is none of its categories (new=10% makes a new one)"),
        ("integer", "101=10%", "'101' is above"),
        ("boolean", "perhaps=10%", "perhaps"),
        ("number", "far", "'far' is no shift of type number, 0.5sd is"),
        ("category", "0.5sd", "'0.5sd' is no shift of type category, 30% is"),
        ("category", "0%", "no shift"),
        ("category", "120%", "no shift"),
        ("category", "missing=10%", "not nullable"),
        ("number", "0.5sd", "no standard deviation"),
    ],
)
def test_a_shift_that_a_column_cannot_take_is_refused(kind, amount, words):
    cells = pd.Series([1.0, 1.0]) if kind == "number" else pd.Series(["a", "b"])
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        shifted(column(kind), cells, amount)
    said = f"column:{amount}: {refused.value}"
    assert masked(said) == said  # it looks like no connection string


def test_shifts_name_features_of_the_dataset_once(project):
    dataset = project.config.first_dataset
    found = shifts.of_texts(["age:1sd", "occupation:Sales=30%"], dataset)
    assert [each.text for each in found] == ["age:1sd", "occupation:Sales=30%"]
    assert shifts.of_texts(["none"], dataset) == []
    for texts in (["agee:1sd"], ["age"], ["age:"], ["age:1sd", "age:2sd"], ["income:30%"]):
        with pytest.raises(Exception, match=r"is no shift|shifted twice"):
            shifts.of_texts(texts, dataset)


def test_several_shifts_with_commas_between_are_as_many_as_shifts_given_one_by_one(project):
    dataset = project.config.first_dataset
    one_by_one = shifts.of_texts(["age:1sd", "occupation:Sales=30%", "workclass:new=5%"], dataset)
    for text in (
        "age:1sd,occupation:Sales=30%,workclass:new=5%",
        "age:1sd, occupation:Sales=30% , workclass:new=5%,",
    ):
        assert shifts.of_texts([text], dataset) == one_by_one
    assert shifts.of_texts(["occupation:Sales, and more=30%,age:1sd"], dataset)[0].amount == (
        "Sales, and more=30%"
    )
    with pytest.raises(ProjectError, match="'agee:2sd'"):
        shifts.of_texts(["age:1sd,agee:2sd,occupation:30%"], dataset)
    unclear = shifts.of_texts(["age:1sd,age"], dataset)
    with pytest.raises(ProjectError, match="'1sd,age' is no shift"):
        shifts.shifted(pd.DataFrame({"age": [1, 2]}), unclear, np.random.default_rng(0))


@pytest.mark.every_vertical
def test_the_usual_shifts_are_of_features_that_identify_nothing(project):
    for dataset in project.config.datasets:
        found = shifts.usual(dataset)
        assert 1 <= len(found) <= 2
        names = {shift.column.name for shift in found}
        assert not names & {*dataset.entity_key, *dataset.groups}
