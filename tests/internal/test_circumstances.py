"""A full disk, and a folder that was moved: one line, or no difference."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seedling import init
from seedling.config import Project
from seedling.processes import free_port
from seedling.serving import background_service
from seedling.testing import invoke
from seedling.training import mlflow_runs

# Below a limit of a file's size Python cuts what it compiles, and keeps it (gh-126606).
UNCOMPILED = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
PREPARE = """
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.training import mlflow_runs
try:
    mlflow_runs.prepare(Project.find())
except ProjectError as error:
    print(error)
"""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_line_where_no_file_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fill(*_: object) -> None:
        raise OSError(number, "Error writing bytes to file. Detail: ...")

    monkeypatch.setattr(background_service, "stop", fill)
    result = invoke(project, "stop")
    message = f"Error: The disk: {os.strerror(number)}. Make room, and run the verb again.\n"
    assert (result.exit_code, result.stderr) == (1, message)


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit is Unix's")
def test_no_room_for_mlflows_file_is_one_line_and_leaves_nothing(project: Project) -> None:
    words = ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh", sys.executable, "-c", PREPARE]
    done = subprocess.run(words, cwd=project.root, env=UNCOMPILED, capture_output=True, text=True)
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith("mlflow.db cannot be made: ")
    assert "disk" in line
    assert [*project.assets.iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit is Unix's")
def test_no_room_for_a_dataset_is_one_line(project: Project) -> None:
    words = [sys.executable, "-m", "seedling", "create-local-datasets"]
    limited = ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh", *words]
    done = subprocess.run(limited, cwd=project.root, env=UNCOMPILED, capture_output=True, text=True)
    assert done.returncode == 1
    assert [line[:7] for line in done.stderr.splitlines()] == ["Error: "]


def test_an_environment_finds_the_project_where_it_was_moved_to(tmp_path: Path) -> None:
    packages = tmp_path / "two" / ".venv" / "lib" / "python3.11" / "site-packages"
    internal = tmp_path / "two" / "internal"
    for folder in (packages, internal):
        folder.mkdir(parents=True)
    (packages / "_pip.pth").write_text(f"{internal}\n", encoding="utf-8")
    init.link(tmp_path / "two")
    shutil.copytree(tmp_path / "two", tmp_path / "a copy")
    (tmp_path / "two").rename(tmp_path / "moved")
    for name in ("moved", "a copy"):
        there = str(tmp_path / name / packages.relative_to(tmp_path / "two"))
        script = f"import site, sys; before = len(sys.path); site.addsitedir({there!r})"
        script += "; print(*sys.path[before:], sep='\\n')"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert done.stdout.splitlines() == [
            *(there, str(tmp_path / name / "internal"), str(tmp_path / name))
        ]


def test_runs_of_a_moved_project_keep_their_files_and_leave_the_old_folder_away(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("here", encoding="utf-8")
    for root in (project.root, tmp_path / "moved two"):
        if not root.exists():
            project.root.rename(root)
        with mlflow_runs.run(Project(root), "a run"):
            mlflow_runs.mlflow().log_artifact(str(note))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert not project.root.exists()
    moved = Project(tmp_path / "moved two")
    store = mlflow_runs.client(moved)
    experiment = store.get_experiment_by_name(moved.config.slug)
    runs = store.search_runs([experiment.experiment_id])
    assert len(runs) == 2
    for each in runs:
        assert [one.path for one in store.list_artifacts(each.info.run_id)] == ["note.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="ulimit and umask are Unix's")
def test_a_service_runs_whatever_the_folder_the_language_and_the_limits(
    project: Project, tmp_path: Path
) -> None:
    """Blanks and other letters in the path, no locale, an odd zone, no home, few open files."""
    root = project.root.rename(tmp_path / "Mein Ordner Übung (日本) & co")
    odd = {"LC_ALL": "C", "TZ": "Pacific/Chatham", "HOME": "/nonexistent", "PYTHONHASHSEED": "7"}
    environ = {**os.environ, **odd, "ENVIRONMENT": "app-dev"}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        verb = [sys.executable, "-m", "seedling", *words]
        limited = ["sh", "-c", 'ulimit -n 64; umask 077; exec "$@"', "sh", *verb]
        return subprocess.run(limited, cwd=root, env=environ, capture_output=True, text=True)

    started = run("predict-all", "--port", str(free_port()))
    try:
        assert started.returncode == 0, started.stderr
        assert run("test-all").returncode == 0
    finally:
        (root / "model.yaml").write_text("broken: [", encoding="utf-8")
        stopped = run("stop")
    assert stopped.stdout.startswith("Stopped http://127.0.0.1:"), stopped.stderr


@pytest.mark.parametrize("port", ["99999", "80x", "0", "taken"])
def test_a_port_that_cannot_be_had_is_one_line(project: Project, port: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = port == "taken"
        number = str(other.getsockname()[1]) if taken else port
        result = invoke(project, "serve-local-app-dev", "--port", number)
    assert result.exit_code == (1 if taken else 2)
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert ("Cannot listen" if taken else "--port") in line
