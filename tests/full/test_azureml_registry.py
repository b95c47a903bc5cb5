"""The shared registry: what is published to it, and a service in production that loads from it."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure_project import said_by
from azureml.emulator import AzureML
from baking import call, generate, initialise, python_of, run
from serving import Server, ask, running
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Shop", "models": "logistic_regression"}
DATASET = "income"
MODELS = ["shop-income-logistic_regression", "shop-income-second"]
FIRST, SECOND = MODELS
PUBLISH = "publish-assets-in-registry"
KEY = "correct-horse-battery"
REMOTE = "/registries/registry/"
# What training on Azure ML will leave: names of the project's own in model.yaml, and the registry.
NAMES = """
import shutil
from seedling.config import Project

project = Project.find()

before = project.config.models
entries = [entry.model_dump(exclude_defaults=True) for entry in before]
models = [{**entry, "name": f"shop-{entry['name']}"} for entry in entries]
project.registrations_path.unlink()
project.edit(lambda document: document.update(registry={"name": "registry"}, models=models))
for old, new in zip(before, project.config.models, strict=True):
    shutil.copytree(project.model_path(old), project.model_path(new))
"""
REGISTER = """
from azure.ai.ml.entities import Model
from seedling.azure import data, workspace
from seedling.config import Project

project = Project.find()
assert [found.problem for found in data.register(project)] == [""]
client = workspace.client(project)
for entry in project.config.models:
    tags = {"sha256": entry.sha256, "model": entry.model, "stage": "champion"}
    folder = str(project.model_path(entry))
    client.models.create_or_update(Model(
        name=entry.name, version=entry.version, path=folder, type="mlflow_model", tags=tags))
"""


@pytest.fixture(scope="module")
def shop(installed) -> Path:
    """A project with the SDK, a dataset and two trained models."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    verb(project, "add-model", "second", "--from", "logistic_regression")
    verb(project, "train")
    run([python_of(project), "-c", NAMES], project)
    return project


@pytest.fixture(scope="module")
def production(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project as an image of the service has it, and none of the models' files."""
    project = generate(tmp_path_factory.mktemp("production") / "projects", ANSWERS)
    for folder in ("mlops", "models"):
        shutil.copytree(shop / folder, project / folder, dirs_exist_ok=True)
    for name in ("model.yaml", "pyproject.toml"):
        shutil.copy(shop / name, project / name)
    initialise(project, "serve,registry")
    (project / "local_assets").mkdir()
    store = Path("local_assets") / "feature_store.db"
    shutil.copy(shop / store, project / store)
    return project


@pytest.fixture(scope="module")
def azure(shop: Path) -> Iterator[AzureML]:
    with AzureML(python_of(shop)) as azure:
        yield azure


@pytest.fixture(scope="module")
def in_workspace(shop: Path, azure: AzureML) -> Any:
    """The state in which the workspace has everything, and the registry nothing."""
    done = said_by(shop, azure.settings(), "-W", "ignore", "-c", REGISTER)
    assert done.returncode == 0, done.stderr
    return azure.state()


@pytest.fixture(scope="module")
def in_registry(shop: Path, azure: AzureML, in_workspace: Any) -> Any:
    """The state in which the registry has everything too."""
    azure.restore(in_workspace)
    azure.registry.shares_tags = True
    assert publish(shop, azure)[0] == 0
    return azure.state()


@pytest.fixture
def emulator(azure: AzureML, in_workspace: Any) -> Iterator[AzureML]:
    """Azure ML with everything in the workspace, and nothing in the registry."""
    azure.restore(in_workspace)
    azure.registry.shares_tags = True
    yield azure
    assert azure.unknown == []


@pytest.fixture
def published(emulator: AzureML, in_registry: Any) -> AzureML:
    emulator.restore(in_registry)
    return emulator


def publish(
    shop: Path, emulator: AzureML, managed: bool = False
) -> tuple[int, list[str], list[str]]:
    """The exit code of the verb, and the lines of both its streams."""
    done = said_by(shop, emulator.settings(managed), "-m", "seedling", PUBLISH)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def said(words: str, *names: str) -> list[str]:
    return [f"{name}, version 1: {words}" for name in names]


def there(emulator: AzureML, kind: str, name: str) -> dict[str, Any]:
    """The properties of an asset in the registry."""
    return emulator.documents.get(f"registries/registry/{kind}/{name}/versions/1")["properties"]


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def writes(emulator: AzureML) -> list[str]:
    """What was written to the registry."""
    changing = [path for method, path in emulator.requests if method in ("PUT", "POST", "PATCH")]
    return [path for path in changing if REMOTE in path]


@pytest.mark.parametrize("managed", [False, True], ids=["principal", "managed"])
def test_what_the_workspace_has_is_published_once(
    shop: Path, emulator: AzureML, managed: bool, tmp_path: Path
):
    assert publish(shop, emulator, managed) == (0, said("published", DATASET, *MODELS), [])
    for name in MODELS:
        found = there(emulator, "models", name)
        workspace = emulator.documents.get(f"workspaces/workspace/models/{name}/versions/1")
        assert found["tags"] == workspace["properties"]["tags"]
        assert {"sha256", "model", "stage"} <= found["tags"].keys()
        emulator.jobs.assets.fetch(found["modelUri"], tmp_path / name)
        assert files(tmp_path / name) == files(shop / "local_assets" / "models" / name / "1")
    assert there(emulator, "data", DATASET)["tags"]["rows"] == "6000"
    before = writes(emulator)
    again = publish(shop, emulator, managed)
    assert again == (0, said("is there already", DATASET, *MODELS), [])
    assert writes(emulator) == before


def test_tags_that_azure_does_not_bring_are_written(shop: Path, emulator: AzureML):
    emulator.registry.shares_tags = False
    emulator.fault("PUT", f"{REMOTE}models/{FIRST}/versions/1", 403, times=9)
    code, out, err = publish(shop, emulator)
    assert (code, out) == (1, said("published", DATASET, SECOND))
    assert f"Writing the tags of {FIRST}, version 1" in err[0]
    assert there(emulator, "models", FIRST)["tags"] == {}
    assert there(emulator, "data", DATASET)["tags"]["rows"] == "6000"
    emulator.clear_faults()
    code, out, err = publish(shop, emulator)
    assert (code, err) == (0, [])
    assert out == said("is there already", DATASET, *MODELS)
    assert {"sha256", "model", "stage"} <= there(emulator, "models", FIRST)["tags"].keys()


def test_what_has_no_hash_and_other_files_is_told(shop: Path, emulator: AzureML):
    emulator.registry.shares_tags = False
    emulator.fault("PUT", f"{REMOTE}models/{FIRST}/versions/1", 403, times=9)
    publish(shop, emulator)
    emulator.clear_faults()
    spoil(emulator, FIRST)
    code, _, err = publish(shop, emulator)
    assert code == 1
    assert err[0].startswith(f"{FIRST}, version 1, is in the registry registry with other files")


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "the token is not accepted"), (403, "may not do that"), (409, "Azure answers 409")],
)
def test_a_refusal_is_told_as_what_it_is(shop: Path, emulator: AzureML, status: int, words: str):
    emulator.fault("GET", f"{REMOTE}models/{FIRST}/versions", status, times=9)
    code, out, err = publish(shop, emulator)
    assert (code, out) == (1, said("published", DATASET, SECOND))
    (line,) = err
    assert line.startswith(f"Looking for {FIRST}, version 1, in the registry registry: ")
    assert words in line
    assert "is not in" not in line


def test_who_may_not_publish_is_told_so(shop: Path, emulator: AzureML):
    emulator.fault("POST", f"{REMOTE}import", 403, times=9)
    code, out, err = publish(shop, emulator)
    assert (code, out, len(err)) == (1, [], 3)
    assert err[0].startswith("Publishing income, version 1: the caller may not do that.")


def test_a_registry_that_refuses_is_told_once(shop: Path, emulator: AzureML):
    emulator.fault("GET", "registrymanagement", 403, times=9)
    code, out, err = publish(shop, emulator)
    assert (code, out, len(err)) == (1, [], 1)
    assert "Opening the registry registry: the caller may not do that." in err[0]


def test_what_is_missing_does_not_stop_the_others(shop: Path, emulator: AzureML):
    emulator.documents.remove(f"workspaces/workspace/data/{DATASET}/versions/1")
    emulator.documents.remove(f"workspaces/workspace/models/{FIRST}/versions/1")
    code, out, err = publish(shop, emulator)
    assert (code, out) == (1, said("published", SECOND))
    assert err == [
        f"{DATASET}, version 1, is not in the workspace: run register-datasets-in-aml.",
        f"{FIRST}, version 1, is not in the workspace: run train-model-in-aml.",
    ]


def test_a_clash_of_hashes_is_told(shop: Path, published: AzureML):
    emulator = published
    wrong = {"tags": {"sha256": "0" * 64}}
    emulator.documents.change(f"registries/registry/data/{DATASET}/versions/1", **wrong)
    emulator.documents.change(f"registries/registry/models/{FIRST}/versions/1", **wrong)
    emulator.documents.change(f"workspaces/workspace/models/{SECOND}/versions/1", **wrong)
    code, out, err = publish(shop, emulator)
    assert (code, out) == (1, [])
    for line, name in zip(err[:2], (DATASET, FIRST), strict=True):
        assert line == (
            f"{name}, version 1, is in the registry registry with other files: "
            "give it another version."
        )
    assert err[2].startswith(f"{SECOND}, version 1, has another hash in the workspace than in")


def test_doctor_names_the_registry(shop: Path, emulator: AzureML):
    printed = said_by(shop, emulator.settings(), "-m", "seedling", "doctor").stdout
    assert "registry: registry, for publishing and for a service in production" in printed


def spoil(emulator: AzureML, model: str) -> None:
    """Change a byte of the model's files in the registry's storage."""
    container = there(emulator, "models", model)["modelUri"].split("/")[-2]
    blobs = emulator.storage.blobs
    key = next(key for key in blobs if key[0] == container and key[1].endswith("model.pkl"))
    blobs[key].data = blobs[key].data[:-1] + b"!"


def settings(emulator: AzureML, folder: Path, managed: bool = False) -> dict[str, str]:
    """What the service finds in its environment in production."""
    found = emulator.settings(managed)
    own = {name: value for name, value in found.items() if not name.startswith("AZUREML_ARM")}
    where = {"MODELS_FOLDER": str(folder), "SPOOL_FOLDER": str(folder.with_name("spool"))}
    where["DATASETS_FOLDER"] = str(folder.with_name("datasets"))
    return own | where | {"ENVIRONMENT": "prod", "API_KEY": KEY}


def predict(server: Server, model: str, shop: Path) -> tuple[int, Any]:
    path = shop / "models" / model / "test" / "test_instances.json"
    body = json.loads(path.read_text())
    return ask(f"{server.address}/{model}/predict", body, headers())


def headers() -> dict[str, str]:
    return {"X-API-Key": KEY, "Content-Type": "application/json"}


def ready(server: Server) -> tuple[int, Any]:
    """What `/ready` answers once serve.py is loaded, which takes its time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status, answer = ask(f"{server.address}/ready", headers=headers())
        if "still being loaded" not in answer["problems"].get("run", ""):
            return status, answer
        time.sleep(0.2)
    raise AssertionError(answer)


def downloads(emulator: AzureML) -> list[str]:
    """Which models' files were asked for, in that order."""
    asked = [path for method, path in emulator.requests if method == "POST"]
    return [path.split("/datarefs/")[1].split("/")[0] for path in asked if "/datarefs/" in path]


@pytest.mark.parametrize("managed", [False, True], ids=["principal", "managed"])
def test_a_service_in_production_loads_its_models_from_the_registry(
    production: Path, published: AzureML, shop: Path, tmp_path: Path, managed: bool
):
    missing = call([python_of(production), "-c", "import azure.ai.ml"], production)
    assert "ModuleNotFoundError" in missing.stdout  # the service needs the small group only
    variables = settings(published, tmp_path / "models", managed)
    with running(production, **variables) as server:
        for model in ("logistic_regression", "second"):
            status, answer = predict(server, model, shop)
            assert status == 200, answer
            assert answer["payload"]["version"] == "1"
        status, answer = ready(server)
        assert status == 200, answer
        assert len(server.workers()) == 2
        assert "datasets" not in answer.get("warnings", {})
    assert downloads(published) == [*MODELS, DATASET]  # once, though there are two workers
    rows = tmp_path / "datasets" / DATASET / "1" / "income.parquet"
    assert rows.read_bytes() == (shop / "local_assets/datasets/income.parquet").read_bytes()
    for name in MODELS:
        assert files(tmp_path / "models" / name / "1") == files(
            shop / "local_assets" / "models" / name / "1"
        )
    with running(production, **variables) as server:
        assert predict(server, "second", shop)[0] == 200
        assert ready(server)[0] == 200
    assert downloads(published) == [*MODELS, DATASET]


def test_what_was_changed_in_the_registry_is_not_served(
    production: Path, published: AzureML, shop: Path, tmp_path: Path
):
    spoil(published, FIRST)
    with running(production, **settings(published, tmp_path / "models")) as server:
        status, answer = predict(server, "logistic_regression", shop)
        assert status == 503
        assert "its files' hash differs" in answer["payload"]["error"]
        assert predict(server, "second", shop)[0] == 200
        status, answer = ready(server)
        assert status == 503
        assert "second" not in answer["problems"]
        assert f"{FIRST}, version 1, is not served" in answer["problems"]["logistic_regression"]
        lines = [line for line in server.log.read_text().splitlines() if "hash differs" in line]
        assert len(lines) == 1
    assert not (tmp_path / "models" / FIRST / "1").exists()


@pytest.mark.parametrize(
    ("where", "fault", "words"),
    [
        ("registrymanagement", {"status": 503}, "the registry registry: Azure answers 503."),
        ("registrymanagement", {"cut": True}, "the registry registry: Azure is not reached"),
        ("/datarefs/", {"status": 403}, "the caller may not read it"),
        (f"{REMOTE}models/", {"status": 404}, "there is none such"),
        ("/upload-", {"status": 503}, "Azure answers 503."),
    ],
    ids=["down", "cut", "refused", "missing", "storage"],
)
def test_a_registry_that_is_away_is_told(
    production: Path,
    published: AzureML,
    tmp_path: Path,
    where: str,
    fault: dict[str, Any],
    words: str,
):
    published.fault("*", where, times=999, **fault)
    with running(production, **settings(published, tmp_path / "models")) as server:
        status, answer = ready(server)
        assert status == 503
        for model in ("logistic_regression", "second"):
            assert words in answer["problems"][model]
        log = server.log.read_text()
        assert "Traceback" not in log
        assert "sig=" not in log + str(answer)
        assert sum(f"{FIRST}, version 1, is not served" in line for line in log.splitlines()) == 1


def test_what_passes_is_tried_again(
    production: Path, published: AzureML, shop: Path, tmp_path: Path
):
    published.fault("GET", "registrymanagement", 503, times=2)
    published.fault("POST", "/datarefs/", 429)
    published.fault("GET", "/upload-", cut=True)
    with running(production, **settings(published, tmp_path / "models")) as server:
        assert predict(server, "logistic_regression", shop)[0] == 200


def test_a_clone_serves_what_its_workspace_has_registered(
    shop: Path, emulator: AzureML, tmp_path: Path
):
    variables = settings(emulator, tmp_path / "models") | emulator.settings() | {"ENVIRONMENT": ""}
    with running(shop, **variables) as server:
        for model in ("logistic_regression", "second"):
            assert predict(server, model, shop)[0] == 200
    for name in MODELS:
        assert files(tmp_path / "models" / name / "1") == files(
            shop / "local_assets" / "models" / name / "1"
        )
    done = said_by(shop, variables, "-W", "ignore", "-m", "seedling", "download-models")
    assert done.stdout.splitlines() == said_of_models("is here already")
    shutil.rmtree(tmp_path / "models" / SECOND)
    done = said_by(shop, variables, "-W", "ignore", "-m", "seedling", "download-models")
    assert done.stdout.splitlines()[1] == f"{SECOND}, version 1, was downloaded"
    assert writes(emulator) == []


def said_of_models(words: str) -> list[str]:
    return [f"{name}, version 1, {words}" for name in MODELS]


def test_on_this_machine_nothing_is_downloaded_without_the_sdk(
    production: Path, published: AzureML, tmp_path: Path
):
    variables = settings(published, tmp_path / "models") | published.settings()
    variables["ENVIRONMENT"] = ""
    before = len(published.requests)
    with running(production, **variables) as server:
        status, answer = ready(server)
        assert status == 503
        assert "run init with the group `aml`; then download-models" in answer["problems"]["second"]
    assert len(published.requests) == before


def test_a_folder_that_cannot_be_written_is_told(
    production: Path, published: AzureML, tmp_path: Path
):
    taken = tmp_path / "models"
    taken.write_text("a file where the folder would be")
    with running(production, **settings(published, taken)) as server:
        problem = ready(server)[1]["problems"]["second"]
        assert "cannot be written" in problem
        assert "MODELS_FOLDER" in problem
