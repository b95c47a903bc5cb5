"""Projects that follow the template: cruft creates them and updates them, --replay repeats them."""

import json
import sys
from pathlib import Path

import pytest
from baking import configuration, run, texts
from repositories import commit, git, template_now

TREE = "{{cookiecutter.project_slug}}"
PLUMBING = "internal/seedling/training/train.py"
ANSWERS = {"vertical": "finance", "models": "random_forest", "project_name": 'Say "hi"'}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The working tree, committed in a repository of its own."""
    return template_now(tmp_path / "seedling")


def test_cruft_creates_what_cookiecutter_creates(template: Path, tmp_path: Path):
    ours = cruft_create(template, tmp_path)
    cookiecutter(template, tmp_path / "plain", "--no-input", *as_words(ANSWERS))
    theirs = tmp_path / "plain" / ours.name
    assert json.loads((ours / ".cruft.json").read_text())["template"] == str(template)
    (ours / ".cruft.json").unlink()
    assert texts(ours) == texts(theirs)


def test_an_update_brings_the_new_and_keeps_the_teams_edits(template: Path, tmp_path: Path):
    project = cruft_create(template, tmp_path)
    git(project, "init", "--quiet")
    commit(project)
    added = "# The team's own line.\n"
    append(project / "serve" / "serve.py", added)
    append(project / "model.yaml", added)
    commit(project)
    append(template / TREE / "README.md", "\nNew in this version.\n")
    append(template / TREE / PLUMBING, "# New in this version.\n")
    commit(template)
    run([sys.executable, "-m", "cruft", "update", "--skip-apply-ask"], project)
    assert (project / "README.md").read_text().count("\nNew in this version.\n") == 1
    assert (project / PLUMBING).read_text().endswith("# New in this version.\n")
    assert (project / "serve" / "serve.py").read_text().endswith(added)
    assert (project / "model.yaml").read_text().endswith(added)
    assert not list(project.rglob("*.rej"))
    assert "> Generated without hooks" not in (project / "README.md").read_text()


def test_a_replay_makes_the_same_project(template: Path, tmp_path: Path):
    cookiecutter(template, tmp_path / "first", "--no-input", *as_words(ANSWERS))
    cookiecutter(template, tmp_path / "second", "--replay")
    assert texts(tmp_path / "first") == texts(tmp_path / "second")


def cruft_create(template: Path, folder: Path) -> Path:
    options = ["--no-input", "--config-file", configuration(folder), "--output-dir", folder]
    answers = ["--extra-context", json.dumps(ANSWERS)]
    run([sys.executable, "-m", "cruft", "create", template, *options, *answers], folder)
    return folder / "say_hi"


def cookiecutter(template: Path, folder: Path, *words: str) -> None:
    options = ["--config-file", configuration(folder.parent), "--output-dir", folder]
    run([sys.executable, "-m", "cookiecutter", *options, template, *words], folder.parent)


def as_words(answers: dict[str, str]) -> list[str]:
    return [f"{prompt}={answer}" for prompt, answer in answers.items()]


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
