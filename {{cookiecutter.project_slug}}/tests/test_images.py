"""What goes into the service's image, and what is said where none can be built."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, invoke

from {{cookiecutter.project_slug}}.config import Project

from mlops import images


def test_the_registered_versions_go_into_the_image_and_nothing_private(
    trained: Project, tmp_path: Path
) -> None:
    whole = Project(tmp_path / "project")
    shutil.copytree(trained.root, whole.root)
    shutil.copytree(ROOT / "src", whole.root / "src")
    (whole.root / ".env").write_text("API_KEY=correct-horse-battery\n", encoding="utf-8")
    folder = tmp_path / "staged"
    folder.mkdir()
    images.stage(whole, folder)
    (registered,) = whole.config.models
    staged = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert f"local_assets/models/{registered.name}/{registered.version}/model.pkl" in staged
    assert {"Dockerfile", "model.yaml", "serve/serve.py"} <= staged
    assert not any(".env" in path or path.endswith(".db") for path in staged)


def test_without_models_or_an_engine_one_line_says_so(
    project: Project, trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = invoke(project, "build")
    assert (result.exit_code, result.stderr.count("run train first")) == (1, 1)
    monkeypatch.setenv("CONTAINER_ENGINE", "no-such-engine")
    result = invoke(trained, "build")
    assert (result.exit_code, result.stderr.count("There is no no-such-engine here")) == (1, 1)


def test_a_model_without_a_compiled_form_brings_what_it_needs(trained: Project) -> None:
    (registered,) = trained.config.models
    compiled = (trained.model_path(registered) / "compiled").is_dir()
    assert images.groups(trained) == (["serve"] if compiled else ["serve", "plain"])
