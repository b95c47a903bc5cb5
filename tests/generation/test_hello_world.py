"""The two scripts at the root of a hello world, as a person or an editor's run button runs them."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from baking import VERTICALS, environment

Bake = Callable[[dict[str, str]], Path]
TRAINING, INFERENCE = "helloworld_training.py", "helloworld_inference.py"


def run(folder: Path, script: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(script)]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def test_training_and_inference_run_from_any_folder_by_their_files(cookies, tmp_path: Path):
    project = cookies.bake({"vertical": "hello_world"}).project_path
    early = run(tmp_path, project / INFERENCE)
    assert (early.returncode, early.stdout) == (1, "")
    assert early.stderr == "Error: No model is registered yet: run train.\n"
    trained = run(tmp_path, project / TRAINING)
    assert trained.returncode == 0, trained.stderr
    assert "Registered as treadmill-linear_regression, version 1" in trained.stdout
    output = project / "local_assets" / "Training_Output"
    with (output / "coefficient.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["name"] for line in lines] == ["intercept", "usage", "fitness"]
    assert 15 < float(lines[1]["value"]) < 25  # the sample data are made with 20
    with (output / "rmse.csv").open(encoding="utf-8", newline="") as stream:
        (error,) = csv.DictReader(stream)
    assert 10 < float(error["value"]) < 30
    asked = run(tmp_path, project / INFERENCE)
    assert asked.returncode == 0, asked.stderr
    head, *answers = asked.stdout.splitlines()
    assert head == "linear_regression, version 1"
    assert answers
    assert all(line.endswith(" miles") for line in answers)


def test_other_verticals_have_no_such_scripts(bake: Bake):
    for vertical in VERTICALS.keys() - {"hello_world"}:
        assert not [*bake({"vertical": vertical}).glob("*_*.py")]
    assert len([*bake({"vertical": "hello_world"}).glob("helloworld_*.py")]) == 2


def test_a_project_tests_ping_and_run(bake: Bake):
    for vertical in VERTICALS:
        text = (bake({"vertical": vertical}) / "tests" / "test_service.py").read_text()
        assert "def test_ping(" in text
        assert "def test_run(" in text
