"""A rollback is one command: the former champion answers the next request, or nothing changes."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seedling.config import Project
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.lifecycle import rollback
from seedling.registry import audit, traffic
from seedling.registry.open import open_registry
from seedling.serving import background_service, taken_over
from seedling.testing import first_model, invoke, run_verb

PATIENCE = 20  # seconds
WORKERS = 1 if sys.platform == "win32" else 2


def champion(project: Project) -> str:
    project = Project(project.root)
    return traffic.champion_of(project, first_model(project)).version


@pytest.fixture
def promoted(two_versions: Project) -> Project:
    """A project whose second version has taken the place of the first."""
    traffic.promote(two_versions, first_model(two_versions), "2")
    return two_versions


def test_the_request_after_a_rollback_is_answered_by_the_former_champion(
    promoted: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = first_model(promoted)
    body = instances.read(promoted, model)
    monkeypatch.setenv("WEB_CONCURRENCY", str(WORKERS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with background_service.serving(promoted, port) as client:
        deadline = time.monotonic() + PATIENCE
        while taken_over.wait(promoted, model, "2") != (WORKERS, WORKERS):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.ask(f"{model}/predict", body)["payload"]["version"] == "2"
        began = time.monotonic()
        done = run_verb(promoted, "rollback", "--why", "it drifted")
        seconds = time.monotonic() - began
        answered = {client.ask(f"{model}/predict", body)["payload"]["version"] for _ in range(20)}
    assert done.returncode == 0, done.stderr
    assert "The next request is answered by it" in done.stdout
    assert answered == {"1"}
    assert seconds < 2 * max(1, os.getloadavg()[0]), f"a rollback took {seconds:.1f} s"
    assert champion(promoted) == "1"
    assert audit.entries(promoted)[-1].why == "it drifted"


def test_rollbacks_go_back_one_champion_at_a_time(promoted: Project, tmp_path: Path) -> None:
    model = first_model(promoted)
    traffic.promote(promoted, model, "1")
    traffic.promote(promoted, model, "2")
    found = []
    for _ in range(3):
        done = invoke(promoted, "rollback", model)
        assert done.exit_code == 0, done.output
        found.append(champion(promoted))
    assert found == ["1", "2", "1"]  # of the champions 1, 2, 1, 2
    refused = invoke(promoted, "rollback", model)
    assert (refused.exit_code, "is its first champion" in refused.stderr) == (1, True)
    assert [each.action for each in audit.entries(promoted)][-3:] == ["rollback"] * 3


def test_a_version_whose_files_were_changed_is_not_rolled_back_to(promoted: Project) -> None:
    first = promoted.models_folder / traffic.champion_of(promoted, first_model(promoted)).name / "1"
    write_text(first / "predict.txt", "not what was registered")
    before = promoted.registrations_path.read_bytes()
    lines = len(audit.entries(promoted))
    refused = invoke(promoted, "rollback")
    assert refused.exit_code == 1
    assert "Nothing was rolled back, version 2" in refused.stderr
    assert "files' hash differs" in refused.stderr
    assert promoted.registrations_path.read_bytes() == before
    assert len(audit.entries(promoted)) == lines
    name = traffic.champion_of(promoted, first_model(promoted)).name
    found = open_registry(promoted).champion(name)
    assert found is not None
    assert found.version == "2"


def test_without_an_audit_the_version_before_is_rolled_back_to(promoted: Project) -> None:
    """A project of a version of Seedling that noted nothing."""
    audit.path_of(promoted).unlink()
    assert invoke(promoted, "rollback").exit_code == 0
    assert champion(promoted) == "1"
    again = invoke(promoted, "rollback")
    assert (again.exit_code, champion(promoted)) == (1, "1")


def test_a_rollback_too_many_says_what_is_the_case_and_changes_no_other_model(
    promoted: Project,
) -> None:
    model = first_model(promoted)
    assert invoke(promoted, "rollback").exit_code == 0
    refused = invoke(promoted, "rollback")
    assert f"Version 1 of {model} is its first champion" in refused.stderr
    assert f"rollback {model} --version N makes any other registered version" in refused.stderr
    assert invoke(promoted, "rollback", "--version", "2").exit_code == 0
    assert champion(promoted) == "2"
    refused = invoke(promoted, "rollback", "--version", "9")
    assert "No model has a version 9 beside its champion" in refused.stderr


CHANGES = {
    "promote": lambda late, model: traffic.promote(late, model, "3", instead_of="2"),
    "share": lambda late, model: traffic.assign(late, model, "1", 0.5, shadow=False),
    "remove": lambda late, model: traffic.remove(late, model, "1"),
}


@pytest.mark.parametrize("change", ["the same", *CHANGES])
def test_a_change_that_another_process_was_faster_with_leaves_one_champion(
    promoted: Project, change: str
) -> None:
    """What was read before the other one's change is not what the change is made to."""
    model, late = first_model(promoted), Project(promoted.root)
    assert traffic.champion_of(late, model).version == "2"
    traffic.promote(promoted, model, "1")
    lines = len(audit.entries(promoted))
    if change in CHANGES:
        with pytest.raises(ProjectError):
            CHANGES[change](late, model)
    else:
        traffic.promote(late, model, "1")
    assert champion(promoted) == "1"
    assert len(audit.entries(promoted)) == lines


def test_a_service_that_ended_holds_no_rollback_up(promoted: Project) -> None:
    note = taken_over.Note(promoted)
    note.write((0, 0), {first_model(promoted): "2"})
    note.remove()
    dead = promoted.assets / taken_over.FOLDER / "dead.json"
    write_text(dead, '{"seen": [0, 0], "champions": {}}')
    assert taken_over.wait(promoted, first_model(promoted), "1", seconds=5) == (0, 0)
    assert not dead.exists()


def test_nothing_is_rolled_back_where_nothing_is_registered(project: Project) -> None:
    with pytest.raises(ProjectError, match="run train"):
        rollback.roll_back(project, None, None, "")


def test_a_rollback_imports_neither_mlflow_nor_pandas(promoted: Project) -> None:
    code = """
import sys
from seedling.cli.main import main
try:
    main(["rollback"])
finally:
    print(sorted({"mlflow", "numpy", "pandas", "sklearn"} & sys.modules.keys()))
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=promoted.root, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
    assert champion(promoted) == "1"
