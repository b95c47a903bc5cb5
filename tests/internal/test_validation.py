"""What is wrong with a dataset is told by column and row."""

import re
from typing import Any

import pandas as pd
import pytest
from small import PETS, pets

from seedling.config import Dataset, Project
from seedling.data import datasets, inference_query
from seedling.data.validation import examine, validate
from seedling.testing import invoke, sample_rows

pytestmark = pytest.mark.every_vertical
STRICT = PETS.model_copy(update={"strict": True, "one_row_per_key": True})


def told(rows: pd.DataFrame, dataset: Dataset = STRICT) -> list[str]:
    return [str(problem) for problem in validate(rows, dataset)]


def damaged(column: str, value: Any, row: int = 3) -> pd.DataFrame:
    """Valid rows but for one value; `row` counts from 1."""
    rows = pets().astype({column: object})
    rows.loc[row - 1, column] = value
    return rows


def test_valid_rows_have_no_problems() -> None:
    assert told(pets()) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", "old", "age: 'old' is not an integer (row 3)"),
        ("age", 2.5, "age: 2.5 is not an integer (row 3)"),
        ("age", -1, "age: -1 is below the minimum 0 (row 3)"),
        ("age", 31, "age: 31 is above the maximum 30 (row 3)"),
        ("age", None, "age: a value is missing (row 3)"),
        ("kind", "axolotl", "kind: 'axolotl' is none of its categories (row 3)"),
        ("tame", 2, "tame: 2 is not a boolean (row 3)"),
        ("adopted", "perhaps", "adopted: 'perhaps' is none of its labels (row 3)"),
        ("adopted", None, "adopted: a value is missing (row 3)"),
        ("id", 1, "id: the key stands more than once (rows 1, 3)"),
    ],
)
def test_a_problem_names_column_value_and_row(column: str, value: Any, message: str) -> None:
    assert told(damaged(column, value)) == [message]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", -1, "age: -1 is below the minimum 0 (row 3)"),
        ("age", 31, "age: 31 is above the maximum 30 (row 3)"),
        ("kind", "axolotl", "kind: 'axolotl' is none of its categories (row 3)"),
    ],
)
def test_a_value_beyond_the_schema_is_a_warning_unless_the_dataset_is_strict(
    column: str, value: Any, message: str
) -> None:
    rows = damaged(column, value)
    found = examine(rows, PETS)
    assert [str(warning) for warning in found.warnings] == [message]
    assert found.problems == []
    strict = examine(rows, STRICT)
    assert ([str(problem) for problem in strict.problems], strict.warnings) == ([message], [])


@pytest.mark.parametrize("column", ["weight", "kind"])
def test_a_gap_is_fine_where_the_schema_allows_it(column: str) -> None:
    assert told(damaged(column, None)) == []


def test_a_missing_column_is_told() -> None:
    assert told(pets().drop(columns="age")) == ["age: the column is missing"]


def test_many_rows_are_counted_not_listed() -> None:
    rows = pets()
    rows["age"] = -1
    assert told(rows) == ["age: -1 is below the minimum 0 (rows 1, 2, 3, 4, 5 and 55 more)"]


def test_many_values_are_counted_and_of_numbers_the_extremes_are_named() -> None:
    rows = pets()
    rows["age"] += 31
    rows["kind"] = [f"kind {number}" for number in range(60)]
    assert told(rows)[0].startswith("age: 31 to 43 is above the maximum 30 (rows 1, ")
    words = "'kind 0', 'kind 1', 'kind 10', 'kind 11', 'kind 12' and 55 more"
    assert told(rows)[1].startswith(f"kind: {words} is none of its categories (rows 1, ")


def test_a_feature_that_gives_the_target_away_is_told() -> None:
    rows = pets()
    rows["weight"] = (rows["adopted"] == "yes") * 5.0
    (message,) = told(rows)
    assert message.startswith("weight: alone predicts adopted for 100.00% of rows")


def test_a_column_that_model_yaml_does_not_know_is_a_note(project: Project) -> None:
    dataset = project.config.datasets[0]
    datasets.save(project, dataset, sample_rows(dataset).assign(effort=1.0))
    result = invoke(project, "validate-datasets")
    assert result.exit_code == 0
    assert "  note: effort: not in model.yaml: see update-schema\n" in result.stdout


def test_a_feature_that_the_service_cannot_look_up_is_found_before_it_serves(
    project: Project,
) -> None:
    assert invoke(project, "create-local-datasets").exit_code == 0
    dataset = project.config.datasets[0]
    name = dataset.features[-1].name
    query = project.root / inference_query.QUERY
    assert inference_query.lacking(project, dataset) == []
    assert "does not yield" not in invoke(project, "doctor").stdout
    before = query.read_text(encoding="utf-8")
    text = re.sub(rf",\s*[\w.]*\b{name}\b", "", before)
    if text == before:  # it yields nothing else
        text = re.sub(rf"(SELECT\s+)[\w.]*\b{name}\b", r"\1 1 AS other", before)
    query.write_text(text, encoding="utf-8")
    assert f"warning: {name}: {inference_query.QUERY} does not yield it" in (
        invoke(project, "validate-datasets").stdout
    )
    assert f"{inference_query.QUERY} does not yield {name}" in invoke(project, "doctor").stdout
