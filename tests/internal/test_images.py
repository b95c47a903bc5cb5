"""What goes into the service's image, and what is said where none can be built."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from seedling.config import Project, RegisteredModel, registrations
from seedling.containers import images, s2i
from seedling.files import write_text
from seedling.scaffold import copy_model, model_requirements
from seedling.testing import first_model, invoke, root

# Stands for docker and for s2i: writes down how it was called, and with what Dockerfile.
RECORDER = """#!PYTHON
import json, pathlib, sys
found = dict(words=sys.argv)
for path in (pathlib.Path(word, "Dockerfile") for word in sys.argv):
    if path.is_file():
        found["Dockerfile"] = path.read_text()
with open("LOG", "a") as log:
    print(json.dumps(found), file=log)
"""


@pytest.mark.every_vertical
def test_the_registered_versions_go_into_the_image_and_nothing_private(
    trained: Project, tmp_path: Path
) -> None:
    whole = Project(tmp_path / "project")
    shutil.copytree(trained.root, whole.root)
    shutil.copytree(root() / "internal", whole.root / "internal")
    (whole.root / ".env").write_text("API_KEY=correct-horse-battery\n", encoding="utf-8")
    folder = tmp_path / "staged"
    folder.mkdir()
    images.stage(whole, folder)
    (registered,) = whole.config.models
    staged = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    version = whole.model_path(registered)
    files = {path.relative_to(whole.root).as_posix() for path in version.rglob("*")}
    assert files
    assert files <= staged
    assert {"model.yaml", "serve/serve.py"} <= staged
    private = [path for path in staged if path.endswith((".env", ".db"))]
    assert private == []


def test_column_types_and_tasks_of_the_team_go_into_the_image(
    trained: Project, tmp_path: Path
) -> None:
    whole = Project(tmp_path / "project")
    shutil.copytree(trained.root, whole.root)
    shutil.copytree(root() / "internal", whole.root / "internal")
    (whole.root / "columns").mkdir()
    (whole.root / "columns" / "colour.py").write_text("TYPE = ...\n", encoding="utf-8")
    (tmp_path / "staged").mkdir()
    images.stage(whole, tmp_path / "staged")
    assert (tmp_path / "staged" / "columns" / "colour.py").is_file()
    assert not (tmp_path / "staged" / "tasks").exists()


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


@pytest.fixture
def whole(project: Project) -> Project:
    """A copy of this project with its plumbing."""
    shutil.copytree(root() / "internal", project.root / "internal")
    return project


def recorded(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program on PATH; the file that will tell its calls, a line each."""
    log, program = folder / "calls.jsonl", folder / "bin" / name
    write_text(program, RECORDER.replace("PYTHON", sys.executable).replace("LOG", str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    for variable in ("CONTAINER_ENGINE", "CONTAINER_NETWORK"):
        monkeypatch.setenv(variable, "")
    return log


def calls(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for the program")
@pytest.mark.parametrize(
    ("registry", "here", "carried"),
    [(None, True, True), ("all", True, True), ("all", False, False)],
    ids=["no registry", "its own versions", "the team's versions"],
)
def test_an_image_says_that_it_serves_what_it_carries_where_no_registry_has_it(
    trained: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    registry: str | None,
    here: bool,
    carried: bool,
) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(trained.root, project.root)
    shutil.copytree(root() / "internal", project.root / "internal")
    (entry,) = project.config.models
    if registry:
        project.edit(lambda document: document.update(registry={"name": registry}))
    if not here:
        shared = entry.model_dump(exclude_defaults=True)
        registrations.edit_shared(project, entry.model, lambda _: [shared])
    log = recorded(tmp_path, "docker", monkeypatch)
    result = invoke(project, "build")
    assert result.exit_code == 0, result.stderr
    built, *_ = calls(log)
    assert str(built["Dockerfile"]).endswith("\nENV ASSETS=local\n") is carried
    assert ("ASSETS=local" in result.stdout) is carried


def test_a_models_image_has_its_own_folder_and_no_other(whole: Project, tmp_path: Path) -> None:
    first = first_model(whole)
    copy_model.copy(whole, "second", first)
    whole = Project(whole.root)
    images.stage_source(whole, first, "predict", tmp_path / "one")
    assert {path.name for path in (tmp_path / "one/models").iterdir()} == {"__init__.py", first}
    assert s2i.environment(tmp_path / "one")["SERVED_MODELS"] == first
    assert not (tmp_path / "one" / "local_assets").exists()
    images.stage_source(whole, "all", "predict", tmp_path / "all")
    assert {path.name for path in (tmp_path / "all/models").iterdir()} >= {"all", first, "second"}
    required = model_requirements.read(tmp_path / "all" / "requirements.txt")
    assert set(model_requirements.read(tmp_path / "one" / "requirements.txt")) <= set(required)


def test_the_builder_has_what_models_share_and_what_they_install(
    whole: Project, tmp_path: Path
) -> None:
    first = first_model(whole)
    write_text(whole.root / "models" / first / "setup.sh", "apt-get install libgomp1")
    images.stage_builder(whole, first, "train", tmp_path)
    shared = (tmp_path / "requirements_shared.txt").read_text(encoding="utf-8").splitlines()
    own = model_requirements.read(whole.root / "models" / first / "requirements_train.txt")
    assert any(line.startswith("scikit-learn") for line in shared)
    assert not set(own) & set(shared)
    assert [path.name for path in (tmp_path / "setup").iterdir()] == [f"{first}.sh"]
    assert {path.name for path in (tmp_path / "bin").iterdir()} >= {"assemble", "run", "usage"}


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for the program")
def test_an_ordinary_build_does_what_s2i_does(
    whole: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, first = recorded(tmp_path, "docker", monkeypatch), first_model(whole)
    path = whole.root / "models" / first / s2i.FILE
    write_text(path, path.read_text(encoding="utf-8") + 'ODD=a "b" $c \\d\n')
    result = invoke(whole, "model", first, "build-train", "--tag", "mine")
    assert result.exit_code == 0, result.stderr
    builder, image, started, _ = calls(log)
    assert started["Dockerfile"] == "FROM mine\nUSER 0\n"  # run becomes the folder's owner
    (name,) = [word for word in builder["words"] if word.endswith("-builder-train")]
    assert image["words"][1:4] == ["build", "--tag", "mine"]
    lines = str(image["Dockerfile"]).splitlines()
    assert lines[0] == f"FROM {name}"
    assert lines[-3:] == [
        "COPY --chown=1001:0 source /tmp/src",
        "RUN /usr/libexec/s2i/assemble",
        'CMD ["/usr/libexec/s2i/run"]',
    ]
    assert r'ENV ODD="a \"b\" \$c \\d"' in lines


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for the program")
def test_s2i_builds_where_it_is_installed(
    whole: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_model(whole)
    log = recorded(tmp_path, "docker", monkeypatch)
    recorded(tmp_path, "s2i", monkeypatch)
    result = invoke(whole, "model", first, "build-predict", "--tag", "mine")
    assert result.exit_code == 0, result.stderr
    builder, built, _ = calls(log)
    words = built["words"]
    assert Path(words[0]).name == "s2i"
    assert words[1:3] == ["build", "--copy"]
    assert words[5] == "mine"
    assert words[4] in builder["words"]


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for the program")
def test_containers_are_given_folders_names_and_no_more_rights(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, first = recorded(tmp_path, "docker", monkeypatch), first_model(trained)
    monkeypatch.setenv("API_KEY", "correct-horse-battery")
    words = ["--dataset-name", "data/x.csv", "--model-name", "mine"]
    assert invoke(trained, "model", first, "train", *words).exit_code == 0
    assert invoke(trained, "model", first, "predict", "--port", "5999").exit_code == 0
    called = [[str(word) for word in call["words"]] for call in calls(log)]
    training, predicting = (words for words in called if words[1] == "run")
    payload = 'PAYLOAD={"$ref": "data/x.csv", "model_name": "mine"}'
    assert {"TRAIN=1", payload, "--read-only", "--cap-drop"} <= set(training)
    assert any(word.endswith("target=/model/models") for word in training)
    assert any(word.endswith("target=/model/data,readonly") for word in training)
    assert any(word.endswith("target=/action/models,readonly") for word in predicting)
    assert "127.0.0.1:5999:5000" in predicting
    assert "correct-horse-battery" not in " ".join(training + predicting)
    assert "AUTHENTICATION=off" not in predicting
    assert predicting[predicting.index("API_KEY") - 1] == "--env"


def test_wrong_names_are_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = first_model(project)
    monkeypatch.setenv("CONTAINER_ENGINE", "no-such-engine")
    for words, said in (
        (["nobody", "build-train"], "'nobody'"),
        (["all", "build-train"], "trained one by one"),
        (["all", "train"], "trained one by one"),
        ([first, "build-train"], "There is no no-such-engine here"),
        ([first, "build-train", "--tag", "a b"], "'a b' cannot be the name of an image"),
        ([first, "build-train", "--tag", "Mine"], "'Mine' cannot be the name of an image"),
        ([first, "predict"], "is registered: run train"),
        ([first, "predict", "--model-name", "nobody"], "No version of nobody"),
        ([first, "predict", "--model-name", "../up"], "MODEL_NAME: '../up'"),
    ):
        result = invoke(project, "model", *words)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert said in result.stderr


def test_a_served_model_without_a_compiled_form_brings_what_it_needs(
    whole: Project, tmp_path: Path
) -> None:
    first = first_model(whole)
    entry = RegisteredModel(name="x", model=first, version="1", sha256="0" * 64)
    registrations.write(whole.registrations_path, [entry])
    images.stage_source(Project(whole.root), first, "predict", tmp_path / "source")
    required = model_requirements.read(tmp_path / "source" / "requirements.txt")
    assert any(line.startswith("scikit-learn") for line in required)
