"""A model.yaml of FlowEHR's Model-Seedling is understood as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from seedling import team_code
from seedling.azure import assets, environment, publish_assets, workspace
from seedling.config import Project, registrations
from seedling.errors import ProjectError
from seedling.registry import model_files
from seedling.serving import access, stores
from seedling.serving.app import create_app
from seedling.settings import AZURE_TENANT_ID
from seedling.steps import prepare
from seedling.testing import invoke

TENANT = "11111111-2222-3333-4444-555555555555"
SEED = f"""\
# Ours. MUST NOT contain keys or secrets.
name: Sepsis risk
description: The risk of sepsis within six hours
api_version: 0.1.0
aad_tenant_id: {TENANT}
subscription_id: 66666666-7777-8888-9999-000000000000

feature_store:
  server: stays.database.windows.net
  database: sql-db-features

aml:
  resource_group_name: rg-flow
  workspace_name: aml-flow
  aml_suffix: flow7

registry:
  name: shared-assets
  location: UK South

monitoring_store:
  uri: https://cosmos-flow.documents.azure.com:443/
  database_name: sepsis-risk-state
  container_name: sepsis-risk

datasets:
  - name: sepsis-stays
    description: Hospital stays   # and wards
    local_directory_path: ./data/stays
    file_name: stays.parquet
    version: 1

models:
  - name: sepsis-forest
    description: A forest
    version: 3
    is_mlflow: true
"""


@pytest.fixture
def seed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A generated project whose model.yaml is the seed's, with nothing trained."""
    monkeypatch.setenv(AZURE_TENANT_ID.name, "")
    project.config_path.write_text(SEED, encoding="utf-8")
    return Project(project.root)


def refusal(project: Project, old: str, new: str) -> str:
    project.config_path.write_text(SEED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        _ = Project(project.root).config
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_model_yaml_of_the_seed_is_read(seed: Project) -> None:
    config = seed.config
    assert (config.slug, config.api_version) == ("sepsis_risk", "0.1.0")
    (named,) = config.datasets_without_schema
    assert (named.name, named.version) == ("sepsis-stays", "1")
    assert seed.dataset_path(named) == seed.root / "data/stays/stays.parquet"
    (model,) = config.models
    assert (model.name, model.version, model.is_mlflow) == ("sepsis-forest", "3", True)


def test_monitoring_store_is_the_prediction_log(seed: Project) -> None:
    log = stores.log_settings(seed.config, "prod")
    assert log is not None
    assert log.endpoint == "https://cosmos-flow.documents.azure.com:443/"
    assert (log.database, log.container) == ("sepsis-risk-state", "sepsis-risk")
    message = refusal(seed, "datasets:", "serving: {prediction_log: off}\ndatasets:")
    assert "monitoring_store and serving.prediction_log" in message
    message = refusal(seed, "  container_name: sepsis-risk\n", "")
    assert re.match(r"model.yaml, line \d+, monitoring_store.container_name: .*missing", message)


def test_the_suffix_names_the_cluster_and_the_image(seed: Project) -> None:
    assert workspace.settings(seed).compute.cluster_name == "cp-flow7"
    text = environment.dockerfile(seed)
    assert "\nFROM acrsvcflow7.azurecr.io/aml-tre-nexus-image\n" in text
    own = "  aml_suffix: flow7\n  environments: {dev: {compute: {cluster_name: ours}}}\n"
    seed.config_path.write_text(SEED.replace("  aml_suffix: flow7\n", own), encoding="utf-8")
    assert workspace.settings(Project(seed.root)).compute.cluster_name == "ours"


def test_the_registry_is_looked_up_in_its_own_region(
    seed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, asked = seed.config.registry, list[str]()

    def ask(client: Any, method: str, url: str, body: Any = None) -> dict[str, str]:
        asked.append(url)
        names = ("primaryRegionResourceProviderUri", "subscriptionId", "resourceGroup")
        return dict.fromkeys(names, "x")

    monkeypatch.setattr(assets, "_ask", ask)
    monkeypatch.delenv(workspace.DISCOVERY_URL, raising=False)
    assert registry is not None
    assets._front(None, registry.name, registry.discovery)
    assert asked[0].startswith("https://uksouth.api.azureml.ms/registrymanagement/")


def test_the_tenant_reaches_the_credential_and_the_check_of_tokens(
    seed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.find(seed.root)
    assert AZURE_TENANT_ID.get() == TENANT
    with pytest.raises(ProjectError, match="go together"):
        access.Tokens.from_environment({"ENTRA_AUDIENCE": "api://ours"})
    given = {"ENTRA_AUDIENCE": "api://ours", AZURE_TENANT_ID.name: TENANT}
    assert access.Tokens.from_environment(given)
    monkeypatch.setenv(AZURE_TENANT_ID.name, "another")
    Project.find(seed.root)
    assert AZURE_TENANT_ID.get() == "another"


def test_doctor_asks_for_what_is_missing_in_one_line_each(seed: Project) -> None:
    found = invoke(seed, "doctor").output
    line = "to do  dataset sepsis-stays: no schema: run add-dataset --name sepsis-stays --from "
    assert f"{line}dataset_creation/dataset_query.sql --target COLUMN\n" in found
    assert re.search(r"(?m)^to do  model sepsis_forest: version 3 is not here", found)
    folder = seed.models_folder / "sepsis-forest" / "3"
    folder.mkdir(parents=True)
    found = invoke(seed, "doctor").output
    assert re.search(r"version 3 has no hash.*`sha256: [0-9a-f]{64}`", found)
    with pytest.raises(ProjectError, match=r"has no sha256 in model.yaml.*doctor"):
        model_files.verify(folder, "")


@pytest.mark.parametrize(
    "words",
    [
        ["create-local-datasets"],
        ["create-local-datasets", "--dataset", "sepsis-stays"],
        ["validate-datasets"],
        ["update-schema"],
        ["train"],
        ["add-model", "xgboost"],
        ["register-datasets-in-aml"],
    ],
    ids=" ".join,
)
def test_a_verb_that_needs_a_schema_says_so_in_one_line(seed: Project, words: list[str]) -> None:
    found = invoke(seed, *words)
    assert found.exit_code
    line = str(found.exception) if found.exception and not found.output else found.output.strip()
    assert "\n" not in line
    assert "sepsis-stays has no schema: run add-dataset --name" in line or "SDK" in line


def test_a_dataset_gets_its_schema_and_a_model_learns_from_it(seed: Project) -> None:
    table = seed.root / "data" / "stays" / "stays.csv"
    table.parent.mkdir(parents=True)
    rows = "".join(f"{n},{n % 7},{n * 3 % 11},{'yn'[n % 3 > 0]}\n" for n in range(60))
    table.write_text(f"stay_id,beds,age,sepsis\n{rows}")
    words = ("--from", str(table), "--target", "sepsis", "--yes")
    found = invoke(seed, "add-dataset", "--name", "sepsis-stays", *words)
    assert not found.exit_code, found.output
    text = seed.config_path.read_text(encoding="utf-8")
    kept = SEED.splitlines()
    assert [line for line in text.splitlines() if line in kept] == kept
    assert (seed.root / "data" / "stays" / "stays.parquet").is_file()
    found = invoke(seed, "add-model", "random_forest_2", "--kind", "random_forest")
    assert not found.exit_code, found.output
    config = Project(seed.root).config
    assert [model.name for model in config.training.models] == ["random_forest_2"]
    assert config.training.models[0].dataset == config.datasets[0].name == "sepsis-stays"


def test_a_dataset_elsewhere_in_the_project_is_prepared(project: Project) -> None:
    name = project.config.datasets[0].name
    project.edit(lambda document: document["datasets"][0].update(local_directory_path="data/own"))
    assert not invoke(project, "create-local-datasets").exit_code
    assert (project.root / "data" / "own" / project.config.datasets[0].file_name).is_file()
    outputs = [project.root / "training", project.root / "holdout"]
    here = project.assets / "datasets"
    here.mkdir(parents=True, exist_ok=True)
    assert prepare.main.callback is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        prepare.main.callback(None, here, *outputs, parts=False)
    assert (outputs[1] / f"{name}.parquet").is_file()


@pytest.mark.parametrize("folder", ["../data", "/data", "data/../../x", "C:\\data", "..\\x", "''"])
def test_a_dataset_outside_the_project_is_refused(seed: Project, folder: str) -> None:
    message = refusal(seed, "./data/stays", folder)
    assert re.match(r"model.yaml, line 29, datasets.0.local_directory_path: .*inside", message)


def test_the_table_of_a_dataset_is_not_written_over(seed: Project) -> None:
    folder = seed.root / "data" / "stays"
    folder.mkdir(parents=True)
    text = "stay_id,age,sepsis\n" + "".join(f"{n},{n * 3 % 11},{n % 2}\n" for n in range(40))
    (folder / "stays.csv").write_text(text)
    settings = SEED.replace("file_name: stays.parquet", "file_name: stays.csv")
    seed.config_path.write_text(settings, encoding="utf-8")
    words = ["--from", str(folder / "stays.csv"), "--target", "sepsis", "--yes"]
    found = invoke(seed, "add-dataset", "--name", "sepsis-stays", *words)
    assert not found.exit_code, found.output
    assert (folder / "stays.csv").read_text() == text
    assert Project(seed.root).config.datasets[0].local_directory_path == "local_assets/datasets"


def test_what_is_published_are_all_datasets_and_models(seed: Project) -> None:
    found = publish_assets.named(seed.model_yaml)
    assert [str(asset) for asset in found] == [
        "sepsis-stays, version 1",
        "sepsis-forest, version 3",
    ]


class OwnServe:
    """The seed's Serve, by its own arguments."""

    def __init__(
        self, config: Any, sql_engine: Any, model_details: Any, dataset_details: Any, **more: Any
    ) -> None:
        self.path = Path(dataset_details[0].local_directory_path).parts[-2:]
        self.version = model_details[0].version

    def run_fake(self, user_inputs: Any) -> Any:
        return {}, {"path": self.path, "version": self.version}


def test_an_app_developer_is_answered_by_run_fake(
    seed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is trained, and no dataset has a schema."""
    monkeypatch.setattr(team_code, "serve_class", lambda: OwnServe)
    app = create_app(seed, "app-dev")
    try:
        client = app.test_client()
        assert client.get("/").get_json()["api_version"] == "0.1.0"
        answer = client.post("/run", json={"csn": "1"}).get_json()
        assert answer["outputs"] == {"path": ["data", "stays"], "version": "3"}
    finally:
        app.extensions["service"].stop()


def test_a_fault_stands_in_the_line_of_the_seeds_own_key(seed: Project) -> None:
    message = refusal(seed, "    file_name: stays.parquet\n", "    file_name: a/b.parquet\n")
    assert re.match(r"model.yaml, line 30, datasets.0.file_name: ", message)
    message = refusal(seed, "aml_suffix: flow7", "aml_suffix: _CHANGE_ME_")
    assert re.match(r"model.yaml, line 15, aml.aml_suffix: still _CHANGE_ME_", message)


def test_a_registered_model_is_found_by_its_name(seed: Project) -> None:
    (seed.root / "models" / "forest").mkdir()
    (seed.root / "models" / "forest" / "train.py").write_text("")
    assert seed.config.models[0].model == "forest"
    entry = seed.config.models[0].model_dump(exclude_defaults=True) | {"version": "4"}
    registrations.edit_shared(seed, "forest", lambda entries: [entry])
    assert [each.version for each in seed.config.models] == ["4"]


def test_models_of_the_folder_learn_from_the_one_dataset(project: Project) -> None:
    text = project.config_path.read_text(encoding="utf-8")
    start, end = text.index("\ntraining:"), text.index("\nserving:")
    project.config_path.write_text(text[:start] + text[end:], encoding="utf-8")
    trained = Project(project.root).config.training.models
    folders = {path.parent.name for path in Path(project.root).glob("models/*/train.py")}
    assert {model.name for model in trained} == folders
