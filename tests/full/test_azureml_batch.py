"""Batch scoring on Azure ML: the real SDK against the stand-in, which runs the scoring script."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_project import ROW, ask, say, steps_python
from azureml.emulator import AzureML
from baking import python_of, run
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "finance", "project_name": "Batches", "models": "logistic_regression"}
SCRIPT = "internal/seedling/azure/score.py"
OWN = {
    "endpoint_desc": "Scores files at night.",
    "deployment_name": "nightly",
    "deployment_instance_count": 2,
    "test_file_path": "serve/rows.json",
    "mini_batch_size": 2,
    "max_concurrency_per_instance": 3,
    "output_file_name": "scores.csv",
    "max_retries": 1,
    "retry_timeout": 60,
}
INSTANCES = {"payload": {"instances": [ROW] * 3}}
ENDPOINT = "workspaces/workspace/batchEndpoints/batches-batch"
FILES = """
import pandas as pd

rows = pd.read_parquet("local_assets/datasets/income.parquet").drop(columns="income")
rows[:300].to_csv("{folder}/b.csv", index=False)
rows[300:500].to_parquet("{folder}/a.parquet")
rows[500:].to_csv("{folder}/c.csv", index=False, sep=";")
"""


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    """A project with the SDK and a registered model."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    verb(project, "train")
    return project


@pytest.fixture(scope="module")
def steps(cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steps_python(cloud, tmp_path_factory.mktemp("steps"), "serve", "plain", "train")


@pytest.fixture
def emulator(steps: Path) -> Iterator[AzureML]:
    with AzureML(steps) as emulator:
        yield emulator
        assert emulator.unknown == []


@pytest.fixture(scope="module")
def deployed(cloud: Path, steps: Path) -> Iterator[AzureML]:
    """A workspace whose endpoint scores files."""
    (cloud / "serve" / "rows.json").write_text(json.dumps(INSTANCES), encoding="utf-8")
    before = (cloud / "model.yaml").read_text(encoding="utf-8")
    say(cloud, {"models": {"logistic_regression": {"batch": OWN}}})
    with AzureML(steps) as emulator:
        done = ask(cloud, emulator.settings(), "deploy-batch")
        (cloud / "model.yaml").write_text(before, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        assert "nightly-1 of batches-batch scores files now" in done.stdout
        yield emulator
        assert emulator.unknown == []


@pytest.fixture
def source(cloud: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    run([python_of(cloud), "-c", FILES.format(folder=folder)], cloud)
    return folder


def default(emulator: AzureML) -> str:
    """The name of the deployment that answers."""
    return emulator.documents.get(ENDPOINT)["properties"]["defaults"]["deploymentName"]


def test_azure_and_this_machine_score_to_the_same_bytes(
    cloud: Path, deployed: AzureML, source: Path, tmp_path: Path
):
    endpoint = deployed.documents.get(ENDPOINT)["properties"]
    assert endpoint["description"] == OWN["endpoint_desc"]
    deployment = deployed.documents.get(f"{ENDPOINT}/deployments/nightly-1")["properties"]
    assert deployment["errorThreshold"] == 0
    assert deployment["miniBatchSize"] == 2
    assert deployment["maxConcurrencyPerInstance"] == 3
    assert deployment["outputFileName"] == "scores.csv"
    assert deployment["retrySettings"] == {"maxRetries": 1, "timeout": "PT1M"}
    assert deployment["resources"]["instanceCount"] == 2
    assert deployment["codeConfiguration"]["scoringScript"] == SCRIPT
    assert deployment["environmentVariables"]["SCORED"] == "files"
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    verb(cloud, "batch-score", str(source), str(here))
    scored = ask(
        cloud, deployed.settings(), "batch-score-in-aml", str(source), "--output", str(there)
    )
    assert scored.returncode == 0, scored.stderr
    assert "The predictions of 6,000 rows are in" in scored.stdout
    assert there.read_bytes() == here.read_bytes()


def test_a_mini_batch_that_is_delivered_twice_is_in_the_result_once(
    cloud: Path, deployed: AzureML, source: Path, tmp_path: Path
):
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    verb(cloud, "batch-score", str(source), str(here))
    deployed.batch.twice = True
    try:
        scored = ask(
            cloud, deployed.settings(), "batch-score-in-aml", str(source), "--output", str(there)
        )
    finally:
        deployed.batch.twice = False
    assert scored.returncode == 0, scored.stderr
    assert "The predictions of 6,000 rows are in" in scored.stdout
    assert there.read_bytes() == here.read_bytes()


def test_a_job_that_was_left_is_followed_later(cloud: Path, deployed: AzureML, source: Path):
    one = str(source / "b.csv")
    left = ask(cloud, deployed.settings(), "batch-score-in-aml", one, "--no-wait")
    (job,) = re.findall(r"Submitted (\S+)\.", left.stdout)
    followed = ask(cloud, deployed.settings(), "batch-score-in-aml", "--follow", job)
    assert followed.returncode == 0, followed.stderr
    assert "The predictions of 300 rows are in predictions.csv." in followed.stdout
    (cloud / "predictions.csv").unlink()


def test_a_data_asset_is_scored_where_it_is(cloud: Path, deployed: AzureML, tmp_path: Path):
    assert ask(cloud, deployed.settings(), "register-datasets-in-aml").returncode == 0
    target = tmp_path / "there.csv"
    asked = ("batch-score-in-aml", "azureml:income:1", "--output", str(target))
    scored = ask(cloud, deployed.settings(), *asked)
    assert scored.returncode == 0, scored.stderr
    lines = target.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6_001
    assert lines[1].startswith("income.parquet,1,")


def test_a_faulty_file_fails_the_job_and_is_named(
    cloud: Path, deployed: AzureML, source: Path, tmp_path: Path
):
    (source / "d.csv").write_text("age\nmuch\n", encoding="utf-8")
    target = tmp_path / "there.csv"
    scored = ask(
        cloud, deployed.settings(), "batch-score-in-aml", str(source), "--output", str(target)
    )
    assert scored.returncode == 1
    assert "failed: d.csv: the column workclass is missing" in scored.stderr
    assert not target.exists()


def test_a_deployment_that_fails_its_trial_is_removed_and_the_other_goes_on(
    cloud: Path, deployed: AzureML
):
    script = cloud / SCRIPT
    sound = script.read_text(encoding="utf-8")
    script.write_text(sound + "\n\ndef run(mini_batch):\n    return []\n", encoding="utf-8")
    try:
        failed = ask(cloud, deployed.settings(), "deploy-batch")
    finally:
        script.write_text(sound, encoding="utf-8")
    assert failed.returncode == 1
    assert "The deployment batch-1 is removed." in failed.stderr
    assert default(deployed) == "nightly-1"
    there = deployed.documents.children(f"{ENDPOINT}/deployments")
    assert [one["name"] for one in there] == ["nightly-1"]


def test_a_taken_name_is_bumped_and_the_endpoint_found_again(cloud: Path, emulator: AzureML):
    emulator.batch.taken.add("batches-batch")
    for number in (1, 2):
        done = ask(cloud, emulator.settings(), "deploy-batch")
        assert done.returncode == 0, done.stderr
        assert f"batch-{number} of batches-batch-2 scores files now" in done.stdout


def test_without_an_endpoint_the_verb_says_which_one_makes_it(
    cloud: Path, emulator: AzureML, source: Path
):
    asked = ask(cloud, emulator.settings(), "batch-score-in-aml", str(source))
    assert asked.returncode == 1
    assert "has no batch endpoint of batches for the environment dev: run deploy-batch" in (
        asked.stderr
    )
