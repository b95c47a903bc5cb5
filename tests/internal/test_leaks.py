"""A feature that gives the target away is found, alone, in a sum or by its name, until answered."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import PETS, pets

from seedling.config import Dataset
from seedling.data.validation import Findings, examine


def rentals(count: int = 400) -> pd.DataFrame:
    """Hours with their rentals: the total is the sum of two kinds of customers."""
    draw = np.random.default_rng(0)
    hour = draw.integers(0, 24, count)
    casual = draw.poisson(20 + hour).astype(float)
    registered = draw.poisson(100 + 5 * hour).astype(float)
    total = casual + registered
    alike = total + draw.normal(0, 9, count)  # explains more of it than either of its terms
    return pd.DataFrame(
        {"hour": hour, "alike": alike, "casual": casual, "registered": registered, "total": total}
    )


def of(rows: pd.DataFrame, known: tuple[str, ...] = ()) -> Dataset:
    """The dataset of numeric rows, with its last column to predict."""
    *names, target = rows.columns
    described = [
        {"name": name, "type": "number", "nullable": True, "known_before": name in known}
        for name in names
    ]
    return Dataset.model_validate(
        {
            **PETS.model_dump(exclude={"entity_key"}),
            "task": "regression",
            "metric": "rmse",
            "target": {"name": target, "type": "number"},
            "features": described,
        }
    )


def told(found: Findings) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_a_sum_that_is_the_target_is_found_until_its_terms_are_known_before() -> None:
    rows = rentals()
    (message,) = told(examine(rows, of(rows)))
    assert message.startswith("registered, casual: total = registered + casual: ")
    assert "write `known_before: true` at each of them that is in model.yaml" in message
    assert len(told(examine(rows, of(rows, known=("casual",))))) == 1
    assert told(examine(rows, of(rows, known=("casual", "registered")))) == []


def test_an_answered_sum_does_not_hide_another() -> None:
    rows = rentals().assign(alike=lambda rows: rows["total"] / 2)
    (message,) = told(examine(rows, of(rows, known=("alike",))))
    assert message.startswith("registered, casual: ")


@pytest.mark.parametrize("huge", [3e38, -3e38])
def test_numbers_too_large_to_be_squared_are_no_sum(huge: float) -> None:
    rows = rentals().drop(columns="casual")
    rows.loc[3, "alike"] = huge
    assert told(examine(rows, of(rows))) == []


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (lambda rows: rows["registered"] - rows["casual"], "total = registered - casual"),
        (lambda rows: 2.5 * rows["casual"] - rows["hour"] + 7, "total = 2.5 * casual - hour"),
    ],
)
def test_differences_and_weights_are_sums_too(target: Any, written: str) -> None:
    rows = rentals()
    rows["total"] = target(rows)
    (message,) = told(examine(rows, of(rows)))
    assert f" {written}: " in message


@pytest.mark.parametrize("decimals", [2, 1, 0])
def test_a_sum_is_found_however_its_parts_and_the_target_were_rounded(decimals: int) -> None:
    rows = rentals() * 1.237
    rows = rows.assign(total=rows["casual"] + rows["registered"]).round(decimals)
    (message,) = told(examine(rows, of(rows)))
    assert " total = registered + casual: " in message


def test_what_rounding_does_not_explain_is_no_sum() -> None:
    rows = (rentals() * 1.237).round().assign(total=lambda rows: rows.casual + rows.registered)
    blurred = rows.assign(total=rows["total"] + np.tile([-1.5, 1.5], 200).round())
    assert told(examine(blurred, of(blurred))) == []


def test_a_leak_in_a_large_table_says_that_rows_were_drawn() -> None:
    rows = pd.concat([rentals(4000)] * 6, ignore_index=True)
    (message,) = told(examine(rows, of(rows)))
    assert message.endswith("(in 20,000 rows drawn at random from 24,000)")


def test_gaps_in_a_term_do_not_hide_a_sum() -> None:
    rows = rentals()
    rows.loc[::9, "casual"] = np.nan
    assert len(told(examine(rows, of(rows)))) == 1


def test_noise_is_no_sum() -> None:
    rows = rentals().drop(columns="casual")
    assert told(examine(rows, of(rows))) == []


def test_a_copy_of_the_target_is_said_with_its_r2_where_numbers_are_predicted() -> None:
    rows = rentals().drop(columns="casual").assign(alike=lambda rows: rows["total"] * 1.8 + 32)
    (message,) = told(examine(rows, of(rows)))
    assert message.startswith("alike: alone predicts total with R² 0.99")
    assert "rows" not in message
    assert told(examine(rows, of(rows, known=("alike",)))) == []


def test_a_rule_that_is_known_before_is_learned_from() -> None:
    rows = pets().assign(weight=lambda rows: (rows["adopted"] == "yes") * 5.0)
    features = [
        column.model_copy(update={"known_before": column.name == "weight"})
        for column in PETS.features
    ]
    assert len(told(examine(rows, PETS))) == 1
    assert told(examine(rows, PETS.model_copy(update={"features": features}))) == []


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("dropoff_zone", True),
        ("DropoffZone", True),
        ("drop_off", True),
        ("discharge_date", True),
        ("closed at", True),
        ("result", True),
        ("adopted_on", True),
        ("pickup_zone", False),
        ("poutcome", False),
        ("resolution", False),
        ("adopted_before", False),
        ("weekend", False),
    ],
)
def test_a_name_from_after_the_target_is_a_warning_until_answered(name: str, warned: bool) -> None:
    def named(known: bool) -> Dataset:
        entry = {"name": name, "type": "number", "known_before": known}
        described = [*PETS.model_dump()["features"], entry]
        return Dataset.model_validate({**PETS.model_dump(), "features": described})

    rows = pets().assign(**{name: 1.0})
    found = examine(rows, named(False))
    assert found.problems == []
    assert [warning.column for warning in found.warnings] == [name] * warned
    assert examine(rows, named(True)).warnings == []
