"""The Azure ML workspace: who names it, in which order, and what is said where nobody does."""

import json

import pytest
from conftest import invoke

from {{cookiecutter.project_slug}}.config import Project
from {{cookiecutter.project_slug}}.errors import ProjectError
from {{cookiecutter.project_slug}}.files import write_json, write_text

from mlops.aml import workspace
from mlops.aml.workspace import JOB, OWN, PORTAL, Place


def name_everywhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another workspace in each place that may name one."""
    for names, mark in ((JOB, "job"), (OWN, "own")):
        for name in names:
            monkeypatch.setenv(name, f"{mark} {name}")
    aml = {"resource_group_name": "yaml group", "workspace_name": "yaml workspace"}
    project.edit(lambda document: document.update(subscription_id="yaml", aml=aml))
    write_json(project.root / "config.json", dict.fromkeys(PORTAL, "portal"))


def test_the_nearest_name_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name_everywhere(project, monkeypatch)
    project = Project(project.root)
    found = Place(*(f"job {name}" for name in JOB), "the job's own context")
    assert workspace.find(project) == found
    for name in JOB:
        monkeypatch.setenv(name, "")
    assert workspace.find(project) == Place(*(f"own {name}" for name in OWN), "the environment")
    for name in OWN:
        monkeypatch.setenv(name, "")
    found = Place("yaml", "yaml group", "yaml workspace", "model.yaml")
    assert workspace.find(project) == found
    project.edit(lambda document: document.pop("aml"))
    assert workspace.find(Project(project.root)) == Place(*["portal"] * 3, "config.json")
    (project.root / "config.json").unlink()
    assert workspace.find(Project(project.root)) is None


def test_a_part_of_a_name_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN[0], "something")
    with pytest.raises(ProjectError, match=f"the environment lacks {OWN[1]}, {OWN[2]}"):
        workspace.find(project)
    monkeypatch.setenv(OWN[0], "")
    write_json(project.root / "config.json", {PORTAL[0]: "x"})
    with pytest.raises(ProjectError, match=r"config\.json lacks"):
        workspace.find(project)
    for text in ("{", json.dumps(["x"])):
        write_text(project.root / "config.json", text)
        with pytest.raises(ProjectError, match="is not what the portal gave"):
            workspace.find(project)


def test_without_a_workspace_one_line_says_how_to_name_one(project: Project) -> None:
    result = invoke(project, "register-datasets-in-aml")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("Error: No Azure ML workspace is named: put")
