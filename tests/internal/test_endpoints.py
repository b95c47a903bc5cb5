"""predict-all, test-endpoint, test-all, stop: every model tried with its own test instances."""

import json
import shutil
import time
from pathlib import Path

import pytest

from seedling.cli.doctor import examine
from seedling.config import Project
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.processes import free_port
from seedling.serving import background_service
from seedling.testing import first_model, invoke, run_verb


@pytest.fixture
def served(trained: Project, tmp_path: Path) -> Project:
    """A copy of the trained project, to start a service from."""
    logged = shutil.ignore_patterns("spool")
    shutil.copytree(trained.root, tmp_path / "project", ignore=logged)
    return Project(tmp_path / "project")


@pytest.mark.every_vertical
def test_a_service_in_the_background_is_tried_and_stopped(served: Project) -> None:
    first, port = first_model(served), str(free_port())
    started = run_verb(served, "predict-all", "--port", port)
    try:
        assert started.returncode == 0, started.stderr
        again = run_verb(served, "predict-all")
        assert (again.returncode, again.stderr.count("runs already")) == (1, 1)
        tried = run_verb(served, "test-endpoint", first)
        assert tried.returncode == 0, tried.stderr
        answer, line = tried.stdout.rsplit("\n", 2)[:2]
        sent = instances.read(served, first)["payload"]["instances"]
        assert len(json.loads(answer)["predictions"]) == len(sent)
        assert line.startswith(f"good   {first}  version 1, {len(sent)} rows")
        everyone = run_verb(served, "test-all").stdout.splitlines()
        names = [model.name for model in served.config.training.models]
        assert [line.split()[1] for line in everyone] == names
        assert everyone[0].startswith("good")
        wrong = served.root / "models" / first / "test" / "test_instances.json"
        write_text(wrong, json.dumps({"payload": {"instances": [{"no such feature": 1}]}}))
        refused = run_verb(served, "test-endpoint", first)
        assert refused.returncode == 1
        assert "400" in refused.stdout
        assert "no such feature" in refused.stdout
    finally:
        stopped = run_verb(served, "stop")
    assert f"http://127.0.0.1:{port}" in stopped.stdout
    assert "Nothing runs" in run_verb(served, "stop").stdout


def test_without_a_service_there_is_nothing_to_try(project: Project) -> None:
    result = invoke(project, "test-all")
    assert (result.exit_code, result.stderr.count("predict-all")) == (1, 1)
    away = f"http://127.0.0.1:{free_port()}"
    result = invoke(project, "test-endpoint", first_model(project), "--url", away)
    assert result.exit_code == 1
    assert "does not answer" in result.stdout


@pytest.mark.parametrize("text", ["", "{", "[]", '{"payload": []}'])
def test_test_instances_that_cannot_be_read_are_named(project: Project, text: str) -> None:
    first = first_model(project)
    write_text(project.root / "models" / first / instances.FILE, text)
    with pytest.raises(ProjectError, match=f"models/{first}/test/test_instances.json"):
        instances.read(project, first)


@pytest.mark.every_vertical
def test_an_example_is_written_from_the_schema(project: Project) -> None:
    first = first_model(project)
    instances.write_example(project, first)
    dataset = project.config.dataset(project.config.trained_model(first).dataset)
    (row,) = instances.read(project, first)["payload"]["instances"]
    assert list(row) == dataset.feature_names


def names_another(project: Project, model: str) -> None:
    """Have serve.py ask a model for /run by its name."""
    serve = project.root / "serve" / "serve.py"
    text = serve.read_text(encoding="utf-8")
    assert text.count("self.models = models\n") == 1
    asked = f"self.models = models\n        self.mine = models[{model!r}]\n"
    write_text(serve, text.replace("self.models = models\n", asked))


@pytest.mark.parametrize("is_trained", [True, False])
def test_a_model_that_only_serve_py_misses_stops_no_other(
    served: Project, is_trained: bool
) -> None:
    first, *others = (model.name for model in served.config.training.models)
    if not others:
        pytest.skip("the project has one model")
    other = others[0]
    missing = other if is_trained else "removed"
    names_another(served, missing)
    reason = (
        f"No version of {other} is registered here: run train --model {other}."
        if is_trained
        else "There is no model 'removed' in model.yaml"
    )
    started = run_verb(served, "predict-all", "--port", str(free_port()))
    try:
        assert started.returncode == 0, started.stderr
        assert reason in started.stderr
        assert run_verb(served, "test-endpoint", first).returncode == 0
        client = background_service.client(served)
        with pytest.raises(ProjectError, match="503") as refused:
            client.ask("run", {})
        assert reason in str(refused.value).replace("\\u0027", "'")
    finally:
        run_verb(served, "stop")


def test_what_waiting_does_not_mend_ends_predict_all_at_once(served: Project) -> None:
    write_text(served.root / "serve" / "serve.py", "raise RuntimeError\n")
    began = time.monotonic()
    started = run_verb(served, "predict-all", "--port", str(free_port()))
    assert time.monotonic() - began < background_service.READY_SECONDS / 2
    assert (started.returncode, "fail" in started.stderr) == (1, True)


def test_doctor_names_each_model_without_a_version(served: Project) -> None:
    first, *others = (model.name for model in served.config.training.models)
    found = {each.subject: each for each in examine(served)}
    assert found[f"model {first}"].mark == "ok"
    for name in others:
        each = found[f"model {name}"]
        assert (each.mark, f"run train --model {name}" in each.message) == ("to do", True)
