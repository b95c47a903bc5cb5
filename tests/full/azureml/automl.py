"""AutoML jobs: this stand-in fits one simple model, and leaves it as a search leaves its best one.

No search of Azure's has run for that, nor has a model of its runtime been loaded.
"""

import shlex
from pathlib import Path
from typing import Any

from azureml.assets import Asset
from azureml.documents import Document
from azureml.messages import Refused
from azureml.runs import Run
from azureml.steps import Step
from azureml.storage import CONTAINER

WORKER = Path(__file__).with_name("automl_worker.py")
BEST = "found"
# A tag of the search names its best trial, which has the model among the artifacts of its run.
TAG, MODEL = "automl_best_child_run_id", "outputs/mlflow-model"
METRICS = {
    "Classification": (
        *("AUCWeighted", "Accuracy", "NormMacroRecall"),
        *("AveragePrecisionScoreWeighted", "PrecisionScoreWeighted"),
    ),
    "Regression": (
        *("SpearmanCorrelation", "NormalizedRootMeanSquaredError", "R2Score"),
        "NormalizedMeanAbsoluteError",
    ),
}


def refuse(properties: Document) -> None:
    """What the service refuses as it is submitted."""
    task = properties["taskDetails"]
    metrics = METRICS.get(task["taskType"])
    if metrics is None:
        raise Refused(400, "UserError", f"The task {task['taskType']} is not emulated.")
    if task["primaryMetric"] not in metrics:
        raise Refused(400, "UserError", f"{task['primaryMetric']} is no metric of the task.")
    if task["trainingData"]["jobInputType"] != "mltable":
        raise Refused(400, "UserError", "Training data must be an MLTable.")
    limits = task.get("limitSettings") or {}
    if limits.get("maxConcurrentTrials", 1) > limits.get("maxTrials", 1000):
        raise Refused(400, "UserError", "There are more concurrent trials than trials.")


def perform(jobs: Any, run: Run, properties: Document) -> None:
    """Run the one trial, and end the search as Azure ends one."""
    jobs.start(run)
    run.tracked = jobs.proxy.new_run(run.experiment)
    jobs.proxy.aliases[run.id] = run.tracked
    child = jobs.perform_child(run, step_of(properties))
    if child.status == "Completed":
        for path, file in jobs.assets.files(child.outputs[BEST].uri).items():
            jobs.storage.put(CONTAINER, f"ExperimentRun/dcid.{child.tracked}/{MODEL}/{path}", file)
        jobs.proxy.tag(run.tracked, TAG, child.tracked)
    jobs.end(run, child.status, child.error)


def step_of(properties: Document) -> Step:
    """The fit of the one model."""
    task = properties["taskDetails"]
    data = task["trainingData"]
    words = ["python", str(WORKER), "--task", task["taskType"]]
    words += ["--target", task["targetColumnName"]]
    places = "--data ${{inputs.data}} --output ${{outputs." + BEST + "}}"
    return Step(
        name="0",
        command=f"{shlex.join(words)} {places}",
        inputs={"data": Asset("mltable", data["uri"])},
        types={"data": "mltable"},
        outputs={BEST: "uri_folder"},
        bindings={},
        variables={},
        code=None,
    )
