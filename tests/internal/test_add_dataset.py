"""Several datasets, of several tasks, in one project."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seedling.config import Project
from seedling.data import datasets
from seedling.testing import first_model, invoke, run_verb, sample_rows
from seedling.wording import counted

MODELS = {"classification": "logistic_regression", "regression": "linear_regression"}


def houses(count: int = 200) -> pd.DataFrame:
    """Rows with a number and a class to predict, which no single feature gives away."""
    generator = np.random.default_rng(2)
    rooms, area = generator.integers(1, 9, count), generator.uniform(20, 200, count).round(1)
    noise = generator.normal(0, 20, count)
    price = (rooms * 30 + area * 2 + noise).round(2)
    sold = np.where(price + 4 * noise > np.median(price), "yes", "no")
    return pd.DataFrame(
        {"house_id": range(count), "rooms": rooms, "area": area, "sold": sold, "price": price}
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    houses().to_csv(tmp_path / "houses.csv", index=False)
    return tmp_path / "houses.csv"


def other_task(project: Project) -> tuple[str, str]:
    """The task that the project's first dataset does not have, and the target of houses for it."""
    first = project.config.datasets[0].task
    return ("regression", "price") if first == "classification" else ("classification", "sold")


def test_a_dataset_stands_beside_the_others(project: Project, table: Path) -> None:
    before = project.config_path.read_text(encoding="utf-8")
    names = [dataset.name for dataset in project.config.datasets]
    words = (
        "--from",
        str(table),
        "--name",
        "homes",
        "--key",
        "house_id",
        "--target",
        "price",
        "--yes",
    )
    result = invoke(project, "add-dataset", *words)
    assert result.exit_code == 0, result.output
    *old, added = Project(project.root).config.datasets
    assert [dataset.name for dataset in old] == names
    assert (added.name, added.entity_key) == ("homes", ["house_id"])
    # The target says itself that it is a number.
    assert (added.task, added.metric, added.target.name) == ("regression", "rmse", "price")
    assert len(datasets.load(project, added)) == 200
    after = project.config_path.read_text(encoding="utf-8")
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "{first}"), "model.yaml has another dataset '{first}'"),
        (("--task", "ranking"), "There is no task 'ranking'; there are classification, grouped"),
        (("--task", "classification", "--target", "price"), "price has 198 different values"),
        (("--task", "regression", "--target", "sold"), "add-dataset --task classification"),
        (("--target", "colour"), "no column 'colour'"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(
    project: Project, table: Path, words: tuple[str, ...], said: str
) -> None:
    first = project.config.datasets[0].name
    before = project.config_path.read_bytes()
    given = [word.format(first=first) for word in words]
    result = invoke(project, "add-dataset", "--source", str(table), *given, "--yes")
    assert result.exit_code == 1
    assert said.format(first=first) in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert project.config_path.read_bytes() == before


def test_without_a_yes_no_dataset_is_added(project: Project, table: Path) -> None:
    before = project.config_path.read_bytes()
    assert invoke(project, "add-dataset", "--from", str(table)).exit_code == 1
    assert project.config_path.read_bytes() == before


def test_a_ready_model_must_fit_its_datasets_task(project: Project, table: Path) -> None:
    task, target = other_task(project)
    words = ("--from", str(table), "--task", task, "--target", target, "--yes")
    assert invoke(project, "add-dataset", *words).exit_code == 0
    fits = MODELS[task]
    (misfit,) = set(MODELS.values()) - {fits}
    result = invoke(project, "add-model", misfit, "--dataset", "houses")
    assert result.exit_code == 1
    assert f"{misfit} does not fit houses, whose task is {task}; there are {fits}," in result.stderr
    assert "houses" not in {model.dataset for model in Project(project.root).config.training.models}


def test_models_of_two_tasks_are_trained_and_served_together(project: Project, table: Path) -> None:
    first = project.config.datasets[0]
    datasets.save(project, first, sample_rows(first))
    task, target = other_task(project)
    words = ("--from", str(table), "--task", task, "--target", target, "--key", "house_id")
    assert invoke(project, "add-dataset", *words, "--yes").exit_code == 0
    assert invoke(project, "add-model", MODELS[task], "--dataset", "houses").exit_code == 0
    mine, theirs = first_model(project), MODELS[task]
    assert invoke(project, "validate-datasets").exit_code == 0
    trained = run_verb(project, "train", "--model", mine, "--model", theirs)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert {entry.model for entry in Project(project.root).config.models} == {mine, theirs}
    answers = answered(project, [mine, theirs])
    predicts_class = {name: bool(answer["labels"]) for name, answer in answers.items()}
    assert predicts_class == {
        mine: first.task == "classification",
        theirs: task == "classification",
    }


def answered(project: Project, models: list[str]) -> dict[str, dict]:
    """What each model's route answers to its test instances, by a service of its own process."""
    script = f"""
import json
import subprocess
import sys
from pathlib import Path
from seedling.config import Project
from seedling.serving.app import create_app

client = create_app(Project.find()).test_client()
answers = {{}}
for name in {models!r}:
    body = json.loads(Path("models", name, "test", "test_instances.json").read_text())
    found = client.post(f"/{{name}}/predict", json=body)
    assert found.status_code == 200, found.text
    answers[name] = found.json["payload"]
print(json.dumps(answers))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_same_ready_model_learns_from_another_dataset_under_a_name_of_its_own(
    project: Project, table: Path
) -> None:
    task, target = other_task(project)
    words = ("--from", str(table), "--task", task, "--target", target, "--yes")
    assert invoke(project, "add-dataset", *words).exit_code == 0
    if not (project.root / "models" / "random_forest").exists():
        assert invoke(project, "add-model", "random_forest").exit_code == 0
    again = invoke(project, "add-model", "random_forest", "--dataset", "houses")
    assert "under another name, by add-model NAME --kind random_forest" in again.stderr
    words = ("house_forest", "--kind", "random_forest", "--dataset", "houses")
    assert invoke(project, "add-model", *words).exit_code == 0
    added = Project(project.root).config.trained_model("house_forest")
    assert (added.dataset, added.hyperparameters["n_estimators"]) == ("houses", 200)
    text = (project.root / "models" / "house_forest" / "train.py").read_text(encoding="utf-8")
    assert f"RandomForest{'Regressor' if task == 'regression' else 'Classifier'}" in text
    copied = invoke(project, "add-model", "other", "--from", "random_forest", "--dataset", "houses")
    assert f"random_forest does not fit houses, whose task is {task}" in copied.stderr
    assert not (project.root / "models" / "other").exists()


def test_one_dataset_is_created_where_one_is_named(project: Project, table: Path) -> None:
    assert (
        invoke(project, "add-dataset", "--from", str(table), "--target", "price", "--yes").exit_code
        == 0
    )
    project = Project(project.root)
    houses_path, first = project.dataset_path(project.config.dataset("houses")), project.config
    houses_path.unlink()
    only = invoke(project, "create-local-datasets", "--dataset", "houses")
    assert only.exit_code == 0, only.stderr
    assert houses_path.exists()
    assert not project.dataset_path(first.datasets[0]).exists()
    assert len(only.stdout.splitlines()) == 1
    unknown = invoke(project, "create-local-datasets", "--dataset", "nope")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert all(each.name in unknown.stderr for each in first.datasets)


def test_one_row_and_one_problem_are_not_many(project: Project) -> None:
    dataset = project.config.datasets[0]
    row = sample_rows(dataset, 5).head(1).drop(columns=dataset.features[0].name)
    datasets.save(project, dataset, row)
    result = invoke(project, "validate-datasets")
    assert f"{dataset.name}: 1 row, 1 problem\n" in result.stdout
    assert [counted(number, "row") for number in (0, 1, 6000)] == ["0 rows", "1 row", "6,000 rows"]
