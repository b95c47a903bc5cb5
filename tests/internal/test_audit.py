"""The audit says who changed what answers, when and why, and shows where it was changed itself."""

import shutil
from pathlib import Path

import msgspec
import pytest

from seedling.cli.doctor import examine
from seedling.config import Project
from seedling.files import write_text
from seedling.registry import audit
from seedling.registry.folder import FolderRegistry
from seedling.testing import first_model, invoke


def traffic(project: Project, *words: str) -> None:
    done = invoke(project, "traffic", first_model(project), "--version", "2", *words)
    assert done.exit_code == 0, done.output


def of_audit(project: Project) -> list[str]:
    return [each.message for each in examine(Project(project.root)) if each.subject == "audit"]


def test_the_audit_has_the_gate_and_every_change_of_roles(
    two_versions: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "ann")
    traffic(two_versions, "--share", "0.1")
    traffic(two_versions, "--shadow")
    traffic(two_versions, "--remove")
    traffic(two_versions, "--champion")
    found = audit.entries(two_versions, first_model(two_versions))
    assert [(each.action, each.from_version, each.to_version) for each in found] == [
        ("register", "", "1"),
        ("share", "", "2"),
        ("shadow", "", "2"),
        ("retire", "2", ""),
        ("promote", "1", "2"),
    ]
    assert found[0].evidence["held_out_rows"] > 0
    assert "Registered as" in found[0].why
    assert [each.roles for each in found[1:4]] == [
        {"1": "champion", "2": 0.1},
        {"1": "champion", "2": "shadow"},
        {"1": "champion"},
    ]
    assert {each.by for each in found[1:]} == {"ann"}
    assert [each.time for each in found] == sorted(each.time for each in found)
    assert audit.entries(two_versions, "nobody") == []
    assert of_audit(two_versions) == audit.faults(two_versions) == []


def test_doctor_names_the_line_of_the_audit_that_was_changed(two_versions: Project) -> None:
    traffic(two_versions, "--share", "0.1")
    traffic(two_versions, "--remove")
    path = audit.path_of(two_versions)
    first, second, third = path.read_text(encoding="utf-8").splitlines(keepends=True)
    write_text(path, first + second.replace("0.1", "0.2") + third)
    assert "line 2, was changed" in of_audit(two_versions)[0]
    write_text(path, first + third)
    assert "line 2, does not follow" in of_audit(two_versions)[0]
    write_text(path, first + second + third.replace('"retire"', '"promote"'))
    assert "line 3, was changed" in of_audit(two_versions)[0]
    write_text(path, first + second)  # its end is gone
    assert "answered otherwise than its last line says" in of_audit(two_versions)[0]


def test_a_version_without_its_files_gets_no_role(two_versions: Project) -> None:
    model = first_model(two_versions)
    name = two_versions.config.models[0].name
    shutil.rmtree(two_versions.models_folder / name / "2")
    for role in (["--shadow"], ["--share", "0.1"], ["--champion"]):
        refused = invoke(two_versions, "traffic", model, "--version", "2", *role)
        assert (refused.exit_code, "restore its folder" in refused.stderr) == (1, True)
    assert [each.version for each in Project(two_versions.root).config.models] == ["1"]


def test_a_line_that_a_kill_has_cut_off_stops_no_later_one(two_versions: Project) -> None:
    path = audit.path_of(two_versions)
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"time":"20')
    traffic(two_versions, "--shadow")
    assert [each.action for each in audit.entries(two_versions)] == ["register", "shadow"]
    assert audit.faults(two_versions) == ["audit.jsonl, line 2, cannot be read"]


def test_a_folder_of_a_container_has_an_audit_of_its_own(
    two_versions: Project, tmp_path: Path
) -> None:
    (entry,) = two_versions.config.models
    registry = FolderRegistry(tmp_path / "named")
    tags = {"model": entry.model, "description": "", "run_id": ""}
    for folder in (two_versions.model_path(entry), two_versions.model_path(entry).with_name("2")):
        registry.register("named", folder, tags)
    registry.set_champion("named", "1")
    lines = (tmp_path / "named" / audit.FILE_NAME).read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=audit.Entry) for line in lines]
    assert [(each.action, each.from_version, each.champion) for each in found] == [
        ("register", "", "1"),
        ("register", "1", "2"),
        ("promote", "2", "1"),
    ]
    assert found[2].before == found[1].hash
