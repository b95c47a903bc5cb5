"""Groups fitted on Azure ML: the real SDK submits, the stand-in runs the parallel step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure_project import ask, steps_python
from azureml.emulator import AzureML
from azureml.messages import Refused
from azureml.parallel import command_of
from baking import python_of, run

pytestmark = pytest.mark.full

ANSWERS = {"vertical": "hello_world", "project_name": "Grouped"}
VERB = ("train-groups", "--by", "runner_id")
IN_AML = ("train-groups-in-aml", *VERB[1:])
FILES = ("coefficient.csv", "rmse.csv")
# 1,200 rows of 40 groups; one has too few, one has none that is complete.
ROWS = """
import numpy as np
import pandas as pd
from seedling.data import datasets
from seedling.config import Project

project = Project.find()
generator = np.random.default_rng(0)
rows = pd.DataFrame({
    "runner_id": [f"runner {number}" for number in generator.integers(0, 40, 1_200)],
    "usage": generator.integers(1, 8, 1_200),
    "fitness": generator.integers(1, 6, 1_200),
    "miles": generator.normal(30, 10, 1_200).round(2),
})
few = rows[rows["runner_id"] == "runner 7"].index[3:]
rows.loc[rows["runner_id"] == "runner 9", "usage"] = np.nan
datasets.save(project, project.config.datasets[0], rows.drop(index=few))
"""
PROBLEMS = [
    "Not fitted: runner_id runner 7: 3 complete rows, and 4 are needed.",
    "Not fitted: runner_id runner 9: no complete row.",
]
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
    """A project with the SDK and a dataset in groups."""
    project = installed(ANSWERS, "train,serve,dev,aml")
    run([python_of(project), "-c", ROWS], project)
    return project


@pytest.fixture(scope="module")
def steps(cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return steps_python(cloud, tmp_path_factory.mktemp("steps"), "train")


@pytest.fixture
def emulator(steps: Path) -> Iterator[AzureML]:
    with AzureML(steps) as emulator:
        yield emulator
        assert emulator.unknown == []


def written(project: Path) -> list[bytes]:
    folder = project / "local_assets" / "Training_Output"
    return [(folder / name).read_bytes() for name in FILES]


def log_of(emulator: AzureML) -> str:
    """What the parallel step has said."""
    blobs = emulator.storage.blobs
    (log,) = [blob for name, blob in blobs.items() if "fit_groups/user_logs/" in str(name)]
    return log.data.decode()


@pytest.mark.parametrize(
    ("options", "batches"), [((), 16), (("--files", "3"), 3)], ids=["four-a-node", "three"]
)
def test_the_cluster_writes_what_this_machine_writes(
    cloud: Path, emulator: AzureML, options: tuple[str, ...], batches: int
):
    here = ask(cloud, {}, *VERB)
    assert here.returncode == 1
    assert here.stderr.splitlines() == PROBLEMS
    assert "Fitted 38 groups" in here.stdout
    wanted = written(cloud)
    for name in FILES:
        (cloud / "local_assets" / "Training_Output" / name).unlink()

    there = ask(cloud, emulator.settings(), *IN_AML, *options)
    assert [line for line in there.stderr.splitlines() if "Not fitted" in line] == PROBLEMS
    assert there.returncode == 1
    assert f"39 groups in {batches} files." in there.stdout
    assert there.stdout.splitlines()[-1] == here.stdout.splitlines()[-1]
    assert written(cloud) == wanted
    assert log_of(emulator).count("A mini-batch of 1 files: 1 results.") == batches
    (job,) = emulator.documents.children("workspaces/workspace/jobs")[-1:]
    (node,) = job["properties"]["jobs"].values()
    assert node["resources"]["instance_count"] == min(4, batches)
    assert node["mini_batch_error_threshold"] == node["error_threshold"] == 0


def test_a_group_that_the_script_stumbles_over_fails_the_job(cloud: Path, emulator: AzureML):
    assert ask(cloud, {}, *VERB).returncode == 1
    before = written(cloud)
    script = cloud / "internal/seedling/azure/groups_entry.py"
    text = script.read_text(encoding="utf-8")
    stumbles = "    assert 'part-000001' not in str(path)\n"
    broken = text.replace("    rows = pd", f"{stumbles}    rows = pd")
    assert broken != text
    script.write_text(broken, encoding="utf-8")
    try:
        failed = ask(cloud, emulator.settings(), *IN_AML)
    finally:
        script.write_text(text, encoding="utf-8")
    assert failed.returncode == 1
    assert " failed: fit_groups failed: " in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.stderr
    assert written(cloud) == before
    assert log_of(emulator).count("AssertionError") == 4  # tried again three times


@pytest.mark.parametrize(
    ("changed", "task", "word"),
    [
        ({"mini_batch_size": "10kb"}, {}, "mini_batch_size 10kb"),
        ({"partition_keys": '["store"]'}, {}, "partition_keys"),
        ({"input_data": "${{inputs.other}}"}, {}, "input_data"),
        ({}, {"append_row_to": None}, "append_row_to"),
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


def test_parts_are_for_the_cluster(cloud: Path):
    refused = ask(cloud, {}, *VERB, "--files", "3")
    assert refused.returncode == 2
    assert "No such option" in refused.stderr
