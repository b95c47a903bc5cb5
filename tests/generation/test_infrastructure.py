"""infra/ of a generated project: what its Bicep would make, and whether that is what seedling asks.

No compiler of Bicep is at hand: the grammar is tree-sitter's, and the values are worked out by
tests/bicep.py. What Azure itself says about them is in no test.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bicep
import pytest

from seedling.azure import infra, infra_names
from seedling.azure.key_vault import ADDRESS
from seedling.config import Project, confirmed_edit

ENVIRONMENTS = ("dev", "app-dev", "prod")
WHOLE = {"vertical": "hello_world", "models": "linear_regression", "parts": "all"}
# A group of people, a database, CI: what a file of parameters leaves to the team.
CHOSEN: dict[str, dict[str, Any]] = {
    "github": {"repository": "our@12/pets@345"},
    "azure_devops": {
        "withServiceConnection": True,
        "connectionIssuer": "https://issuer",
        "connectionSubject": "/sc/ours",
    },
}
TEAM = {"team": "the team", "sqlAdministrators": {"name": "admins", "objectId": "their id"}}
ROLES = {
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "1823dd4f-9b8c-4ab6-ab4e-7397a3684615": "AzureML Registry User",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "69566ab7-960f-475b-8e7c-b3118f30c6bd": "Storage File Data Privileged Contributor",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
    "00000000-0000-0000-0000-000000000001": "Cosmos DB Built-in Data Reader",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}
TRAIN_AND_DEPLOY = {
    ("AzureML Data Scientist", "mlw-helloworld"),
    ("Storage Blob Data Contributor", "sthelloworld"),
    ("AcrPush", "acrsvchelloworld"),
    ("AzureML Registry User", "mlr-helloworld"),
    ("Website Contributor", "app-helloworld-prod"),
    ("Website Contributor", "plan-helloworld-prod"),
}
SERVE = {
    ("AcrPull", "acrsvchelloworld"),
    ("Key Vault Secrets User", "kv-helloworld-prod"),
    ("Reader", "mlr-helloworld"),
    ("Cosmos DB Built-in Data Contributor", "cosmos-helloworld-prod/hello_world"),
}
MAY = {
    "the team": TRAIN_AND_DEPLOY | {("Key Vault Secrets Officer", "kv-helloworld-prod")},
    "mlw-helloworld/cp-helloworld": {
        ("AzureML Data Scientist", "mlw-helloworld"),
        ("Storage Blob Data Contributor", "sthelloworld"),
        ("AcrPull", "acrsvchelloworld"),
        ("Cosmos DB Built-in Data Reader", "cosmos-helloworld-prod/hello_world"),
    },
    "app-helloworld-prod": SERVE,
    "app-helloworld-prod/staging": SERVE,
    "id-helloworld-workspace": {
        ("Contributor", "mlw-helloworld"),
        ("Contributor", "sthelloworld"),
        ("Contributor", "kv-helloworld"),
        ("Contributor", "acrsvchelloworld"),
        ("Contributor", "appi-helloworld"),
        ("Key Vault Administrator", "kv-helloworld"),
        ("Storage Blob Data Contributor", "sthelloworld"),
        ("Storage File Data Privileged Contributor", "sthelloworld"),
    },
}
# What Azure takes as the last part of a name, by type.
NAMES = {
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.KeyVault/vaults": r"[a-z](?!.*--)[a-z0-9-]{1,22}[a-z0-9]",
    "Microsoft.ContainerRegistry/registries": r"[a-z0-9]{5,50}",
    "Microsoft.DocumentDB/databaseAccounts": r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]",
    "Microsoft.MachineLearningServices/workspaces": r"[a-zA-Z0-9][\w-]{2,32}",
    "Microsoft.MachineLearningServices/workspaces/computes": r"[a-z][a-z0-9-]{1,22}[a-z0-9]",
    "Microsoft.MachineLearningServices/registries": r"[a-zA-Z0-9][\w-]{2,32}",
    "Microsoft.Web/sites": r"[a-z0-9][a-z0-9-]{0,57}[a-z0-9]",
    "Microsoft.Sql/servers": r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]",
}

Bake = Callable[[dict[str, str]], Path]


@pytest.fixture(scope="module", params=["github", "azure_devops"])
def ci(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(bake: Bake, ci: str) -> Path:
    return bake({**WHOLE, "ci": ci})


def given(project: Path, environment: str) -> dict[str, Any]:
    document = json.loads((project / "infra" / f"{environment}.json").read_text(encoding="utf-8"))
    return {name: each["value"] for name, each in document["parameters"].items()}


def made(project: Path, environment: str, **other: Any) -> bicep.Deployment:
    parameters = given(project, environment) | other
    return bicep.deploy(project / "infra" / "main.bicep", parameters)


def typed(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Parameters of the command line, as az reads them."""
    return {name: int(each) if each.isdigit() else each for name, each in parameters.items()}


def names_of(found: bicep.Deployment) -> set[tuple[str, str]]:
    return {(each.type, each.name) for each in found.resources if "guid" not in each.name}


def test_every_file_is_bicep_and_all_that_it_declares_is_used(project: Path) -> None:
    folder = project / "infra"
    files = {path: bicep.read(path) for path in folder.rglob("*.bicep")}
    assert [mistake for file in files.values() for mistake in file.mistakes()] == []
    used = set()
    for path, file in files.items():
        words = [bicep.text(node) for node in bicep.nodes(file.root) if node.type == "identifier"]
        for kind in ("parameter", "variable"):
            unused = [name for name in file.found.get(kind, {}) if words.count(name) < 2]
            assert unused == [], path.name
        for node in file.found.get("module", {}).values():
            used.add((path.parent / bicep.plain(bicep.first(node, "string"))).resolve())
    assert used == {path.resolve() for path in files if path.name != "main.bicep"}
    asked = "".join(path.read_text(encoding="utf-8") for path in files)
    for name in used:
        for output in bicep.read(name).found.get("output", {}):
            assert f"outputs.{output}" in asked, f"{name.name}: {output}"


def test_every_interface_has_one_published_version(project: Path) -> None:
    versions: dict[str, set[str]] = {}
    for path in (project / "infra").rglob("*.bicep"):
        for node in bicep.read(path).found.get("resource", {}).values():
            kind, _, version = bicep.plain(bicep.first(node, "string")).partition("@")
            versions.setdefault(kind, set()).add(version)
    assert all(len(each) == 1 for each in versions.values()), versions
    previews = [kind for kind, (one,) in versions.items() if not re.fullmatch(r"[\d-]{10}", one)]
    assert previews == ["Microsoft.Insights/diagnosticSettings"]  # which has no other


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_makes_what_it_is_for(environment: str, project: Path, ci: str) -> None:
    types = {each.type for each in made(project, environment).resources}
    assert "Microsoft.MachineLearningServices/workspaces" in types
    expected = {
        "Microsoft.MachineLearningServices/workspaces/computes": environment != "app-dev",
        "Microsoft.MachineLearningServices/registries": environment == "prod",
        "Microsoft.DocumentDB/databaseAccounts": environment == "prod",
        "Microsoft.Web/sites/slots": environment != "dev",
        "Microsoft.Sql/servers": False,
    }
    assert {kind: kind in types for kind in expected} == expected
    whole = made(project, environment, **TEAM, **CHOSEN[ci])
    assert "Microsoft.Sql/servers" in {each.type for each in whole.resources}
    ids = [each.id for each in whole.resources]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_names_are_those_of_model_yaml_before_and_after(
    environment: str, project: Path, ci: str, tmp_path: Path
) -> None:
    """What was made becomes lines of model.yaml; those lines name the same things again."""
    first = made(project, environment, **TEAM, **CHOSEN[ci])
    outputs = {name: str(value) for name, value in first.outputs.items()}
    copy = Project(project, Path(shutil.copy(project / "model.yaml", tmp_path)))
    document = confirmed_edit.document(copy)
    lines = infra_names.lines(outputs, environment)
    infra_names.put(document, lines)
    document["feature_store"] = lines["feature_store"]
    assert confirmed_edit.write(copy, document, yes=True)
    config = copy.config
    assert config.aml is not None
    settings = config.aml.settings(environment)
    made_names = {name.split("/")[-1] for _, name in names_of(first)}
    if environment != "app-dev":  # which trains nothing
        assert settings.compute.cluster_name in made_names
    stack = infra.Stack(copy, environment, "", "", {}, given(project, environment))
    if settings.web_app:
        assert settings.web_app.site_name == stack.site
        assert {settings.web_app.site_name, settings.web_app.plan, "staging"} <= made_names
        assert settings.web_app.container_registry.removesuffix(".azurecr.io") in made_names
        assert ADDRESS.fullmatch(str(settings.web_app.api_key_secret))
        tag = next(each.body["tags"] for each in first.resources if each.name == stack.site)
        assert tag["project"] == config.slug  # by which deploy-web-app finds its own
    parameters = typed(infra_names.parameters(config, environment))
    again = made(project, environment, **TEAM, **CHOSEN[ci], **parameters)
    assert names_of(again) == names_of(first)
    assert again.outputs == first.outputs


def test_what_model_yaml_names_already_is_made_under_that_name(
    project: Path, tmp_path: Path
) -> None:
    copy = Project(project, Path(shutil.copy(project / "model.yaml", tmp_path)))
    named = {
        "subscription_id": "ours",
        "registry": {"name": "everyone"},
        "feature_store": {"server": "old.database.windows.net", "database": "rows"},
        "serving": {
            "prediction_log": {
                "endpoint": "https://kept.documents.azure.com:443/",
                "database": "d",
                "container": "c",
            }
        },
        "aml": {
            "resource_group_name": "group",
            "workspace_name": "work",
            "aml_suffix": "flow7",
            "environments": {
                "prod": {
                    "compute": {"cluster_name": "many", "max_nodes": 8},
                    "web_app": {
                        "site_name": "shop",
                        "plan": "machines",
                        "container_registry": "acrsvcflow7.azurecr.io",
                        "api_key_secret": "https://safe.vault.azure.net/secrets/key",
                    },
                }
            },
        },
    }
    copy.edit(lambda document: document.update(named))
    parameters = typed(infra_names.parameters(copy.config, "prod"))
    names = {name for _, name in names_of(made(project, "prod", **TEAM, **parameters))}
    assert names >= {
        "work",
        "work/many",
        "acrsvcflow7",
        "everyone",
        "old",
        "old/rows",
        "kept/d/c",
        "shop/staging",
        "machines",
        "safe",
    }


def test_the_suffix_of_model_yaml_names_cluster_and_registry_as_seedling_does(
    project: Path, tmp_path: Path
) -> None:
    copy = Project(project, Path(shutil.copy(project / "model.yaml", tmp_path)))
    copy.edit(lambda document: document.update(aml={"aml_suffix": "flow7"}))
    aml = copy.config.aml
    assert aml is not None
    parameters = typed(infra_names.parameters(copy.config, "dev"))
    names = {name.split("/")[-1] for _, name in names_of(made(project, "dev", **parameters))}
    assert {aml.settings("dev").compute.cluster_name, "cp-flow7"} <= names
    assert str(aml.base_image).partition(".")[0] in names


def test_names_fit_azure_for_the_longest_suffix_and_the_shortest(project: Path) -> None:
    checked = set()
    for suffix in ("abc", "a" * 12):
        for environment in ENVIRONMENTS:
            for each in made(project, environment, **TEAM, suffix=suffix).resources:
                if each.type in NAMES:
                    checked.add(each.type)
                    assert re.fullmatch(NAMES[each.type], each.name.split("/")[-1]), each.name
    assert checked == {*NAMES}
    for wrong in ("ab", "a" * 13):
        with pytest.raises(AssertionError, match="suffix"):
            made(project, "dev", suffix=wrong)


def test_each_identity_may_do_what_it_needs_and_no_more(project: Path, ci: str) -> None:
    """No right is on the resource group or the subscription."""
    found: dict[str, set[tuple[str, str]]] = {}
    for each in made(project, "prod", **TEAM, **CHOSEN[ci]).resources:
        if not each.type.lower().endswith("roleassignments"):
            continue
        asked = each.body["properties"]
        role = ROLES[asked["roleDefinitionId"].split("/")[-1]]
        scope = each.body.get("scope")
        on = scope.name if scope else "/".join(asked["scope"].split("/")[-5::4])
        who = asked["principalId"].removeprefix("principal of ")
        found.setdefault(who, set()).add((role, on))
    pipeline = {"github": "id-helloworld-github-prod", "azure_devops": "id-helloworld-devops-prod"}
    reads = {("Key Vault Secrets User", "kv-helloworld-prod")}
    assert found == {**MAY, pipeline[ci]: TRAIN_AND_DEPLOY | reads}


def test_nothing_is_entered_by_a_key_or_password(project: Path, ci: str) -> None:
    whole = made(project, "prod", **TEAM, **CHOSEN[ci])
    bodies: dict[str, list[dict[str, Any]]] = {}
    for each in whole.resources:
        bodies.setdefault(each.type, []).append(each.body.get("properties", {}))
    (storage,) = bodies["Microsoft.Storage/storageAccounts"]
    assert (storage["allowSharedKeyAccess"], storage["allowBlobPublicAccess"]) == (False, False)
    assert storage["minimumTlsVersion"] == "TLS1_2"
    (images,) = bodies["Microsoft.ContainerRegistry/registries"]
    assert (images["adminUserEnabled"], images["anonymousPullEnabled"]) == (False, False)
    for vault in bodies["Microsoft.KeyVault/vaults"]:
        assert vault["enableRbacAuthorization"]
        assert vault["enablePurgeProtection"]
    (workspace,) = bodies["Microsoft.MachineLearningServices/workspaces"]
    assert workspace["systemDatastoresAuthMode"] == "Identity"
    (cosmos,) = bodies["Microsoft.DocumentDB/databaseAccounts"]
    assert cosmos["disableLocalAuth"]
    (sql,) = bodies["Microsoft.Sql/servers"]
    assert sql["administrators"]["azureADOnlyAuthentication"]
    assert "administratorLoginPassword" not in sql
    for site in (*bodies["Microsoft.Web/sites"], *bodies["Microsoft.Web/sites/slots"]):
        assert site["httpsOnly"]
        assert (site["siteConfig"]["minTlsVersion"], site["siteConfig"]["ftpsState"]) == (
            "1.2",
            "Disabled",
        )
    text = "".join(path.read_text(encoding="utf-8") for path in (project / "infra").rglob("*.*"))
    assert not re.search(r"listKeys|@secure|password\b.*[:=] *'", text, re.IGNORECASE)


def test_ci_enters_by_its_token_from_named_places_only(project: Path, ci: str) -> None:
    for environment in ENVIRONMENTS:
        whole = made(project, environment, **CHOSEN[ci])
        kind = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
        found = [each.body["properties"] for each in whole.resources if each.type == kind]
        assert all(each["audiences"] == ["api://AzureADTokenExchange"] for each in found)
        subjects = [each["subject"] for each in found]
        if ci == "azure_devops":
            assert subjects == ["/sc/ours"]
            continue
        assert {each["issuer"] for each in found} == {"https://token.actions.githubusercontent.com"}
        places = ("ref:refs/heads/", "environment:")
        begun = tuple(f"repo:our@12/pets@345:{at}" for at in places)
        assert all(each.startswith(begun) for each in subjects)
        assert f"repo:our@12/pets@345:environment:{environment}" in subjects or environment == "dev"
        assert whole.outputs["githubClientId"].startswith("client of id-helloworld-github")
    assert made(project, "dev").outputs.keys() >= {"workspaceName"}
