"""A project's verbs for Azure ML, with the real SDK, against a stand-in on loopback."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_project import ask, said_by, told
from azureml.emulator import AzureML
from baking import python_of
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Cloud", "models": "logistic_regression"}
DATA = "workspaces/workspace/data/income"
REGISTER = "register-datasets-in-aml"
FEWER_ROWS = """
from seedling.data import datasets
from seedling.config import Project

project = Project.find()
(income,) = project.config.datasets
datasets.save(project, income, datasets.load(project, income).head(100))
"""


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    """A project with the SDK, and with a dataset."""
    project = installed(ANSWERS, "train,serve,dev,aml,blob")
    verb(project, "create-local-datasets")
    return project


@pytest.fixture
def emulator(cloud: Path) -> Iterator[AzureML]:
    with AzureML(python_of(cloud)) as emulator:
        yield emulator
        assert emulator.unknown == []


@pytest.mark.parametrize("managed", [False, True], ids=["principal", "managed"])
def test_a_dataset_is_registered_once(cloud: Path, emulator: AzureML, managed: bool):
    settings = emulator.settings(managed)
    first = ask(cloud, settings, REGISTER)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "income, version 1 is registered, 6,000 rows\n"
    found = emulator.documents.find(f"{DATA}/versions/1")
    assert found["properties"]["tags"]["rows"] == "6000"
    table = (cloud / "local_assets" / "datasets" / "income.parquet").read_bytes()
    assert table in [blob.data for blob in emulator.storage.blobs.values()]
    puts = [path for method, path in emulator.requests if method == "PUT"]
    again = ask(cloud, settings, REGISTER)
    assert (again.returncode, again.stdout) == (0, "income, version 1 is registered already\n")
    assert [path for method, path in emulator.requests if method == "PUT"] == puts


def test_other_rows_need_another_version(cloud: Path, emulator: AzureML):
    assert ask(cloud, emulator.settings(), REGISTER).returncode == 0
    fewer = said_by(cloud, {}, "-c", FEWER_ROWS)
    assert fewer.returncode == 0, fewer.stderr
    try:
        clash = ask(cloud, emulator.settings(), REGISTER)
    finally:
        verb(cloud, "create-local-datasets")
    assert clash.returncode == 1
    assert clash.stderr == (
        "income, version 1 is registered with other rows: give it another version in model.yaml.\n"
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "the token is not accepted"), (403, "may not do that"), (409, "Azure answers 409")],
)
def test_a_refusal_is_told_in_words(cloud: Path, emulator: AzureML, status: int, said: str):
    emulator.fault("*", "/data/income/versions", status, times=20)
    refused = ask(cloud, emulator.settings(), REGISTER)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    emulator.clear_faults()
    assert ask(cloud, emulator.settings(), REGISTER).returncode == 0


def test_what_passes_is_tried_again(cloud: Path, emulator: AzureML):
    emulator.fault("GET", "/data/income/versions", 429, times=2)
    emulator.fault("GET", "/data/income/versions", cut=True)
    done = ask(cloud, emulator.settings(), REGISTER)
    assert done.returncode == 0, done.stderr


def test_who_asks_must_be_known(cloud: Path, emulator: AzureML):
    settings = emulator.settings()
    nobody = {name: value for name, value in settings.items() if "CLIENT" not in name}
    refused = ask(cloud, nobody | {"PATH": os.defpath}, REGISTER)
    assert refused.returncode == 1
    assert "There is no Azure credential" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_doctor_says_which_workspace(cloud: Path, emulator: AzureML):
    said = ask(cloud, emulator.settings(), "doctor").stdout
    assert "azure ml: workspace in" in said
    assert "service principal" in said


def cold(
    project: Path, settings: dict[str, str], *words: str
) -> "subprocess.CompletedProcess[str]":
    """A verb that begins as a person does: aiohttp reads SSL_CERT_FILE as it is loaded."""
    command = [python_of(project), "-m", "seedling", *words]
    return subprocess.run(
        command, cwd=project, env=told(settings), capture_output=True, text=True, timeout=180
    )


def test_a_blob_is_a_datasets_source_as_a_file_is(cloud: Path, emulator: AzureML, tmp_path: Path):
    """By fsspec and adlfs, as the identity of the other verbs; each command downloads it once."""
    left_out = shutil.ignore_patterns(".venv", "internal", "local_assets", "runs")
    project = Path(shutil.copytree(cloud, tmp_path / "copy", ignore=left_out))
    (project / ".venv").symlink_to(cloud / ".venv")
    table = (cloud / "local_assets" / "datasets" / "income.parquet").read_bytes()
    emulator.storage.put("tables", "2026/income of may.parquet", table)
    host = emulator.storage.account.removesuffix("/storage")
    account = {"AZURE_STORAGE_ACCOUNT_NAME": f"{host}/storage"}
    settings = emulator.settings() | account | {"SSL_CERT_FILE": str(emulator.certificate)}
    url = "az://tables/2026/income of may.parquet"
    words = ("create-local-datasets", "--from", url, "--target", "income", "--key", "person_id")
    done = cold(project, settings, *words, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "income_of_may.parquet: 6,000 rows" in done.stdout
    assert f"source: {url}" in (project / "model.yaml").read_text(encoding="utf-8")
    read = [path for method, path in emulator.requests if method == "GET" and "/tables/" in path]
    assert len(read) == 1
    assert cold(project, settings, "create-local-datasets").returncode == 0
    assert emulator.storage.callers == {"Bearer"}

    def refused(where: str, **other: str) -> str:
        done = cold(project, settings | other, "add-dataset", "--from", where, "--name", "other")
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    for name in ("a", "b"):
        emulator.storage.put("tables", f"inputs/place={name}/part.parquet", table)
    words = ("add-dataset", "--from", "az://tables/inputs/", "--target", "income", "--yes")
    done = cold(project, settings, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "inputs.parquet: 12,000 rows" in done.stdout
    assert refused("az://tables/none/") == "Error: There is no blob az://tables/none/.\n"
    assert refused("az://tables/none.csv") == "Error: There is no blob az://tables/none.csv.\n"
    assert "AZURE_STORAGE_ACCOUNT_NAME" in refused(url, AZURE_STORAGE_ACCOUNT_NAME="")
    assert "no Azure credential is accepted" in refused(url, AZURE_CLIENT_ID="other")
    emulator.fault("*", "/blob/", 403, times=20)
    assert "it takes the role Storage Blob Data Reader" in refused(url)
