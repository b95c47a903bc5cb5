"""predict-all, test-endpoint, test-all, stop: every model tried with its own test instances."""

import json
import shutil
from pathlib import Path

import pytest

from seedling.config import Project
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.processes import free_port
from seedling.testing import first_model, invoke, run_verb


@pytest.fixture
def served(trained: Project, tmp_path: Path) -> Project:
    """A copy of the trained project, to start a service from."""
    logged = shutil.ignore_patterns("spool")
    shutil.copytree(trained.root, tmp_path / "project", ignore=logged)
    return Project(tmp_path / "project")


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


def test_an_example_is_written_from_the_schema(project: Project) -> None:
    first = first_model(project)
    instances.write_example(project, first)
    dataset = project.config.dataset(project.config.trained_model(first).dataset)
    (row,) = instances.read(project, first)["payload"]["instances"]
    assert list(row) == dataset.feature_names
