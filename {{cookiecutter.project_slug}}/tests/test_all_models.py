"""models/all/ and the models' own .s2i/environment: generated, current, and read as s2i reads."""

from pathlib import Path

import pytest
from conftest import ROOT, first_model, invoke

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.files import write_text

from mlops import all_models, folders, images, s2i


def test_what_is_generated_is_current() -> None:
    """If this fails: `make generate-all`, and look at what it changes."""
    all_models.refuse_stale(ROOT)


def test_the_models_images_know_what_pyproject_requires() -> None:
    project = Project(ROOT)
    for model in project.config.training.models:
        for kind, groups in (("train", ["train"]), ("predict", ["serve", "plain"])):
            path = ROOT / "models" / model.name / f"requirements_{kind}.txt"
            declared = [line for group in groups for line in images.declared(project, group)]
            assert set(all_models.requirements(path)) <= set(declared), path


def test_a_second_model_gets_its_route_and_loses_it(project: Project) -> None:
    first = first_model(project)
    before = all_models.models(project.root)
    folders.copy(project, "second", first)
    assert all_models.models(project.root) == [*before, "second"]
    home = project.root / "models" / "all"
    route = s2i.Route("second/predict", "models.all.predict", "second_predict")
    assert route in s2i.routes(home)
    text = (home / "predict.py").read_text(encoding="utf-8")
    assert "from models.second.entry import predict as second_predict\n" in text
    own = s2i.environment(project.root / "models" / "second")
    assert own["TRAIN_MODULE"] == "models.second.entry"
    assert own["SERVED_MODELS"] == "second"
    assert 'Train("second")' in (project.root / "models/second/entry.py").read_text("utf-8")
    folders.remove(Project(project.root), "second")
    assert all_models.models(project.root) == before
    all_models.refuse_stale(project.root)


def test_what_is_not_current_is_refused_and_generated_again(project: Project) -> None:
    path = project.root / "models" / first_model(project) / s2i.FILE
    text = path.read_text(encoding="utf-8").replace("/predict:", "/forecast:", 1)
    write_text(path, text)
    with pytest.raises(ProjectError, match="run generate-all"):
        all_models.refuse_stale(project.root)
    assert invoke(project, "generate-all").exit_code == 0
    all_models.refuse_stale(project.root)
    routes = [entry.route for entry in s2i.routes(project.root / "models" / "all")]
    assert f"{first_model(project)}/forecast" in routes


def test_two_models_cannot_have_one_route(project: Project) -> None:
    first = first_model(project)
    folders.copy(project, "second", first)
    path = project.root / "models" / "second" / s2i.FILE
    text = path.read_text(encoding="utf-8").replace("second/predict:", f"{first}/predict:")
    write_text(path, text)
    result = invoke(project, "generate-all")
    assert result.exit_code == 1
    assert f"{first} and second both have the route {first}/predict" in result.stderr


@pytest.mark.parametrize("routes", ["", "a", "a:b", "a:b:c,", "a:b:c:d", "a::c"])
def test_routes_that_cannot_be_are_named(tmp_path: Path, routes: str) -> None:
    write_text(tmp_path / s2i.FILE, f"ROUTES={routes}\n")
    with pytest.raises(ProjectError, match="ROUTES is route:module:function"):
        s2i.routes(tmp_path)


def test_an_environment_file_is_read_as_s2i_reads_it(tmp_path: Path) -> None:
    lines = ["# A = comment", "A=1", " B = a=b ", "no equals", "", 'C="quoted"', "D=$HOME", "A=2"]
    write_text(tmp_path / s2i.FILE, "\n".join(lines))
    found = s2i.environment(tmp_path)
    assert found == {"A": "2", "B": "a=b", "C": '"quoted"', "D": "$HOME"}
