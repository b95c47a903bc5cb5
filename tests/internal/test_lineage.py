"""An id of a prediction leads to the version, the run, the data, the query, and the packages."""

import json
import platform
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from seedling.config import Project
from seedling.data import instances
from seedling.data.dataset_files import note_path
from seedling.files import read_json, sha256, write_text
from seedling.serving.app import create_app
from seedling.testing import first_model, invoke
from seedling.training import made_with


def lineage(project: Project, id: str) -> list[dict[str, str]]:
    done = invoke(project, "lineage", id, "--json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture
def answered(two_versions: Project, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, str]:
    """A project with a shadow, and the id of a prediction that its service has made."""
    model = first_model(two_versions)
    invoke(two_versions, "traffic", model, "--version", "2", "--shadow")
    monkeypatch.setenv("PREDICTION_LOG", "sqlite:///local_assets/log.db")
    client = create_app(Project(two_versions.root), environment="").test_client()
    response = client.post(f"/{model}/predict", json=instances.read(two_versions, model))
    client.application.extensions["service"].stop()
    assert response.status_code == 200
    with sqlite3.connect(two_versions.assets / "log.db") as log:
        ((id,),) = log.execute("SELECT id FROM predictions WHERE role = 'served'").fetchall()
    return two_versions, id


def test_a_prediction_leads_to_everything_that_it_is_made_of(answered: tuple[Project, str]) -> None:
    project, id = answered
    model = first_model(project)
    dataset = project.config.dataset(project.config.trained_model(model).dataset)
    served, shadow = sorted(lineage(project, id), key=lambda each: each["kind"])
    assert (served["kind"], served["version"], served["files"]) == ("served", "1", "verified")
    assert served["sha256"] == project.config.models[0].sha256
    assert served["run"] == 1
    assert len(served["run_id"]) == 32
    assert served["dataset_sha256"] == sha256(project.dataset_path(dataset))
    assert served["query"] == dataset.source
    assert served["query_sha256"] == sha256(project.root / dataset.source)
    assert served["python"] == platform.python_version()
    assert served["packages_sha256"] == made_with.packages()
    assert served["registered"]["action"] == "register"  # type: ignore[index]
    assert "query_changed" not in served
    assert (shadow["id"], shadow["version"]) == (f"{id}-shadow-2", "2")
    (alone,) = lineage(project, f"{id}-shadow-2")
    assert alone == shadow
    write_text(project.root / dataset.source, "SELECT 1")
    assert lineage(project, id)[0]["query_changed"]
    shown = invoke(project, "lineage", id).stdout
    for words in (model, "files verified", "run 1", "changed since", platform.python_version()):
        assert words in shown


def test_a_file_of_a_batch_leads_to_its_version(answered: tuple[Project, str]) -> None:
    project, _ = answered
    model = first_model(project)
    rows = instances.read(project, model)["payload"]["instances"]
    write_text(project.root / "rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    done = invoke(project, "batch-score", "rows.jsonl", "out.csv", "--model", model)
    assert done.exit_code == 0, done.output
    here = str(project.root / "out.csv")
    (found,) = lineage(project, here)
    assert (found["kind"], found["route"], found["version"]) == ("batch", "out.csv", "1")
    assert found["run"] == 1
    assert lineage(project, f"{here}.manifest") == [found]


def test_an_id_that_nobody_was_given_is_refused(answered: tuple[Project, str]) -> None:
    project, id = answered
    for wrong in (id[::-1], "nothing", "../model.yaml", ""):
        refused = invoke(project, "lineage", wrong)
        assert refused.exit_code in (1, 2), refused.output
        assert "Traceback" not in refused.output


def test_what_was_not_noted_is_said_to_be_unknown(answered: tuple[Project, str]) -> None:
    """A version that was registered before this was noted."""
    project, id = answered
    with sqlite3.connect(project.assets / "mlflow.db") as store:
        store.execute("DELETE FROM model_version_tags WHERE key != 'sha256'")
    assert invoke(project, "lineage", id).stdout.count("not noted when it was trained") > 3


def test_the_commit_says_whether_there_are_changes(tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git

    def run(*words: str) -> str:
        author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        command = [git, *author, *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout.strip()

    assert made_with.commit(tmp_path) == ""
    run("init", "--quiet")
    write_text(tmp_path / "a.txt", "a")
    run("add", "--all")
    run("commit", "--quiet", "--message", "Begin")
    assert made_with.commit(tmp_path) == run("rev-parse", "HEAD")
    write_text(tmp_path / "a.txt", "b")
    assert made_with.commit(tmp_path).endswith("+changes")


def test_a_dataset_notes_the_text_of_its_query(trained: Project) -> None:
    dataset = trained.config.first_dataset
    noted = read_json(note_path(trained.dataset_path(dataset)))
    assert noted["query_sha256"] == sha256(trained.root / dataset.source)
