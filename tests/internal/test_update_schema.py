"""`update-schema`: tomorrow's table is taken over, and nothing of the team's is lost."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from small import PETS

from seedling.cli.main import main
from seedling.config import Dataset, Project, Reading
from seedling.data import datasets, instances
from seedling.data.cells import typed
from seedling.data.schema_changes import changes
from seedling.serving.app import create_app
from seedling.testing import first_model, invoke, run_verb
from seedling.training import notes
from seedling.training.notes import Measured

BY_HAND = {
    "minimum: 0, maximum: 29}": "minimum: 0, maximum: 120, description: years}  # of life",
    "metric: ": "# Ann: agreed with sales\n    metric: ",
}


def customers(count: int = 120) -> pd.DataFrame:
    """Rows from which both a class and a number can be predicted."""
    draw = np.random.default_rng(3)
    age = np.arange(count) % 30
    amount = (10 + 2 * age + draw.normal(0, 9, count)).round(1).clip(1, 100)
    churn = np.where(amount + draw.normal(0, 20, count) > 40, "yes", "no")
    plan = [("a", "b", "c")[at % 3] for at in range(count)]
    return pd.DataFrame(
        {
            "customer_id": range(1, count + 1),
            "age": age,
            "plan": plan,
            "amount": amount,
            "score": draw.normal(50, 9, count).round(2),
            "churn": churn,
        }
    )


@pytest.fixture
def table(project: Project, tmp_path: Path) -> Path:
    """The file of customers, which the project's first dataset comes from."""
    path = tmp_path / "customers.csv"
    customers().to_csv(path, index=False)
    task = project.config.datasets[0].task
    target = "churn" if task == "classification" else "score"
    words = ("--from", str(path), "--target", target, "--key", "customer_id", "--yes")
    result = invoke(project, "create-local-datasets", *words)
    assert result.exit_code == 0, result.stderr
    project.forget_what_was_read()
    text = project.config_path.read_text(encoding="utf-8")
    for old, new in BY_HAND.items():
        assert text.count(old) == 1, text
        text = text.replace(old, new)
    project.config_path.write_text(text, encoding="utf-8")
    return path


def with_row(rows: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows with one more at their end, which is like the first but for these values."""
    new = rows.iloc[[0]].assign(customer_id=len(rows) + 1, **values)
    return pd.concat([rows.astype(object), new.astype(object)], ignore_index=True)


def updated(project: Project, *words: str) -> str:
    """What the verb says; it must succeed."""
    result = invoke(project, "update-schema", *words)
    assert result.exit_code == 0, result.output + result.stderr
    project.forget_what_was_read()
    return result.output


def features(project: Project) -> dict[str, dict[str, Any]]:
    return {
        column.name: column.model_dump(exclude_defaults=True)
        for column in project.config.datasets[0].features
    }


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def test_new_categories_and_wider_ranges_change_their_own_lines_only(
    project: Project, table: Path
) -> None:
    before = project.config_path.read_text(encoding="utf-8")
    with_row(customers(), plan="d", amount=101.5, age=None).to_csv(table, index=False)
    said = updated(project, "--yes")
    after = project.config_path.read_text(encoding="utf-8")
    assert "plan: categories + d (row 121)" in said
    assert "-> 101.5 (row 121)" in said
    assert "age: gaps, nullable: true (row 121)" in said
    found = features(project)
    assert found["plan"]["categories"] == ["a", "b", "c", "d"]
    assert found["amount"]["maximum"] == 101.5
    assert found["age"] == {
        **{"name": "age", "type": "integer", "minimum": 0, "maximum": 120},
        **{"description": "years", "nullable": True},
    }
    gone, new = before.splitlines(), after.splitlines()
    assert len(gone) == len(new)
    changed = [line for line, other in zip(gone, new, strict=True) if line != other]
    assert len(changed) == 3
    assert all(f"-{line}" in said for line in changed)
    assert "# Ann: agreed with sales" in after
    assert "# of life" in after
    dataset = project.config.datasets[0]
    assert len(datasets.load(project, dataset)) == 121
    assert invoke(project, "validate-datasets").exit_code == 0


def test_tomorrows_file_has_any_name_and_the_dataset_keeps_its_own(
    project: Project, table: Path
) -> None:
    rows = with_row(customers(), plan="d").drop(index=range(30))
    rows.to_csv(table.with_name("export 2 (final).csv"), sep=";", index=False)
    said = updated(project, "--from", str(table.with_name("export 2 (final).csv")), "--yes")
    assert "export 2 (final).csv is read with separator ; (--sep)." in said
    dataset = project.config.datasets[0]
    assert dataset.name == "customers"
    assert dataset.source.endswith("export 2 (final).csv")
    assert len(datasets.load(project, dataset)) == 91
    assert features(project)["plan"]["categories"][-1] == "d"
    assert dataset.read.separator == ";"
    assert {model.dataset for model in project.config.training.models} == {"customers"}
    updated(project, "--from", str(table), "--yes")  # with commas again
    dataset = project.config.datasets[0]
    assert dataset.read == Reading()
    assert len(datasets.load(project, dataset)) == 120


def test_a_range_never_gets_narrower(project: Project, table: Path) -> None:
    customers().query("age < 10 and plan == 'a'").to_csv(table, index=False)
    before = project.config_path.read_bytes()
    assert "model.yaml stays as it is" in updated(project, "--yes")
    assert project.config_path.read_bytes() == before
    assert len(datasets.load(project, project.config.datasets[0])) < 120


def test_a_gap_in_a_required_column_names_the_verb_that_takes_it(
    project: Project, table: Path
) -> None:
    with_row(customers(), age=None).to_csv(table, index=False)
    assert invoke(project, "create-local-datasets").exit_code == 0
    done = invoke(project, "train", "--model", first_model(project))
    assert (
        "age: a value is missing (row 121): run update-schema, which lets a feature" in done.stderr
    )
    updated(project, "--yes")
    assert features(project)["age"]["nullable"]


def test_a_range_set_by_hand_stays_until_it_is_widened_on_demand(
    project: Project, table: Path
) -> None:
    tomorrow = with_row(customers(), age=130, amount=101.5).drop(index=range(30))
    tomorrow.to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "age: maximum 120 -> 130 (row 91); no row reaches the one before" in said
    assert "Left as it is: age (--widen-ranges widens them)." in said
    assert (features(project)["age"]["maximum"], features(project)["amount"]["maximum"]) == (
        120,
        101.5,
    )
    assert "Left as it is: age" in updated(project, "--yes")  # the dataset has the row by now
    updated(project, "--yes", "--widen-ranges")
    assert features(project)["age"]["maximum"] == 130
    assert "0 differences" in updated(project, "--yes")


def test_a_last_day_set_by_hand_stays_too() -> None:
    days = pd.DataFrame({"seen": pd.date_range("2024-01-01", periods=9).astype(str)})
    later = pd.concat([days, pd.DataFrame({"seen": ["2024-02-01"]})], ignore_index=True)
    seen = {"name": "seen", "type": "date", "earliest": "2024-01-01"}
    rows = later.assign(id=range(10), adopted=["no", "yes"] * 5)
    for latest, kind in (("2024-01-09", "wider"), ("2024-01-31", "ranges")):
        dataset = Dataset.model_validate(
            PETS.model_dump() | {"features": [{**seen, "latest": latest}]}
        )
        (change,) = changes(typed(rows, dataset).rows, dataset)
        assert (change.kind, change.entry) == (kind, {"latest": date(2024, 2, 1)})


def test_later_days_and_times_are_ranges_too(project: Project, table: Path) -> None:
    days = pd.date_range("2024-03-01", periods=120)
    dated = customers().assign(day=days.date, at=days + pd.Timedelta("9h 30min"))
    dated.to_csv(table, index=False)
    updated(project, "--yes", "--add-columns")
    assert [features(project)[name]["type"] for name in ("day", "at")] == ["date", "datetime"]
    later = with_row(dated, day="2025-01-31", at="2025-01-31 23:59:59")
    later.to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "day: latest 2024-06-28 -> 2025-01-31 (row 121)" in said
    assert "at: latest 2024-06-28T09:30:00 -> 2025-01-31 23:59:59 (row 121)" in said
    assert "stays as it is" in updated(project, "--yes")


def test_without_a_yes_nothing_is_updated(project: Project, table: Path) -> None:
    before = project.config_path.read_bytes()
    data = project.dataset_path(project.config.datasets[0])
    old = data.read_bytes()
    with_row(customers(), plan="d").to_csv(table, index=False)
    result = invoke(project, "update-schema")
    assert result.exit_code == 1
    assert "categories + d" in result.output
    assert project.config_path.read_bytes() == before
    assert data.read_bytes() == old


def test_new_columns_become_features_only_where_that_is_wanted(
    project: Project, table: Path
) -> None:
    wide = customers().assign(region=["north", "south"] * 60, empty=None)
    wide.to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "region: new column, category one of north, south" in said
    assert "empty: new column, ignored: it holds no value" in said
    assert "Left as it is: region (--add-columns makes features of them" in said
    assert "region" not in features(project)
    assert project.config.datasets[0].ignored[-1] == "empty"
    note = "note: region: not in model.yaml"
    assert note in invoke(project, "validate-datasets").stdout
    updated(project, "--yes", "--add-columns")
    entry = {"name": "region", "type": "category", "categories": ["north", "south"]}
    assert features(project)["region"] == entry
    (row,) = instances.read(project, first_model(project))["payload"]["instances"]
    assert "region" in row
    assert note not in invoke(project, "validate-datasets").stdout


def test_new_columns_are_left_out_for_good_where_that_is_wanted(
    project: Project, table: Path
) -> None:
    customers().assign(region=["north", "south"] * 60).to_csv(table, index=False)
    updated(project, "--yes", "--ignore-columns")
    assert project.config.datasets[0].ignored[-1] == "region"
    assert "0 differences" in updated(project, "--yes", "--add-columns")


def test_a_person_is_asked_before_a_column_becomes_a_feature(project: Project, table: Path) -> None:
    customers().assign(region=["north", "south"] * 60).to_csv(table, index=False)
    here = Path.cwd()
    os.chdir(project.root)
    try:
        answered = CliRunner().invoke(main, ["update-schema"], input="y\ny\n")
    finally:
        os.chdir(here)
    assert answered.exit_code == 0, answered.output
    assert "Add the new columns as features? (region)" in answered.output
    project.forget_what_was_read()
    assert "region" in features(project)


def test_a_column_that_is_gone_stays_a_feature_until_it_is_dropped(
    project: Project, table: Path
) -> None:
    customers().drop(columns="plan").to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "plan: the table has no such column any more" in said
    assert "plan" in features(project)
    text = project.config_path.read_text(encoding="utf-8")
    updated(project, "--yes", "--drop-gone")
    assert "plan" not in features(project)
    after = project.config_path.read_text(encoding="utf-8")
    assert [line for line in after.splitlines() if line not in text.splitlines()] == []
    assert len(text.splitlines()) - len(after.splitlines()) == 1


def test_whole_numbers_that_get_fractions_are_numbers(project: Project, table: Path) -> None:
    with_row(customers(), age=130.5).to_csv(table, index=False)
    assert "age: type integer -> number (row 121)" in updated(project, "--yes")
    found = features(project)["age"]
    assert (found["type"], found["minimum"], found["maximum"]) == ("number", 0, 130.5)
    assert found["description"] == "years"


def test_another_type_is_taken_over_only_where_that_is_wanted(
    project: Project, table: Path
) -> None:
    rows = customers().assign(age=lambda rows: [("young", "old")[age % 2] for age in rows["age"]])
    rows.to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "age: type integer -> category (rows 1, 2, 3, 4, 5 and 115 more)" in said
    assert features(project)["age"]["type"] == "integer"
    updated(project, "--yes", "--change-types")
    assert features(project)["age"] == {
        **{"name": "age", "type": "category", "categories": ["old", "young"]},
        "description": "years",
    }


def test_derived_features_and_their_inputs_are_widened_too(project: Project, table: Path) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    (line,) = re.findall(r"(?m)^      - \{name: amount,.*\n", text)
    highest = customers()["amount"].max() / 2
    rate = f"      - {{name: rate, type: number, minimum: 0, maximum: {highest:g}}}\n"
    more = f"    inputs:\n{line}    derived:\n      rate: amount / 2\n"
    text = text.replace(line, rate).replace("    metric: ", f"{more}    metric: ")
    project.config_path.write_text(text, encoding="utf-8")
    with_row(customers(), amount=501).to_csv(table, index=False)
    said = updated(project, "--yes")
    assert f"rate: maximum {highest:g} -> 250.5 (row 121)" in said
    dataset = project.config.datasets[0]
    assert [column.model_dump()["maximum"] for column in dataset.inputs] == [501]
    assert features(project)["rate"]["maximum"] == 250.5
    customers().drop(columns="amount").to_csv(table, index=False)
    before = project.config_path.read_bytes()
    assert "amount: the table has no such column" in updated(project, "--yes", "--drop-gone")
    assert project.config_path.read_bytes() == before


def test_what_no_type_takes_is_said_and_changes_nothing(project: Project, table: Path) -> None:
    mixed = customers().assign(age=[f"number {at} of many" for at in range(120)])
    mixed.to_csv(table, index=False)
    before = project.config_path.read_bytes()
    said = updated(project, "--yes", "--change-types")
    assert re.search(r"  age: .*120 different texts.* \(rows 1, 2, 3, 4, 5 and 115 more\)", said)
    assert project.config_path.read_bytes() == before


def test_a_table_that_the_dataset_could_take_is_pointed_to_the_update(
    project: Project, table: Path
) -> None:
    words = ("--from", str(table), "--target", project.config.datasets[0].target.name)
    again = invoke(project, "create-local-datasets", *words)
    assert "It has every column of customers: update-schema --from would keep" in again.stdout


def test_a_new_label_changes_the_task_and_is_asked_about(project: Project, table: Path) -> None:
    if project.config.datasets[0].target.type != "category":
        pytest.skip("a number is predicted here")
    many = pd.concat([customers().assign(churn="perhaps"), customers()], ignore_index=True)
    many.assign(customer_id=range(240)).to_csv(table, index=False)
    said = updated(project, "--yes")
    assert "churn: the target's new labels perhaps (rows 1, 2, 3, 4, 5 and 115 more)" in said
    assert project.config.datasets[0].target.labels == ["no", "yes"]
    updated(project, "--yes", "--add-labels")
    assert project.config.datasets[0].target.labels == ["no", "yes", "perhaps"]


def test_a_table_without_target_or_key_is_refused_in_one_line(
    project: Project, table: Path
) -> None:
    target = project.config.datasets[0].target.name
    before = project.config_path.read_bytes()
    for name, what in ((target, f"'{target}', the target"), ("customer_id", "the entity key")):
        customers().drop(columns=name).to_csv(table, index=False)
        result = invoke(project, "update-schema", "--yes")
        assert result.exit_code == 1
        assert "no column" in result.stderr
        assert what in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert project.config_path.read_bytes() == before


def test_the_schema_of_a_query_is_updated_from_the_feature_store(project: Project) -> None:
    dataset = project.config.datasets[0]
    assert " rows, 0 differences\n" in updated(project, "--yes")
    query = project.root / dataset.source
    text = query.read_text(encoding="utf-8").replace(
        "\nFROM", ",\n    7 * 6 + random() % 2 AS luck\nFROM"
    )
    query.write_text(text, encoding="utf-8")
    updated(project, "--yes", "--add-columns")
    assert features(project)["luck"]["type"] == "integer"
    result = invoke(project, "validate-datasets")
    assert "warning: luck: serve/feature_inference_query.sql does not yield it" in result.stdout


def test_line_ends_of_windows_stay(project: Project, table: Path) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    project.config_path.write_bytes(text.replace("\n", "\r\n").encode())
    with_row(customers(), plan="d").to_csv(table, index=False)
    updated(project, "--yes")
    after = project.config_path.read_bytes()
    assert after.count(b"\n") == after.count(b"\r\n") == text.count("\n")


def test_tomorrows_rows_train_with_a_warning_and_after_the_update_without(
    project: Project, table: Path
) -> None:
    model = first_model(project)
    rows = customers(300)
    rows.loc[::7, "plan"] = "d"
    rows.loc[4, "amount"] = 101.5
    rows.to_csv(table, index=False)
    assert invoke(project, "create-local-datasets").exit_code == 0
    warnings = (
        "Warning: customers: plan: 'd' is none of its categories (rows 1, 8, 15, 22, 29 and 38",
        "Warning: customers: amount: 101.5, ",
    )
    trained = run_verb(project, "train", "--model", model)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert all(warning in trained.stdout for warning in warnings), trained.stdout
    (card,) = project.assets.glob(f"reports/*/{model}/model_card.md")
    assert "- plan: 'd' is none of its categories" in card.read_text(encoding="utf-8")
    version = read_version(project)
    assert version.compiled.refused == ""
    assert predicted(project, "d") != predicted(project, "never seen")
    updated(project, "--yes")
    again = run_verb(project, "train", "--model", model)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Warning" not in again.stdout
    assert "of version 1" in again.stdout  # the champion was measured on the same rows


def read_version(project: Project) -> Measured:
    """What was measured of the first registered version."""
    fresh = Project(project.root)
    folder = fresh.model_path(fresh.config.models[0])
    return notes.read(folder / notes.MEASURED, Measured)


def predicted(project: Project, plan: str) -> Any:
    """What the registered model answers about a customer with this plan."""
    fresh = Project(project.root)
    app = create_app(fresh, environment="")
    row = {"age": 12, "plan": plan, "amount": 30.0}
    dataset = fresh.config.datasets[0]
    row |= {name: 50.0 if name == "score" else "no" for name in dataset.feature_names[3:]}
    body = {"payload": {"instances": [row]}}
    answer = app.test_client().post(f"/{first_model(fresh)}/predict", json=body).get_json()
    app.extensions["service"].stop()
    payload = answer["payload"]
    return payload["scores"] or payload["predictions"]


def test_a_strict_dataset_does_not_train_on_what_it_has_not_agreed_to(
    project: Project, table: Path
) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    strict = text.replace("    # Ann: agreed", "    strict: true\n    # Ann: agreed")
    project.config_path.write_text(strict, encoding="utf-8")
    with_row(customers(), plan="d").to_csv(table, index=False)
    assert invoke(project, "create-local-datasets").exit_code == 0
    result = invoke(project, "validate-datasets")
    assert result.exit_code == 1
    assert "plan: 'd' is none of its categories (row 121)" in result.stdout
    updated(project, "--yes")
    assert invoke(project, "validate-datasets").exit_code == 0


def test_rows_without_a_target_make_no_range_look_set_by_hand(
    project: Project, tmp_path: Path
) -> None:
    path, target = tmp_path / "visits.csv", project.config.datasets[0].target
    label = "churn" if target.type == "category" else "score"
    rows = customers().astype(object)
    rows.loc[100:, label] = None
    rows.loc[110:, "amount"] = 500
    rows.loc[111:, "plan"] = "gold"
    rows.loc[112, "age"] = None
    rows.to_csv(path, index=False)
    words = ("--from", str(path), "--target", label, "--key", "customer_id", "--yes")
    result = invoke(project, "create-local-datasets", *words)
    assert result.exit_code == 0, result.stderr
    project.forget_what_was_read()
    found = features(project)
    assert found["plan"]["categories"] == ["a", "b", "c"]
    assert found["amount"]["maximum"] <= 100
    assert found["age"]["nullable"]  # such a row may be asked about
    with_row(rows, amount=501, **{label: rows[label][0]}).to_csv(path, index=False)
    assert "set by hand" not in updated(project, "--yes")
    assert features(project)["amount"]["maximum"] == 501
