"""The Azure ML workspace: who names it, in which order, and what is said where nobody does."""

import json

import pytest

from seedling.azure import workspace
from seedling.azure.workspace import PORTAL, Place
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import write_json, write_text
from seedling.settings import JOB_WORKSPACE, SERVICE_PRINCIPAL, WORKSPACE
from seedling.testing import invoke

JOB, OWN, PRINCIPAL = (
    [setting.name for setting in each] for each in (JOB_WORKSPACE, WORKSPACE, SERVICE_PRINCIPAL)
)


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
    project.edit(lambda document: [document.pop(key) for key in ("aml", "subscription_id")])
    assert workspace.find(Project(project.root)) == Place(*["portal"] * 3, "config.json")
    (project.root / "config.json").unlink()
    assert workspace.find(Project(project.root)) is None


def test_a_part_of_a_name_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN[0], "something")
    with pytest.raises(ProjectError, match=f"the environment lacks {OWN[1]}, {OWN[2]}"):
        workspace.find(project)
    monkeypatch.setenv(OWN[0], "")
    project.edit(lambda document: document.update(subscription_id="alone"))
    with pytest.raises(ProjectError, match=r"model\.yaml lacks aml\.resource_group_name"):
        workspace.find(Project(project.root))
    project.edit(lambda document: document.pop("subscription_id"))
    project = Project(project.root)
    write_json(project.root / "config.json", {PORTAL[0]: "x"})
    with pytest.raises(ProjectError, match=r"config\.json lacks"):
        workspace.find(project)
    for text in ("{", json.dumps(["x"]), json.dumps({key: ["x"] for key in PORTAL})):
        write_text(project.root / "config.json", text)
        with pytest.raises(ProjectError, match="is not what the portal gave"):
            workspace.find(project)


def test_without_a_workspace_one_line_says_how_to_name_one(project: Project) -> None:
    result = invoke(project, "register-datasets-in-aml")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("Error: No Azure ML workspace is named: put")


@pytest.mark.parametrize("cron", ["every day", "99 9 * * *", "0 3 * *", "* * 0 * *", "1/0 * * * *"])
def test_what_is_no_time_is_refused_before_azure_is_asked(project: Project, cron: str) -> None:
    result = invoke(project, "schedule-training", "--cron", cron)
    assert result.exit_code == 1
    assert f"{cron!r} is no time" in result.stderr


@pytest.mark.parametrize("cron", ["0 3 * * 1", "*/15 3-5,7 1 1-12/2 0"])
def test_a_time_is_taken(project: Project, cron: str) -> None:
    result = invoke(project, "schedule-training", "--cron", cron)
    assert "No Azure ML workspace is named" in result.stderr


def test_an_environment_is_one_of_model_yaml(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"compute": {"cluster_name": "large"}}
    project.edit(lambda document: document.update(aml={"environments": {"prod": large}}))
    assert workspace.settings(project).compute.cluster_name == "cpu-cluster"
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert workspace.settings(project).compute.cluster_name == "large"
    monkeypatch.setenv("ENVIRONMENT", "prdo")
    with pytest.raises(ProjectError, match=r"ENVIRONMENT is 'prdo'; .* has prod\."):
        workspace.settings(project)


def test_doctor_says_what_a_service_principal_lacks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_everywhere(project, monkeypatch)
    monkeypatch.setattr(workspace, "has_sdk", lambda: True)
    for name in PRINCIPAL:
        monkeypatch.setenv(name, "")
    assert "the account signed in by az login" in invoke(project, "doctor").stdout
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "given")
    lacks = "the service principal lacks AZURE_TENANT_ID, AZURE_CLIENT_ID"
    assert lacks in invoke(project, "doctor").stdout
    monkeypatch.setattr(workspace, "has_sdk", lambda: False)
    assert "SDK is missing" in invoke(project, "doctor").stdout
