"""A request that names no model: the best champion answers it, wherever it comes in."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from seedling import tasks
from seedling.azure import batch
from seedling.cli import demo
from seedling.config import Config, Dataset, Project, registrations
from seedling.data.example_rows import example
from seedling.errors import NotFound, ProjectError
from seedling.files import read_json, sha256, write_json, write_text
from seedling.serving.app import create_app
from seedling.serving.service import Service
from seedling.serving.unnamed import Champion, Choice, choose
from seedling.testing import copy_project, first_model, invoke
from seedling.training import notes


@pytest.fixture
def two(trained: Project, tmp_path: Path) -> Project:
    """A copy whose second model has the files of the first, and was measured to be better."""
    names = [model.name for model in trained.config.training.models]
    if len(names) < 2:
        pytest.skip("the project has one model")
    project = copy_project(tmp_path / "project")
    (champion,) = trained.config.models
    source = trained.model_path(champion)
    for model, value in ((names[0], 1.0), (names[1], 2.0)):
        entry = champion.model_copy(update={"model": model, "name": f"any-{model}"})
        folder = project.model_path(entry)
        folder.parent.mkdir(parents=True)
        shutil.copytree(source, folder)
        measured = read_json(folder / notes.MEASURED)
        metric = trained.config.datasets[0].metric
        less = metric in tasks.of(trained.config.datasets[0]).lower_is_better
        measured["metrics"][metric] = 1 / value if less else value
        write_json(folder / notes.MEASURED, measured)
        noted = entry.model_copy(update={"sha256": sha256(folder)})
        added = noted.model_dump(exclude_none=True, exclude_defaults=True)
        registrations.edit_here(project, model, lambda _, added=added: [added])
    return Project(project.root)


def answered_by(project: Project) -> dict[str, Any]:
    """Return the model that each way in asks."""
    app = create_app(project, environment="")
    client = app.test_client()
    row = example(project.config.datasets[0].features)
    write = project.root / "rows.csv"
    with write.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(row))
        table.writeheader()
        table.writerow(row)
    done = invoke(project, "batch-score", "rows.csv", "scored.csv")
    assert done.exit_code == 0, done.output
    with (project.root / "scored.csv").open(encoding="utf-8", newline="") as stream:
        (scored,) = csv.DictReader(stream)
    assert client.get("/ready").status_code == 200
    assert client.post("/invocations", json=row).status_code == 200
    found = {
        "/run": client.post("/run", json=row).get_json()["outputs"]["model"],
        "/score": client.post("/score", json=row).get_json()["model"],
        "batch-score": scored["model"],
        "page": client.get("/openapi.json").get_json()["tags"][0]["name"],
    }
    app.extensions["service"].stop()
    return found


def test_the_best_champion_answers_wherever_no_model_is_named(two: Project) -> None:
    first, second = (model.name for model in two.config.training.models[:2])
    assert set(answered_by(two).values()) == {second}
    two.edit(lambda document: document["serving"].update(model=first))
    assert set(answered_by(Project(two.root)).values()) == {first}


def test_the_demo_and_a_batch_deployment_choose_as_routes_do(
    two: Project, trained: Project
) -> None:
    first, second = (model.name for model in two.config.training.models[:2])
    shutil.copytree(trained.assets / "datasets", two.assets / "datasets", dirs_exist_ok=True)
    write_text(two.assets / "demo.txt", demo._fingerprint(two))
    done = invoke(two, "demo")
    assert done.exit_code == 0, done.output
    assert f"/{second}/predict\n" in done.output
    assert f'"model": "{second}"' in done.output
    assert batch._registered(two, None).model == second
    two.edit(lambda document: document["serving"].update(model=first))
    assert batch._registered(Project(two.root), None).model == first


def test_one_model_that_is_not_the_first_is_enough(two: Project) -> None:
    first, second = (model.name for model in two.config.training.models[:2])
    registrations.remove_here(two, first)
    assert set(answered_by(Project(two.root)).values()) == {second}


def test_an_entity_that_nobody_knows_is_404(trained: Project) -> None:
    client = create_app(trained, environment="").test_client()
    (key,) = trained.config.datasets[0].entity_key
    model = first_model(trained)
    served = client.application.extensions["service"].models[model]
    with pytest.raises(NotFound, match=f"Nothing is known of {key} 7: send the features"):
        served.features({key: 7})


def test_the_metric_says_whether_less_is_better(project: Project) -> None:
    config = project.config
    dataset = config.datasets[0]
    names = [model.name for model in config.training.models]
    if len(names) < 2:
        pytest.skip("the project has one model")

    def best(*values: float | None, **other: Any) -> str | None:
        metrics = ({} if value is None else {dataset.metric: value} for value in values)
        return choose(
            config,
            {
                name: Champion(dataset.model_copy(update=other if at else {}), metrics)
                for at, (name, metrics) in enumerate(zip(names, metrics, strict=False))
            },
        ).model

    more_is_better = dataset.metric not in tasks.of(dataset).lower_is_better
    assert best(0.5, 0.6) == names[more_is_better]
    assert best(0.6, 0.5) == names[not more_is_better]
    assert best(None, 0.1) == names[1]
    assert best(None, None) == names[0]
    assert best(float("nan"), None) == names[0]
    assert best(0.6, 0.6) == names[0]
    assert best(0.5, 0.6, name="another table") == best(0.6, 0.5, name="x") == names[0]
    assert choose(config, {}).model is None


def test_a_new_metric_does_not_change_who_answers_before_all_are_measured_by_it(
    project: Project,
) -> None:
    old = project.config.datasets[0]
    now = old.model_copy(update={"metric": "balanced"})
    models = [project.config.training.models[0].model_copy(update={"name": n}) for n in "abc"]
    training = project.config.training.model_copy(update={"models": models})
    config = project.config.model_copy(update={"datasets": [now], "training": training})
    last = tasks.of(old).metrics[-1]
    better = {True: 1.0, False: 3.0}

    def chosen(*measured: dict[str, float], by: Dataset = old) -> Choice:
        return choose(config, {n: Champion(by, m) for n, m in zip("abc", measured, strict=True)})

    less = old.metric in tasks.of(old).lower_is_better
    olds = [{old.metric: value} for value in (2.0, better[less], 2.0)]
    one_is_new = chosen(olds[0], olds[1], olds[2] | {"balanced": 9.0})
    assert one_is_new.model == "b"
    assert f"b, the best by {old.metric}: not every champion of {old.name} " in one_is_new.remark
    all_new = chosen(*(each | {"balanced": at} for at, each in enumerate(olds)))
    assert all_new == Choice("c")
    other = old.model_copy(update={"metric": "another"})
    value = better[last in tasks.of(old).lower_is_better]
    by_task = chosen({last: 2.0}, {last: 2.0}, {last: value}, by=other)
    assert by_task.model == "c"
    assert f"the best by {last}" in by_task.remark
    none_shared = chosen({"x": 1.0}, {"y": 2.0}, {"z": 3.0})
    assert none_shared.model == "a"
    assert "the first of model.yaml" in none_shared.remark


def test_service_and_doctor_say_by_which_metric_the_best_was_chosen(
    two: Project, caplog: pytest.LogCaptureFixture
) -> None:
    second = two.config.training.models[1].name
    was = two.config.datasets[0].metric
    two.edit(lambda document: document["datasets"][0].update(metric="brand_new"))
    project = Project(two.root)
    service = Service(project, "")
    said = f"answered by {second}, the best by {was}: not every champion"
    assert [said in record.message for record in caplog.records if was in record.message] == [True]
    assert service.model(None).name == second
    assert said in " ".join(invoke(project, "doctor").output.split())
    shown = " ".join(invoke(project, "runs").output.split())
    assert f"The best by {was} on {project.config.datasets[0].name}: no run of this" in shown
    assert f"{second}, version 1, champion. Not every champion has brand_new measured." in shown


def test_a_model_that_is_not_trained_cannot_be_the_one(project: Project) -> None:
    settings = json.loads(project.config.model_dump_json())
    settings["serving"]["model"] = "nobody"
    with pytest.raises(ProjectError, match=r"serving\.model: there is no model 'nobody'"):
        Config.model_validate(settings)
