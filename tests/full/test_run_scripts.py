"""Completed run scripts that run here, one for each text of what is filled in."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from baking import environment

pytestmark = pytest.mark.full

PAGE = "internal/parts/azure/files/docs/run-scripts.md"
TREE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
BASE = (TREE / PAGE).read_text(encoding="utf-8").partition("is good:\n\n```text\n")[2]
SKLEARN = BASE.partition("```")[0] + 'tags = {"season": "spring"}\n'
SPACY = """
#=====custom imports
import pandas as pd
import spacy

#=====set experiment and model name
experiment_name = "names"
model_name = "names"

#=====import data
X_train = X_test = pd.DataFrame({"text": ["Ann is here", "So is Bob", "Or Eve"]})
y_train = y_test = [[(0, 3, "name")], [(6, 9, "name")], [(3, 6, "name")]]

#=====custom training code
model = spacy.blank("xx")
model.add_pipe("entity_ruler").add_patterns(
    [{"label": "name", "pattern": "Ann"}, {"label": "name", "pattern": "Bob"}]
)
"""


@pytest.mark.parametrize(
    ("kind", "text", "said", "plot"),
    [
        ("sklearn", SKLEARN, "rmse: ", "predicted_and_true.png"),
        ("spacy", SPACY, "recall: 0.666667\nf1: 0.8\n", "metrics.png"),
    ],
    ids=["sklearn", "spacy"],
)
def test_a_completed_script_leaves_a_run_with_a_registered_model(
    kind: str, text: str, said: str, plot: str, tmp_path: Path
):
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    name = "progression" if kind == "sklearn" else "names"
    described = f"name: {name}\nmodel_name: {name}\nmlflow_model_type: {kind}\n"
    (tmp_path / f"{name}.yml").write_text(described, encoding="utf-8")
    python(tmp_path, "train.py")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    python(tmp_path, "-m", "seedling", "run-script", "build", "train.py")
    shown = python(tmp_path, "train_completed.py")
    assert said in shown
    assert f"Registered as {name}, version 1.\n" in shown
    outputs = tmp_path / "outputs"
    assert f"\n  {kind}:\n" in (outputs / "model" / "MLmodel").read_text(encoding="utf-8")
    metrics = json.loads((outputs / "metrics.json").read_text(encoding="utf-8"))
    assert said.partition(":")[0] in metrics
    instances = json.loads((outputs / "example_inputs.json").read_text(encoding="utf-8"))
    assert instances["instances"]
    assert len([*outputs.rglob(f"plots/{plot}")]) == 1
    with closing(sqlite3.connect(outputs / "mlflow.db")) as store:
        assert store.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]
        found = store.execute("SELECT name, source FROM model_versions").fetchall()
        tags = store.execute("SELECT key, value FROM model_version_tags").fetchall()
    ((registered, source),) = found
    assert registered == name
    assert source.endswith("/artifacts/model")
    assert tags == ([("season", "spring")] if kind == "sklearn" else [])


def test_an_error_of_a_completed_script_ends_its_run_as_failed(tmp_path: Path):
    text = SKLEARN.replace("model = ", "raise SystemError('no heap')\nmodel = ")
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    python(tmp_path, "-m", "seedling", "run-script", "build", "train.py")
    done = run(tmp_path, "train_completed.py")
    assert done.returncode == 1
    assert "SystemError: no heap" in done.stderr
    with closing(sqlite3.connect(tmp_path / "outputs" / "mlflow.db")) as store:
        assert store.execute("SELECT status FROM runs").fetchall() == [("FAILED",)]


def python(folder: Path, *words: str) -> str:
    done = run(folder, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *words]
    own = {**environment(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True)
