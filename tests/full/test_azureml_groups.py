"""One table summed up by many nodes of Azure ML: the real SDK submits, the stand-in runs it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from azure_project import ask, steps_python
from azureml.emulator import AzureML
from azureml.messages import Refused
from azureml.parallel import command_of
from warm import verb

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "retail", "project_name": "Grouped"}
MODEL = "grouped_linear_regression"
IN_AML = ("train-model-in-aml", "--job", "parallel")
LEAVES = ("coefficient.csv", "rmse.csv")
NODE = {
    "input_data": "${{inputs.rows}}",
    "mini_batch_size": 1,
    "retry_settings": {"max_retries": 3},
}
TASK = {
    "type": "run_function",
    "entry_script": "fit.py",
    "append_row_to": "${{outputs.found}}",
}


@pytest.fixture(scope="module")
def cloud(installed) -> Path:
    """A project with the SDK and a dataset of many parts."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    verb(project, "create-local-datasets")
    return project


@pytest.fixture(scope="module")
def steps(cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steps_python(cloud, tmp_path_factory.mktemp("steps"), "train", "aml")


@pytest.fixture
def emulator(cloud: Path, steps: Path, mlflow: str) -> Iterator[AzureML]:
    """A workspace that has the dataset; the project is put back afterwards."""
    path = cloud / "model.yaml"
    settings = path.read_text()
    with AzureML(steps, mlflow=mlflow) as emulator:
        yield emulator
        assert emulator.unknown == []
    path.write_text(settings)
    shutil.rmtree(cloud / "local_assets" / "models", ignore_errors=True)


def beyond_memory(project: Path) -> None:
    path = project / "model.yaml"
    text = path.read_text()
    path.write_text(text.replace("  holdout: 0.2\n", "  holdout: 0.2\n  rows_in_memory: 1000\n"))


def left(project: Path) -> list[pd.DataFrame]:
    folder = project / "local_assets" / "Training_Output"
    return [pd.read_csv(folder / name, dtype={"product_id": str}) for name in LEAVES]


def log_of(emulator: AzureML) -> str:
    """What the parallel step has said."""
    blobs = emulator.storage.blobs
    (log,) = [b for name, b in blobs.items() if f"sum_{MODEL}/user_logs/" in str(name)]
    return log.data.decode()


def test_many_nodes_train_the_model_that_one_machine_trains(cloud: Path, emulator: AzureML):
    """Though a mini-batch is delivered twice, and two of them to two nodes."""
    beyond_memory(cloud)
    verb(cloud, "train")
    wanted = left(cloud)
    shutil.rmtree(cloud / "local_assets" / "Training_Output")
    shutil.rmtree(cloud / "local_assets" / "models")

    emulator.jobs.twice = True
    settings = emulator.settings()
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    done = ask(cloud, settings, *IN_AML)
    assert done.returncode == 0, done.stderr
    assert f"Registered as grouped-demand-{MODEL}, version 1" in done.stdout
    for here, there in zip(wanted, left(cloud), strict=True):
        pd.testing.assert_frame_equal(here, there, rtol=1e-9, atol=1e-12)
    tags = emulator.documents.get(f"workspaces/workspace/models/grouped-demand-{MODEL}/versions/1")
    assert tags["properties"]["tags"]["role"] == "champion"
    assert list((cloud / "local_assets" / "reports").glob(f"*/{MODEL}/report.html"))
    jobs = emulator.documents.children("workspaces/workspace/jobs")
    (job,) = [one for one in jobs if one["properties"]]  # the steps have none
    node = job["properties"]["jobs"][f"sum_{MODEL}"]
    assert node["resources"]["instance_count"] == 4
    assert node["mini_batch_error_threshold"] == node["error_threshold"] == 0
    names = [str(name) for name in emulator.storage.blobs]
    sums = [name for name in names if re.search(r"/sums/\d{12}-[0-9a-f]{32}\.parquet", name)]
    assert len(sums) == len({name.rpartition("/")[2].partition("-")[0] for name in sums}) > 1


def test_rows_that_fit_into_memory_are_refused_before_anything_is_submitted(
    cloud: Path, emulator: AzureML
):
    refused = ask(cloud, emulator.settings(), *IN_AML)
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert "which fit into memory (rows_in_memory of model.yaml is 5,000,000)" in last
    assert not emulator.documents.children("workspaces/workspace/jobs")


def test_a_part_that_the_script_stumbles_over_fails_the_job(cloud: Path, emulator: AzureML):
    beyond_memory(cloud)
    settings = emulator.settings()
    assert ask(cloud, settings, "register-datasets-in-aml").returncode == 0
    script = cloud / "internal/seedling/azure/sums_entry.py"
    text = script.read_text(encoding="utf-8")
    broken = text.replace(
        "    return [sums.write(",
        "    assert not mini_batch[0].endswith('000000000000.parquet')\n    return [sums.write(",
    )
    assert broken != text
    script.write_text(broken, encoding="utf-8")
    try:
        failed = ask(cloud, settings, *IN_AML)
    finally:
        script.write_text(text, encoding="utf-8")
    assert failed.returncode == 1
    assert f" failed: sum_{MODEL} failed: " in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert log_of(emulator).count("AssertionError") == 4  # tried again three times


@pytest.mark.parametrize(
    ("changed", "task", "word"),
    [
        ({"mini_batch_size": "10kb"}, {}, "mini_batch_size 10kb"),
        ({"partition_keys": '["store"]'}, {}, "partition_keys"),
        ({"input_data": "${{inputs.other}}"}, {}, "input_data"),
        ({}, {"append_row_to": "${{outputs.other}}"}, "append_row_to"),
        ({}, {"type": "model"}, "a task of the type model"),
    ],
    ids=["bytes", "partitions", "input", "output", "task"],
)
def test_the_stand_in_refuses_what_it_does_not_do(
    changed: dict[str, Any], task: dict[str, Any], word: str
):
    spec = {
        "inputs": {"rows": {"type": "uri_folder"}},
        "outputs": {"found": {"type": "uri_file"}},
        "task": TASK,
    }
    assert "--size 1 --retries 3" in command_of("fit", NODE, spec)
    with pytest.raises(Refused, match=word):
        command_of("fit", NODE | changed, spec | {"task": TASK | task})
