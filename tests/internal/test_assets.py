"""Models from the shared registry: when they are asked for, and what is refused of what arrives."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

import seedling
from seedling.azure.assets import _relative, _write
from seedling.cli.doctor import examine
from seedling.config import Dataset, Project, RegisteredModel
from seedling.containers import images
from seedling.data import instances
from seedling.errors import ProjectError
from seedling.processes import free_port
from seedling.serving import assets
from seedling.serving.app import create_app
from seedling.testing import first_model

Fetch = Callable[[Project, RegisteredModel, Path], None]


@pytest.fixture
def shared(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy that shares what was trained by a registry that it names, with none of the files."""
    root = tmp_path / "shared"
    shutil.copytree(trained.root, root)
    project = Project(root)
    (entry,) = project.config.models
    registered = entry.model_copy(update={"name": f"{project.config.slug}-{entry.name}"})
    models = [registered.model_dump(exclude_defaults=True)]
    project.edit(lambda document: document.update(registry={"name": "all"}, models=models))
    monkeypatch.setenv("MODELS_FOLDER", str(tmp_path / "models"))
    return Project(root)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, trained: Project) -> list[str]:
    """Which versions were asked of a registry that has what was trained."""
    names: list[str] = []
    models = trained.assets / "models"  # MODELS_FOLDER is for the copy

    def fetch(project: Project, registered: RegisteredModel | Dataset, folder: Path) -> None:
        names.append(registered.name)
        if isinstance(registered, Dataset):
            raise ProjectError("there is none such.")
        own_name = registered.name.removeprefix(f"{project.config.slug}-")
        source = models / own_name / registered.version
        if not source.is_dir():
            raise ProjectError("there is none such.")
        shutil.copytree(source, folder, dirs_exist_ok=True)

    use(monkeypatch, fetch)
    return names


def use(monkeypatch: pytest.MonkeyPatch, fetch: Fetch) -> None:
    monkeypatch.setattr(assets.implementations, "find", lambda name: fetch)


def test_what_is_not_here_is_downloaded_once(shared: Project, asked: list[str]) -> None:
    (registered,) = shared.config.models
    for _ in range(2):
        assets.fetch(shared, registered, "prod")
    assert asked == [registered.name]
    client = create_app(shared, environment="prod").test_client()
    assert client.get("/ready").get_json()["models"] == {registered.model: "1"}
    assert asked[0] == registered.name
    assert asked.count(registered.name) == 1


def test_for_app_developers_nothing_is_downloaded(shared: Project, asked: list[str]) -> None:
    assets.fetch(shared, shared.config.models[0], "app-dev")
    assert asked == []


def test_files_with_another_hash_are_not_served(
    shared: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[str] = []

    def fetch(project: Project, registered: RegisteredModel, folder: Path) -> None:
        tries.append(registered.name)
        (folder / "MLmodel").write_text("flavors: {}", encoding="utf-8")

    use(monkeypatch, fetch)
    app = create_app(shared, environment="prod", start=False)  # as before workers are forked
    service = app.extensions["service"]
    service.start()
    service.stop()
    problem = app.test_client().get("/ready").get_json()["problems"][first_model(shared)]
    assert "its files' hash differs" in problem
    assert len(tries) == 1
    assert caplog.text.count("its files' hash differs") == 1
    assert [path.name for path in shared.models_folder.rglob("MLmodel")] == []


def test_a_model_that_is_refused_does_not_stop_the_others(
    shared: Project, asked: list[str]
) -> None:
    (registered,) = shared.config.models
    second = registered.model_copy(update={"version": "2", "share": 0.5})
    shared.edit(lambda document: document["models"].append(second.model_dump(exclude_none=True)))
    service = create_app(Project(shared.root), environment="prod").extensions["service"]
    assert service.roles()["models"] == {registered.model: "1"}
    warnings = [words for name, words in service.warnings.items() if name != "datasets"]
    assert warnings == [
        f"{registered.name}, version 2, is not served: there is none such.",
    ]


def test_the_image_has_what_asks_the_registry(trained: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    shutil.copytree(trained.root, project.root)
    assert "registry" not in images.groups(project)
    project.edit(lambda document: document.update(registry={"name": "models-of-all"}))
    assert images.groups(project)[-1] == "registry"
    findings = {finding.subject: finding.message for finding in examine(project)}
    assert findings["registry"].startswith("models-of-all, ")


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("income/MLmodel", "income", "MLmodel"),
        ("a/income/compiled/linear.json", "a/income", "compiled/linear.json"),
        ("income-more/MLmodel", "income", ""),
        ("data/income.parquet", "data/income.parquet", "income.parquet"),
        ("MLmodel", "", "MLmodel"),
    ],
)
def test_a_blob_has_a_path_in_its_asset(name: str, prefix: str, expected: str) -> None:
    assert _relative(name, prefix) == expected


def test_a_blob_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    blob = SimpleNamespace(name="income/../../elsewhere", metadata=None)
    container = SimpleNamespace(list_blobs=lambda **_: [blob])
    with pytest.raises(ProjectError, match="leads elsewhere"):
        _write(container, "income", tmp_path / "folder")


def mounted(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy whose only model is where Azure ML mounts it, in folders that Azure has named."""
    shutil.copytree(trained.root, tmp_path / "copy")
    project = Project(tmp_path / "copy")
    (entry,) = project.config.models
    place = tmp_path / "azureml-models" / "income" / "7" / "the folder that was uploaded"
    shutil.move(project.model_path(entry), place)
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path / "azureml-models"))
    return Project(project.root)


def test_a_model_is_served_from_where_azure_ml_mounts_it(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = mounted(trained, tmp_path, monkeypatch)
    client = create_app(project).test_client()
    assert client.get("/ready").status_code == 200
    body = {"model": first_model(project), **instances.read(project, first_model(project))}
    assert client.post("/score", json=body).status_code == 200


def test_a_mounted_model_whose_files_are_not_those_registered_is_not_served(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = mounted(trained, tmp_path, monkeypatch)
    next((tmp_path / "azureml-models").rglob("MLmodel")).write_text("flavors: {}\n")
    answer = create_app(project).test_client().get("/ready")
    assert answer.status_code == 503
    assert "nor with its hash below AZUREML_MODEL_DIR" in answer.get_data(as_text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run here")
def test_one_variable_moves_gunicorn_to_the_port_that_azure_ml_asks_for(
    trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a container of Azure ML: BIND=0.0.0.0:8080 and AZUREML_MODEL_DIR; here another port."""
    project, address = mounted(trained, tmp_path, monkeypatch), f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("BIND", address)
    monkeypatch.setenv("WEB_CONCURRENCY", "1")
    paths = os.pathsep.join([str(project.root), str(Path(seedling.__file__).parents[1])])
    monkeypatch.setenv("PYTHONPATH", paths)
    body = {"model": first_model(project), **instances.read(project, first_model(project))}
    with subprocess.Popen([sys.executable, "-m", "gunicorn"], cwd=project.root) as process:
        try:
            assert asked_at(f"http://{address}/healthcheck") == {"status": "OK"}
            answer = asked_at(f"http://{address}/score", json.dumps(body).encode())
        finally:
            process.terminate()
    assert len(answer["predictions"]) == len(body["payload"]["instances"])


def asked_at(url: str, body: bytes | None = None) -> Any:
    """What a service answers that may still be starting."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(Request(url, body), timeout=30) as response:
                return json.load(response)
        except HTTPError as error:
            raise AssertionError(error.read()) from None
        except URLError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
