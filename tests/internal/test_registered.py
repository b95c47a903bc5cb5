"""What a build has registered, how its models are tagged, and what CI is told of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seedling.azure import tag_models
from seedling.ci import output
from seedling.config import Project
from seedling.registry.open import open_registry
from seedling.registry.protocol import RegisteredVersion
from seedling.testing import first_model, invoke

NONE = "Model was not registered for this run.\n"


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUILD_ID", "GITHUB_OUTPUT", "TF_BUILD"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def built(trained: Project, tmp_path: Path) -> Project:
    """A copy of the trained project, whose registry is its own."""
    unneeded = shutil.ignore_patterns("spool", "runs", "reports")
    shutil.copytree(trained.root, tmp_path / "project", ignore=unneeded)
    return Project(tmp_path / "project")


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(path))
    monkeypatch.setenv("TF_BUILD", "True")
    return path


def build_of(project: Project) -> str:
    """The build that the session's training was a part of, `local` where CI runs no build."""
    (entry,) = project.config.models
    (version,) = open_registry(project).versions(entry.name)
    return version.tags["build_id"]


def test_a_build_is_told_what_it_has_registered(built: Project, outputs: Path) -> None:
    (entry,), build = built.config.models, build_of(built)
    registry = open_registry(built)
    folder = built.model_path(entry)
    (folder / "note.txt").write_text("a file more, so that it is another version")
    again = registry.register(entry.name, folder, {"build_id": "17", "metric": "better=1"})
    found = invoke(built, "registered-models", "--build-id", "17")
    line = f"{entry.name}, version {again.version}: better=1\n"
    told = "##vso[task.setvariable variable=MODEL_REGISTERED;isOutput=true]true\n"
    assert (found.exit_code, found.stdout) == (0, line + told)
    assert outputs.read_text() == "registered=true\n"
    first = invoke(built, "registered-models", "--build-id", build)
    assert first.stdout.startswith(f"{entry.name}, version {entry.version}: ")


def test_that_no_model_was_registered_is_told_in_the_same_words_always(
    project: Project, outputs: Path
) -> None:
    found = invoke(project, "registered-models", "--build-id", "17")
    assert found.exit_code == 0
    assert found.stdout.startswith(NONE)
    assert outputs.read_text() == "registered=false\n"
    assert invoke(project, "registered-models", "--fail").exit_code == 1


def test_numbers_are_compared_as_numbers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    class Registry:
        def name_of(self, dataset: str, model: str) -> str:
            return model

        def versions(self, name: str) -> list[RegisteredVersion]:
            tags = {"build_id": "17"}
            return [
                RegisteredVersion(name, each, Path(), "", tags) for each in ("10", "9", "x", "2")
            ]

    monkeypatch.setattr(tag_models, "_open", lambda _: Registry())
    found = tag_models.of_build(project, "17")
    model = first_model(project)
    assert [each.version for each in found if each.name == model] == ["x", "2", "9", "10"]


def test_what_a_build_has_registered_is_tagged(built: Project) -> None:
    (entry,) = built.config.models
    build = build_of(built)
    done = invoke(built, "tag-model", "stage=ready=now", "by=x", "--build-id", build)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{entry.name}, version {entry.version}: stage=ready=now, by=x\n"
    (found,) = tag_models.of_build(built, build)
    assert found.tags["stage"] == "ready=now"
    assert found.tags["sha256"] == entry.sha256
    assert "ready=now" in invoke(built, "registered-models", "--build-id", build).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stage"], "'stage' is not a tag"),
        (["=x"], "'=x' is not a tag"),
        (["a=b"], "Give --model and --version, or --build-id"),
        (["a=b", "--model", "m"], "Give --model and --version, or --build-id"),
        (["a=b", "--model", "m", "--version", "1", "--build-id", "x"], "or --build-id"),
        (["a=b", "--model", "m", "--version", "1"], "There is no m, version 1"),
        (["a=b", "--build-id", "other"], "no model was registered by this build"),
    ],
    ids=["no value", "no name", "nothing", "half", "both", "unknown", "other build"],
)
def test_what_cannot_be_tagged_is_refused(built: Project, words: list[str], said: str) -> None:
    done = invoke(built, "tag-model", *words)
    assert done.exit_code in (1, 2)
    assert said in done.stderr


def test_an_output_is_one_line(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write("job", "quiet_50%0A")
    output.write("registered", "true")
    assert outputs.read_text() == "job=quiet_50%0A\nregistered=true\n"
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("##vso[task.setvariable variable=AZUREML_JOB_NAME;isOutput=true]")
    assert said[0].endswith("]quiet_50%AZP250A")
    injected: Any = "x\nregistered=true"
    with pytest.raises(ValueError, match="one line"):
        output.write("job", injected)
    monkeypatch.setenv("GITHUB_OUTPUT", "")
    monkeypatch.setenv("TF_BUILD", "")
    output.write("job", "nobody listens")
    assert capsys.readouterr().out == ""
    assert "nobody" not in outputs.read_text()
