"""The verbs of infra/, with a program `az` that notes what it is asked and has answers ready."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from seedling.azure import az, infra, infra_names
from seedling.config import Config, Project
from seedling.testing import invoke

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
PROGRAM = """\
    #!{python} -SE
    import json, pathlib, sys
    home = pathlib.Path({home!r})
    words = sys.argv[1:]
    with (home / "asked.jsonl").open("a") as asked:
        print(json.dumps(words), file=asked)
    answers = json.loads((home / "answers.json").read_text())
    asks = " ".join(words)
    found = next((each for each in answers if asks.startswith(each)), None)
    answer = answers.get(found, "")
    if isinstance(answer, str):
        sys.exit(answer or "ERROR: az stands for nothing that begins so: " + asks)
    print(answer[0] if isinstance(answer[0], str) else json.dumps(answer[0]))
"""
OUTPUTS = {
    "subscriptionId": SUBSCRIPTION,
    "resourceGroupName": "rg-pets",
    "workspaceName": "mlw-pets",
    "clusterName": "cp-pets",
    "registryName": "mlr-pets",
    "registryLocation": "westeurope",
    "siteName": "app-pets-prod",
    "planName": "plan-pets-prod",
    "containerRegistry": "acrsvcpets.azurecr.io",
    "apiKeySecret": "https://kv-pets-prod.vault.azure.net/secrets/api-key",
    "cosmosEndpoint": "https://cosmos-pets-prod.documents.azure.com:443/",
    "cosmosDatabase": "pets-state",
    "cosmosContainer": "pets",
    "sqlServer": "sql-pets.database.windows.net",
    "sqlDatabase": "sql-db-features",
    "insightsName": "appi-pets",
    "githubClientId": "22222222-2222-2222-2222-222222222222",
}
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-pets/providers"
CHANGES = [
    {
        "changeType": "Create",
        "resourceId": f"{GROUP}/Microsoft.Web/sites/app-pets-prod/slots/staging",
    },
    {
        "changeType": "Modify",
        "resourceId": f"{GROUP}/Microsoft.KeyVault/vaults/kv-pets",
        "delta": [
            {
                "path": "properties",
                "propertyChangeType": "Modify",
                "children": [
                    {
                        "path": "softDeleteRetentionInDays",
                        "propertyChangeType": "Modify",
                        "before": 7,
                        "after": 90,
                    },
                    {"path": "tenantId", "propertyChangeType": "NoEffect"},
                ],
            }
        ],
    },
    {"changeType": "NoChange", "resourceId": f"{GROUP}/Microsoft.Storage/storageAccounts/stpets"},
    {"changeType": "Ignore", "resourceId": f"{GROUP}/Microsoft.Storage/storageAccounts/other"},
]
# What az prints, in brackets, by how its arguments begin. A text is that of an error.
ANSWERS: dict[str, Any] = {
    "account show": [{"id": SUBSCRIPTION, "name": "Ours"}],
    "bicep version": ["Bicep CLI version 0.38.33 (6bb5d5f859)"],
    "group exists": [True],
    "group create": [{"name": "rg-pets"}],
    "webapp config show": "ERROR: (ResourceNotFound) there is no such site",
    "deployment group what-if": [{"status": "Succeeded", "changes": CHANGES}],
    "deployment group create": [
        {"properties": {"outputs": {name: {"value": each} for name, each in OUTPUTS.items()}}}
    ],
}

Az = Callable[..., None]


@pytest.fixture
def pets(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose infra/ has two environments."""
    folder = project.root / "infra"
    folder.mkdir()
    (folder / "main.bicep").write_text("// az reads it\n")
    for name, values in {
        "dev": {"suffix": "pets"},
        "prod": {"suffix": "pets", "withWebApp": True},
    }.items():
        document = {"parameters": {key: {"value": each} for key, each in values.items()}}
        (folder / f"{name}.json").write_text(json.dumps(document))
    monkeypatch.setenv("ENVIRONMENT", "prod")
    return project


@pytest.fixture
def az_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Az:
    """Put `az` on PATH; `az_says({...})` changes some of its answers."""
    home = tmp_path / "az"
    home.mkdir()
    program = home / "az"
    program.write_text(dedent(PROGRAM).format(python=sys.executable, home=str(home)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)

    def says(other: Mapping[str, Any]) -> None:
        (home / "answers.json").write_text(json.dumps({**ANSWERS, **other}))

    says({})
    return says


def asked(tmp_path: Path, beginning: str) -> list[str]:
    """What az was asked last that begins so."""
    lines = (tmp_path / "az" / "asked.jsonl").read_text().splitlines()
    return next(
        words for words in map(json.loads, reversed(lines)) if " ".join(words).startswith(beginning)
    )


def refusal(project: Project, *words: str) -> str:
    done = invoke(project, *words)
    assert done.exit_code == 1, done.output
    last = done.output.splitlines()[-1]
    assert last.startswith("Error: ")
    return last.removeprefix("Error: ")


def test_what_if_says_each_change_and_property_and_tells_ci_how_many(
    pets: Project, az_says: Az, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))
    done = invoke(pets, "infra-what-if")
    assert done.output.splitlines() == [
        "+ Microsoft.Web/sites/slots app-pets-prod/staging",
        "~ Microsoft.KeyVault/vaults kv-pets",
        "    properties.softDeleteRetentionInDays: 7 -> 90",
        "2 changes in rg-pets.",
    ]
    assert (tmp_path / "outputs").read_text() == "changes=2\n"
    assert (tmp_path / "page").read_text().splitlines()[1:-2] == done.output.splitlines()
    words = asked(tmp_path, "deployment group what-if")
    assert "--template-file infra/main.bicep --parameters infra/prod.json" in " ".join(words)
    assert words[words.index("--resource-group") + 1] == "rg-pets"
    assert words[words.index("--subscription") + 1] == SUBSCRIPTION


def test_a_deployment_shows_asks_makes_and_prints_the_lines_of_model_yaml(
    pets: Project, az_says: Az, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--yes says so where there is no terminal" in refusal(pets, "infra-deploy")
    with pytest.raises(StopIteration):
        asked(tmp_path, "deployment group create")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    before = pets.config_path.read_bytes()
    done = invoke(pets, "infra-deploy", "--yes")
    assert done.exit_code == 0, done.output
    shown = done.output
    assert shown.index("+ Microsoft.Web") < shown.index("Deployed prod to rg-pets.")
    assert "AZURE_CLIENT_ID=22222222-2222-2222-2222-222222222222" in shown
    assert "client_id=22222222" in (tmp_path / "outputs").read_text()
    for line in (
        "resource_group_name: rg-pets",
        "site_name: app-pets-prod",
        "endpoint: https://cosmos-pets-prod.documents.azure.com:443/",
    ):
        assert line in shown
    assert pets.config_path.read_bytes() == before


def test_write_puts_the_names_into_model_yaml_and_the_next_deployment_uses_them(
    pets: Project, az_says: Az, tmp_path: Path
) -> None:
    store = pets.config.feature_store
    done = invoke(pets, "infra-deploy", "--yes", "--write")
    assert done.exit_code == 0, done.output
    pets.forget_what_was_read()
    config = pets.config
    assert config.aml is not None
    assert config.aml.settings("prod").compute.cluster_name == OUTPUTS["clusterName"]
    assert config.aml.base_image is None  # a new registry has no image to build on
    assert config.feature_store == store  # the new one is empty yet
    names = infra_names.parameters(config, "prod")
    assert (
        names.items()
        >= {
            "workspaceName": "mlw-pets",
            "clusterName": "cp-pets",
            "registryName": "mlr-pets",
            "siteName": "app-pets-prod",
            "planName": "plan-pets-prod",
            "serviceVaultName": "kv-pets-prod",
            "apiKeySecret": "api-key",
            "cosmosName": "cosmos-pets-prod",
            "cosmosDatabase": "pets-state",
            "cosmosContainer": "pets",
        }.items()
    )
    text = pets.config_path.read_bytes()
    assert "model.yaml stays as it is." in invoke(pets, "infra-deploy", "--yes", "--write").output
    assert pets.config_path.read_bytes() == text
    assert "siteName=app-pets-prod" in asked(tmp_path, "deployment group create")


def test_a_feature_store_in_azure_sql_is_renamed_by_write(pets: Project) -> None:
    document: dict[str, Any] = {
        "feature_store": {"server": "old.database.windows.net", "database": "x"},
        "monitoring_store": {"uri": "ours"},
    }
    infra_names.put(document, infra_names.lines(OUTPUTS, "prod"))
    assert document["feature_store"] == {
        "server": OUTPUTS["sqlServer"],
        "database": OUTPUTS["sqlDatabase"],
    }
    assert "serving" not in document  # the log has a place by Model-Seedling's name


def test_images_that_run_are_kept(pets: Project, az_says: Az, tmp_path: Path) -> None:
    az_says({"webapp config show": [{"linuxFxVersion": "DOCKER|acrsvcpets.azurecr.io/pets:7"}]})
    invoke(pets, "infra-what-if")
    words = asked(tmp_path, "deployment group what-if")
    assert {f"{name}=acrsvcpets.azurecr.io/pets:7" for name in ("image", "stagedImage")} <= {*words}
    assert asked(tmp_path, "webapp config show")[-4:-2] == ["--slot", "staging"]
    az_says({})
    invoke(pets, "infra-what-if")
    assert not any("mage=" in word for word in asked(tmp_path, "deployment group what-if"))


def test_a_missing_group_is_made_where_it_is_said(
    pets: Project, az_says: Az, tmp_path: Path
) -> None:
    az_says({"group exists": [False]})
    assert "infra-deploy --location REGION makes it first" in refusal(pets, "infra-what-if")
    assert "--location says where to make it" in refusal(pets, "infra-deploy", "--yes")
    done = invoke(pets, "infra-deploy", "--yes", "--location", "westeurope")
    assert done.output.startswith("Made the resource group rg-pets in westeurope.")
    words = asked(tmp_path, "group create")
    assert words[words.index("--location") + 1] == "westeurope"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"account show": "ERROR: Please run 'az login' to setup account."},
            "az is not signed in: run `az login`.",
        ),
        (
            {"bicep version": 'ERROR: Bicep CLI not found. Install it by "az bicep install".'},
            "az has no Bicep: run `az bicep install`.",
        ),
        (
            {
                "deployment group what-if": 'ERROR: {"code": "InvalidTemplateDeployment", '
                '"message": "See details.", "details": [{"code": "StorageAccountAlreadyTaken", '
                '"message": "The storage account named stpets is\\nalready taken."}]}'
            },
            "a name is taken: The storage account named stpets is already taken. Names end",
        ),
        (
            {
                "deployment group what-if": "ERROR: (AuthorizationFailed) The client 'ann' may not "
                "perform action 'Microsoft.Resources/deployments/whatIf/action'."
            },
            "Owner of the resource group, or Contributor and Role Based Access Control",
        ),
        ({"deployment group what-if": "Traceback\nERROR: a new one {"}, "what-if: a new one {"),
    ],
)
def test_what_is_wrong_is_one_line(
    answers: dict[str, Any], said: str, pets: Project, az_says: Az
) -> None:
    az_says(answers)
    assert said in refusal(pets, "infra-what-if")


def test_what_this_machine_or_project_lacks_is_one_line(
    pets: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "The program az is not installed" in refusal(pets, "infra-deploy")
    monkeypatch.setenv("ENVIRONMENT", "trial")
    assert refusal(pets, "infra-what-if") == (
        "infra/trial.json is missing: ENVIRONMENT names one of infra/; there are dev, prod."
    )
    (pets.root / "infra" / "trial.json").write_text("[]")
    assert "infra/trial.json is no file of parameters for az" in refusal(pets, "infra-what-if")
    pets.edit(lambda document: document.update(aml={"aml_suffix": "a-suffix"}))
    monkeypatch.setenv("ENVIRONMENT", "dev")
    assert "The suffix is 'a-suffix'" in refusal(pets, "infra-what-if")


def test_on_windows_az_is_started_by_its_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Done:
        returncode, stdout, stderr = 0, "[]", ""

    def note(command: list[str], **_: Any) -> Done:
        started.append(command)
        return Done()

    found = r"C:\Program Files\Azure\az.cmd"
    monkeypatch.setattr("seedling.azure.az.shutil.which", lambda name: found)
    monkeypatch.setattr("seedling.azure.az.subprocess.run", note)
    az.run("group", "exists")
    assert started == [[found, "group", "exists", "--output", "json"]]


def test_settings_of_the_environment_and_of_env_count(
    pets: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = {"cluster_size": "Standard_E8_v3", "max_nodes": 9}
    prod = {"compute": nodes}
    pets.edit(lambda document: document.update(aml={"environments": {"prod": prod}}))
    given = infra_names.parameters(pets.config, "prod")
    assert (given["clusterSize"], given["maxNodes"]) == ("Standard_E8_v3", "9")
    assert "clusterName" not in given
    assert infra_names.workspace(pets.config) == ("", "", "")
    monkeypatch.setenv("AML_RESOURCE_GROUP", "other")
    assert infra_names.workspace(pets.config)[1] == "other"
    assert isinstance(pets.config, Config)
    assert infra.FOLDER == "infra"
