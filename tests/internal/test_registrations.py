"""What a machine registers stays on it: clones, cleaned folders and merges end with a service."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from seedling.cli.doctor import examine
from seedling.config import Project, RegisteredModel, registrations
from seedling.containers import images
from seedling.data import datasets, instances
from seedling.errors import ProjectError
from seedling.files import sha256, write_text
from seedling.registry.open import open_registry
from seedling.serving.app import create_app
from seedling.testing import copy_project, first_model, invoke, root, run_verb, sample_rows
from seedling.training import outcomes
from seedling.training.notes import Files, Registration

Clone = Callable[[str], Project]


def git(folder: Path, *words: str) -> str:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *author, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """The team's repository, with the project that is under test."""
    project = copy_project(tmp_path / "origin")
    shutil.copy(root() / ".gitignore", project.root)
    git(project.root, "init", "--quiet", "--initial-branch=main")
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message", "Begin")
    return project.root


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Clone:
    """Clones the team's repository for a person."""

    def of(person: str) -> Project:
        git(tmp_path, "clone", "--quiet", str(origin), person)
        return Project(tmp_path / person)

    return of


def train(project: Project, seed: int = 0) -> str:
    """Train the first model on this machine, on rows of its own; what was said."""
    for dataset in project.config.datasets:
        datasets.save(project, dataset, sample_rows(dataset, seed=seed))
    done = run_verb(project, "train", "--model", first_model(project))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(project: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the project's service answers to the first model's test instances."""
    monkeypatch.setenv("PREDICTION_LOG", "off")
    project = Project(project.root)
    model = first_model(project)
    client = create_app(project).test_client()
    ready = client.get("/ready")
    assert ready.status_code == 200, ready.text
    response = client.post(f"/{model}/predict", json=instances.read(project, model))
    assert response.status_code == 200, response.text
    payload: dict[str, Any] = response.get_json()["payload"]
    return payload


def entry_of(project: Project, **changed: Any) -> dict[str, Any]:
    """An entry as a workspace's registry would be given it."""
    model = first_model(project)
    name = f"{project.config.slug}-{project.config.trained_model(model).dataset}-{model}"
    return {"name": name, "model": model, "version": "7", "sha256": "0" * 64, **changed}


def test_two_people_train_and_their_work_merges(
    clone: Clone, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = clone("ann"), clone("ben")
    for person, seed in ((ann, 1), (ben, 2)):
        train(person, seed)
        assert git(person.root, "status", "--porcelain") == ""
        assert answer(person, monkeypatch)["version"] == "1"
        write_text(person.root / f"{person.root.name}.md", "Trained.")
        git(person.root, "add", "--all")
        git(person.root, "commit", "--quiet", "--message", "Train")
    git(ann.root, "push", "--quiet", "origin", "main:ann")
    git(ben.root, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "ann")
    assert answer(ben, monkeypatch)["version"] == "1"
    git(ben.root, "push", "--quiet", "origin", "main:ben")
    cleo = clone("cleo")
    git(cleo.root, "merge", "--quiet", "origin/ben")
    train(cleo, 3)
    assert answer(cleo, monkeypatch)["version"] == "1"


def test_a_cleaned_folder_trains_and_serves_again(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = clone("ann")
    train(ann, 1)
    first = Project(ann.root).config.models[0].sha256
    git(ann.root, "clean", "-xfd", "--quiet")
    assert Project(ann.root).config.models == []
    train(ann, 2)
    (entry,) = Project(ann.root).config.models
    assert (entry.version, entry.sha256 == first) == ("1", False)
    assert answer(ann, monkeypatch)["version"] == "1"


def test_what_another_machine_had_registered_in_model_yaml_keeps_nobody_waiting(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """model.yaml of a time when train wrote there, in a clone."""
    clone = copy_project(tmp_path / "clone")
    theirs = trained.config.models[0].model_dump()
    other = {**theirs, "model": "gone", "name": "old-gone"}
    clone.edit(lambda document: document.update(models=[theirs, other]))
    before = clone.config_path.read_bytes()
    assert Project(clone.root).config.models == []
    assert "run train" in create_app(Project(clone.root)).test_client().get("/ready").text
    assert f"{theirs['name']}, version 1, was registered on another machine" in caplog.text
    lines = [f"{each.subject}: {each.message}" for each in examine(Project(clone.root))]
    assert any("was registered on another machine: run train" in line for line in lines)
    assert "registered on another machine" in invoke(clone, "traffic").stdout
    train(clone, seed=5)
    assert clone.config_path.read_bytes() == before
    assert answer(clone, monkeypatch)["version"] == "1"


def test_on_the_machine_that_had_registered_it_an_old_entry_answers(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    entries = [entry.model_dump(exclude_defaults=True) for entry in project.config.models]
    project.registrations_path.unlink()
    project.edit(lambda document: document.update(models=entries))
    before = project.config_path.read_bytes()
    assert answer(project, monkeypatch)["version"] == "1"
    done = run_verb(project, "train", "--model", first_model(project))  # it is not better
    assert done.returncode == 0, done.stderr
    assert project.config_path.read_bytes() == before
    assert [entry.version for entry in Project(project.root).registered_here] == ["1"]


def test_what_is_registered_here_answers_in_the_place_of_what_is_shared(
    trained: Project, tmp_path: Path
) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    model, (own,) = first_model(project), project.config.models
    challenger = entry_of(project, version="8", share=0.5)
    project.edit(lambda document: document.update(models=[entry_of(project), challenger]))
    assert project.config.models == [own]
    assert [entry.version for entry in project.model_yaml.models] == ["7", "8"]
    shown = invoke(project, "traffic", model, "--shared")
    assert (shown.exit_code, "50% of the entities: the champion" in shown.stdout) == (0, True)
    assert [entry.version for entry in Project(project.root).config.models] == ["7", "8"]


def test_traffic_cannot_go_back_to_what_nobody_shares(trained: Project) -> None:
    for words in (["--shared"], ["--shared", "--version", "1"]):
        done = invoke(trained, "traffic", first_model(trained), *words)
        assert done.exit_code in (1, 2)
    assert trained.registrations_path.exists()


def outcome(project: Project, version: str, shared: bool, sha256: str = "0" * 64) -> Registration:
    """The registration of the first model, as the step registers it."""
    entry = entry_of(project)
    return Registration(
        model=entry["model"],
        name=entry["name"],
        metric="x",
        value=0.5,
        champion=None,
        champion_version=None,
        incomparable_champion="",
        version=version,
        serving=Files(version, sha256),
        shared=shared,
    )


def test_a_version_of_the_workspace_is_noted_for_all_and_answers_here_too(
    trained: Project, tmp_path: Path
) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    outcomes.note(project, [outcome(project, "1", shared=True)])
    noted = project.config_path.read_bytes()
    assert [entry.version for entry in project.model_yaml.models] == ["1"]
    assert project.config.models == project.model_yaml.models
    assert project.registered_here == []
    outcomes.note(project, [outcome(project, "1", shared=True)])
    assert project.config_path.read_bytes() == noted


def test_a_registry_that_begins_again_is_noted_again(project: Project) -> None:
    first = outcome(project, "1", shared=False)
    outcomes.note(project, [first])
    outcomes.note(project, [outcome(project, "1", shared=False, sha256="1" * 64)])
    assert [entry.sha256 for entry in project.config.models] == ["1" * 64]


@pytest.mark.parametrize(
    ("baseline", "lower", "said"),
    [
        (0.5, False, True),
        (0.5, True, True),
        (0.4, False, False),
        (0.4, True, True),
        (None, False, False),
    ],
)
def test_a_model_that_knows_no_more_than_the_baseline_is_told(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    baseline: float | None,
    lower: bool,
    said: bool,
) -> None:
    first = outcome(project, "1", shared=False)
    changed = structs.replace(first, baseline=baseline, lower_is_better=bool(lower))
    outcomes.show([outcomes.Outcome(changed, "x/report.html")])
    assert ("It is no better than the baseline" in capsys.readouterr().out) == said


def test_a_challenger_stays_beside_a_new_champion_of_the_same_data(project: Project) -> None:
    first = outcome(project, "1", shared=False)
    outcomes.note(project, [first])
    beside = entry_of(project, version="2", share=0.1)
    registrations.edit_here(project, first.model, lambda entries: [*entries, beside])
    outcomes.note(project, [outcome(project, "3", shared=False)])
    assert [(e.version, e.share) for e in project.config.models] == [("3", None), ("2", 0.1)]
    outcomes.note(project, [structs.replace(first, name="of-other-data")])
    assert [entry.name for entry in project.config.models] == ["of-other-data"]


def test_what_was_removed_from_model_yaml_is_not_served(trained: Project, tmp_path: Path) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    stranger = RegisteredModel(name="x", model="gone", version="1", sha256="0" * 64)
    registrations.write(project.registrations_path, [*project.registered_here, stranger])
    assert [entry.model for entry in Project(project.root).config.models] == [first_model(project)]


def test_an_image_serves_what_is_registered_here(trained: Project, tmp_path: Path) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    shutil.copytree(root() / "internal", project.root / "internal")
    project.edit(lambda document: document.update(models=[entry_of(project)]))
    folder = tmp_path / "staged"
    folder.mkdir()
    images.stage(project, folder)
    staged = Project(folder)
    assert staged.config.models == trained.config.models
    (entry,) = staged.config.models
    assert sha256(staged.model_path(entry)) == entry.sha256


def test_a_faulty_file_of_registrations_is_one_line(trained: Project, tmp_path: Path) -> None:
    project = Project(Path(shutil.copytree(trained.root, tmp_path / "project")))
    path, challenger = project.registrations_path, RegisteredModel(**entry_of(project, share=0.5))
    text = path.read_text(encoding="utf-8")
    for fault, words in (
        (text.replace("sha256: ", "sha256: x"), "registered.yaml, line 8, models.0.sha256: "),
        (text + "more: 1\n", "registered.yaml, line 9, more: no such key here"),
        ("models: [", "registered.yaml, line 1: not valid YAML"),
    ):
        write_text(path, fault)
        with pytest.raises(ProjectError, match=words):
            _ = Project(project.root).config
    with pytest.raises(ProjectError, match="needs one version"):
        registrations.write(path, [challenger])
    assert path.read_text(encoding="utf-8") == "models: ["


def test_the_registry_and_the_file_of_registrations_agree(trained: Project) -> None:
    (entry,) = trained.config.models
    found = open_registry(trained).champion(entry.name)
    assert found is not None
    assert (found.version, found.sha256) == (entry.version, entry.sha256)
    assert trained.config_path.read_text(encoding="utf-8").endswith("\nmodels: []\n")
    assert json.dumps(str(trained.root)) not in trained.registrations_path.read_text("utf-8")
