"""ENVIRONMENT: what a service takes its assets from, where it logs, and when it does not start."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seedling import implementations
from seedling.azure.workspace import HOW
from seedling.config import Dataset, PredictionLog, Project, RegisteredModel, Stage, stage
from seedling.containers import images
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.serving import assets, loading, selection, team_serve
from seedling.serving.app import create_app
from seedling.serving.stores import log_settings
from seedling.testing import first_model, invoke

COSMOS = {"endpoint": "https://ours.example", "database": "d", "container": "c"}


@pytest.fixture
def cloned(trained: Project, tmp_path: Path) -> Project:
    """A fresh clone: model.yaml registers a version of the workspace, whose files are not here."""
    return clone(trained, tmp_path / "cloned")


def clone(trained: Project, root: Path, **more: Any) -> Project:
    shutil.copytree(trained.root, root, ignore=shutil.ignore_patterns("local_assets"))
    (entry,) = trained.config.models
    name = f"{trained.config.slug}-{entry.name}"
    shared = entry.model_copy(update={"name": name}).model_dump(exclude_defaults=True)
    project = Project(root)
    project.edit(lambda document: document.update(models=[shared], **more))
    return Project(root)


def fetching(trained: Project, monkeypatch: pytest.MonkeyPatch, place: str) -> list[str]:
    """Let a place have what was trained; return the titles that it is asked for."""
    asked: list[str] = []
    (entry,) = trained.config.models
    files, find = trained.model_path(entry), implementations.find

    def fetch(project: Project, wanted: RegisteredModel | Dataset, folder: Path) -> None:
        asked.append(f"{wanted.name} {wanted.version}")
        if isinstance(wanted, Dataset):
            (folder / wanted.file_name).write_text("rows of the registry", encoding="utf-8")
        else:
            shutil.copytree(files, folder, dirs_exist_ok=True)

    def found(name: str) -> Any:
        return fetch if name.startswith(place) else find(name)

    monkeypatch.setattr(implementations, "find", found)
    return asked


@pytest.mark.parametrize(
    ("name", "described", "expected"),
    [
        ("", {}, Stage.LOCAL),
        ("app-dev", {}, Stage.APP_DEV),
        ("app-dev", {"app-dev": {"development": True}}, Stage.APP_DEV),
        ("prod", {}, Stage.PRODUCTION),
        ("prod", {"prod": {}}, Stage.PRODUCTION),
        ("dev", {}, Stage.LOCAL),
        ("dev", {"dev": {"compute": {}}}, Stage.LOCAL),
        ("dev", {"dev": {"development": False}}, Stage.PRODUCTION),
        ("trial", {}, Stage.PRODUCTION),
        ("trial", {"trial": {"development": True}}, Stage.LOCAL),
    ],
)
def test_dev_is_development_and_any_other_name_production_unless_model_yaml_says(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    described: dict[str, Any],
    expected: Stage,
) -> None:
    project.edit(lambda document: document.update(aml={"environments": described}))
    assert stage(project.config, name) is expected
    monkeypatch.setenv("ENVIRONMENT", name)
    assert stage(project.config) is expected


@pytest.mark.parametrize("environment", ["", "dev"])
def test_a_fresh_clone_serves_what_the_workspace_has_registered(
    trained: Project, cloned: Project, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    asked = fetching(trained, monkeypatch, "workspace")
    (entry,) = cloned.config.models
    client = create_app(cloned, environment=environment).test_client()
    assert client.get("/ready").get_json()["models"] == {entry.model: entry.version}
    create_app(cloned, environment=environment)
    assert asked == [f"{entry.name} {entry.version}"]


def test_a_fresh_clone_without_a_workspace_is_given_the_verb_that_brings_the_models(
    cloned: Project,
) -> None:
    model = first_model(cloned)
    problem = create_app(cloned, environment="").extensions["service"].model_problems[model]
    assert HOW in problem
    assert problem.endswith("then download-models fetches it.")
    assert "run train" not in problem
    (cloned.root / "x.csv").write_text("a\n1\n", encoding="utf-8")
    for words in (("doctor",), ("batch-score", "x.csv", "y.csv")):
        assert "download-models" in invoke(cloned, *words).output
    with pytest.raises(ProjectError, match="download-models"):
        images.stage(cloned, cloned.root / "image")


def test_files_of_the_workspace_with_another_hash_are_not_served(
    trained: Project, cloned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetching(trained, monkeypatch, "workspace")
    (entry,) = cloned.config.models
    changed = entry.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ProjectError, match="its files' hash differs"):
        assets.fetch(cloned, changed)
    assert not cloned.model_path(entry).exists()


def test_production_without_a_registry_is_refused_in_words_and_not_served_from_local_files(
    trained: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProjectError) as refused:
        create_app(trained, environment="prod")
    for word in ("ENVIRONMENT=prod", "`registry`", "ASSETS=local"):
        assert word in str(refused.value)
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert str(refused.value) in invoke(trained, "serve-local").stderr
    monkeypatch.setenv("ASSETS", "local")
    client = create_app(trained).test_client()
    assert client.get("/ready").get_json()["models"] == {first_model(trained): "1"}


def test_production_serves_what_the_team_shares_and_nothing_that_this_machine_registered(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = clone(trained, tmp_path / "shared", registry={"name": "all"})
    shutil.copytree(trained.assets / "models", project.assets / "models")
    asked = fetching(trained, monkeypatch, "shared registry")
    (shared,) = project.model_yaml.models
    (here,) = trained.config.models
    assert [entry.name for entry in project.config.models] == [here.name]
    (served,) = selection.config(project, "prod").models
    assert served.name == shared.name
    create_app(project, environment="prod")
    assert f"{shared.name} {shared.version}" in asked


def test_production_without_a_shared_version_says_which_verbs_make_one(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = clone(trained, tmp_path / "shared", registry={"name": "all"})
    project.edit(lambda document: document.update(models=[]))
    monkeypatch.setenv("ENVIRONMENT", "prod")
    said = invoke(project, "serve-local").stderr
    assert "run train-model-in-aml, then publish-assets-in-registry" in said


def test_dataset_details_point_at_files_that_are_there_in_production(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = clone(trained, tmp_path / "shared", registry={"name": "all"})
    asked = fetching(trained, monkeypatch, "shared registry")
    given: list[Dataset] = []

    class Serve:
        def __init__(self, dataset_details: list[Dataset], **_others: Any) -> None:
            given.extend(dataset_details)

    monkeypatch.setattr(team_serve.team_code, "serve_class", lambda: Serve)
    service = create_app(project, environment="prod").extensions["service"]
    assert service.warnings == {}
    assert given
    for details in given:
        file = Path(details.local_directory_path, details.file_name)
        assert file.read_text(encoding="utf-8") == "rows of the registry"
    # Another version is another file, and one that is here is not asked for again.
    (first, *_) = project.config.datasets
    assets.datasets(project, project.config, "prod")
    assert asked.count(f"{first.name} {first.version}") == 1
    project.edit(lambda document: document["datasets"][0].update(version="another"))
    assets.datasets(project, project.config, "prod")
    assert f"{first.name} another" in asked


def test_a_dataset_that_cannot_be_had_is_a_warning_and_the_models_answer(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = clone(trained, tmp_path / "shared", registry={"name": "all"})
    fetching(trained, monkeypatch, "shared registry")
    found = implementations.find

    def refuse(*_: Any) -> None:
        raise ProjectError("there is none such.")

    def find(name: str) -> Any:
        return refuse if name.endswith("datasets") else found(name)

    monkeypatch.setattr(implementations, "find", find)
    service = create_app(project, environment="prod").extensions["service"]
    assert service.problems == {}
    assert "is not here: there is none such." in service.warnings["datasets"]


def test_on_this_machine_dataset_details_have_the_folder_of_the_project(trained: Project) -> None:
    found, warnings = assets.datasets(trained, trained.config, "")
    assert warnings == []
    for given, own in zip(found, trained.config.datasets, strict=True):
        assert Path(given.local_directory_path) / given.file_name == trained.dataset_path(own)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [("", None), ("dev", None), ("app-dev", None), ("prod", COSMOS), ("anything", COSMOS)],
)
def test_only_production_writes_to_cosmos(
    project: Project, environment: str, expected: dict[str, str] | None
) -> None:
    project.edit(lambda document: document["serving"].update(prediction_log=COSMOS))
    here = PredictionLog(url="sqlite:///local_assets/predictions.db")
    found = log_settings(project.config, environment)
    assert found == (PredictionLog(**expected) if expected else here)


def test_another_sql_database_is_the_log_in_every_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://db/log"
    project.edit(lambda document: document["serving"].update(prediction_log={"url": url}))
    for environment in ("", "prod"):
        assert log_settings(project.config, environment) == PredictionLog(url=url)
    monkeypatch.setenv("PREDICTION_LOG", "off")
    assert log_settings(project.config, "prod") is None


def test_an_image_logs_to_its_volume_unless_model_yaml_names_another_place(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_PREDICTION_LOG", "sqlite:////data/predictions.db")
    volume = PredictionLog(url="sqlite:////data/predictions.db")
    assert log_settings(project.config, "prod") == volume
    project.edit(lambda document: document["serving"].update(prediction_log=COSMOS))
    assert log_settings(project.config, "") == volume
    assert log_settings(project.config, "prod") == PredictionLog(**COSMOS)


def test_models_that_a_container_trained_and_names_are_served_in_production(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "named"
    shutil.copytree(trained.root, root)
    project = Project(root)
    (entry,) = project.config.models
    folder = project.models_folder / "mine" / "1"
    shutil.copytree(project.model_path(entry), folder)
    noted = entry.model_copy(update={"name": "mine", "sha256": sha256(folder)})
    selection.named_models.note(folder.parent, noted)
    monkeypatch.setenv("MODEL_NAME", "mine")
    config = selection.config(project, "prod")
    assert [each.name for each in config.models] == ["mine"]
    assert [*loading.Loader(project, "prod").load(config).lineups] == [entry.model]


def test_an_environment_names_where_it_deploys_to(project: Project) -> None:
    from seedling.azure import deploy

    web_app = {"site_name": "ours", "plan": "plan", "container_registry": "ours.azurecr.io"}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["online"]),
        ({"web_app": web_app}, ["web_app"]),
        ({"web_app": web_app, "deploy": "online"}, ["online"]),
        ({"web_app": web_app, "deploy": ["online", "web-app", "batch"]}, [*deploy.VERBS][:0]),
    ]
    for described, expected in cases:
        aml = {"environments": {"dev": described}}
        project.edit(lambda document, aml=aml: document.update(aml=aml))
        found = deploy.places(Project(project.root))
        assert found == (expected or ["online", "web_app", "batch"])
    with pytest.raises(ProjectError, match=r"environments\.dev\.deploy"):
        project.edit(lambda document: document["aml"]["environments"]["dev"].update(deploy="moon"))


def test_deploy_without_a_workspace_or_a_model_is_one_line(project: Project) -> None:
    refused = invoke(project, "deploy")
    assert refused.exit_code == 1
    assert refused.stdout == "dev: deploy-online\n"
    assert (project.assets / "sbom").is_dir()  # which Azure DevOps publishes, whatever is deployed
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", ["download-datasets", "register-datasets-in-aml"])
def test_a_verb_of_azure_says_first_that_no_workspace_is_named(project: Project, verb: str) -> None:
    refused = invoke(project, verb)
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"Error: No Azure ML workspace is named: {HOW}.\n",
    )


@pytest.mark.parametrize("verb", ["download-datasets", "download-models", "deploy-online"])
def test_with_a_workspace_it_names_the_group_that_plain_init_leaves_out(
    cloned: Project, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_SUBSCRIPTION_ID", "AML_RESOURCE_GROUP", "AML_WORKSPACE"):
        monkeypatch.setenv(name, "x")
    refused = invoke(cloned, verb)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: Azure ML needs its SDK: run init with the group `aml`.\n",
    )


def test_download_models_without_a_shared_version_names_the_verb_that_registers_some(
    project: Project,
) -> None:
    refused = invoke(project, "download-models")
    assert "model.yaml names no version of the workspace: train-model-in-aml" in refused.stderr
