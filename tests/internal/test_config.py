"""model.yaml: what is wrong in it is told by file, line and key; a verb's edit keeps comments."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedling.config import Project, expand, read_config
from seedling.errors import ProjectError
from seedling.testing import invoke

pytestmark = pytest.mark.every_vertical


def refusal(project: Project, old: str, new: str) -> str:
    """What reading model.yaml says once `old` in it has become `new`."""
    text = project.config_path.read_text(encoding="utf-8")
    assert old in text
    project.config_path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        read_config(project.config_path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def own_names() -> Iterator[None]:
    """The variables that a .env has set are gone after the test."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


# What is wrong with a .env, and what is said of it.
NO_ENV = [
    (b"LOG_LEVEL=info\n\nAPI_KEY: hunter2-long\n", r", line 3: this is no NAME=value"),
    (b"API_KEY:hunter2-long\n", r", line 1: this is no NAME=value"),
    (b"API_KEY:hunter2-long==\n", r", line 1: this is no NAME=value"),
    (b"'A=B'=hunter2-long\n", r", line 1: this is no NAME=value"),
    (b"A='hunter2-long\n", r", line 1: this is no NAME=value"),
    ("API_KEY=hunter2-long\n".encode("utf-16"), r" is not UTF-8 text: save it as UTF-8"),
    ("API_KEY=hunter2-long-ü\n".encode("latin-1"), r" is not UTF-8 text: save it as UTF-8"),
    (b"A=1\nAPI_KEY=hunter2\0-long\n", r", line 2: a NUL byte is no text"),
    (None, r" is not read: "),
]


@pytest.mark.parametrize(("content", "said"), NO_ENV, ids=[*map(str, range(len(NO_ENV)))])
@pytest.mark.usefixtures("own_names")
def test_a_env_that_cannot_be_read_is_one_line_of_every_verb(
    project: Project, content: bytes | None, said: str
) -> None:
    path = project.root / ".env"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    for verb in ("doctor", "train"):
        done = invoke(project, verb)
        assert done.exit_code == 1
        assert re.search(rf"^Error: .*\.env{said}.*\n\Z", done.output), done.output
        assert "hunter2" not in done.output


@pytest.mark.usefixtures("own_names")
def test_a_env_is_taken_as_it_stands_and_the_process_comes_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_NAME", "of-the-process")
    lines = "\ufeffNEW_NAME='p${OTHER_NAME}$HOME'\nOTHER_NAME=of-the-file\nBARE_NAME\n"
    (project.root / ".env").write_text(lines, encoding="utf-8")
    Project.find(project.root)
    assert os.environ["NEW_NAME"] == "p${OTHER_NAME}$HOME"
    assert os.environ["OTHER_NAME"] == "of-the-process"
    assert "BARE_NAME" not in os.environ


def test_an_empty_env_is_one_without_variables(project: Project) -> None:
    (project.root / ".env").write_bytes(b"")
    before = dict(os.environ)
    assert Project.find(project.root / "models").root == project.root
    assert before.items() <= dict(os.environ).items()


def test_the_shipped_model_yaml_is_valid(project: Project) -> None:
    assert project.config.training.models


def test_a_wrong_key_is_told_with_its_line(project: Project) -> None:
    message = refusal(project, "\ntraining:\n", "\ntraining:\n  holdoot: 0.2\n")
    assert re.match(r"model.yaml, line \d+, training.holdoot: no such key", message)


def test_a_wrong_type_is_told_with_its_line(project: Project) -> None:
    message = refusal(project, "holdout: 0.2", "holdout: many")
    assert re.match(r"model.yaml, line \d+, training.holdout: .*number", message)


def test_a_leftover_placeholder_is_told(project: Project) -> None:
    message = refusal(project, 'api_version: "1.0.0"', "api_version: _CHANGE_ME_")
    assert "api_version: still _CHANGE_ME_" in message


def test_broken_yaml_is_told_with_its_line(project: Project) -> None:
    message = refusal(project, "models: []", "models: [")
    assert re.match(r"model.yaml, line \d+: not valid YAML", message)


def test_a_model_must_name_a_dataset_that_is_there(project: Project) -> None:
    dataset = project.config.datasets[0].name
    message = refusal(project, f"      dataset: {dataset}\n", "      dataset: nowhere\n")
    assert "no dataset 'nowhere'" in message


def test_an_edit_keeps_comments_and_order(project: Project) -> None:
    before = project.config_path.read_text(encoding="utf-8").splitlines()
    project.edit(lambda document: document.update(organisation="Another"))
    after = project.config_path.read_text(encoding="utf-8").splitlines()
    changed = [line for line in after if line not in before]
    assert [line.partition(":")[0] for line in changed] == ["organisation"]
    assert len(after) == len(before)


def test_an_edit_that_breaks_the_schema_changes_nothing(project: Project) -> None:
    before = project.config_path.read_bytes()
    with pytest.raises(ProjectError):
        project.edit(lambda document: document.update(datasets=[]))
    assert project.config_path.read_bytes() == before


def test_a_variable_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_HOST", "db.local")
    assert expand("postgresql://${STORE_HOST}/features", "url") == "postgresql://db.local/features"
    with pytest.raises(ProjectError, match="NOT_SET"):
        expand("${NOT_SET}", "feature_store.url")


def test_outside_a_project_a_verb_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="run this inside the project"):
        Project.find(tmp_path)
