"""Models that are added later, with nothing installed, to a project that its team has edited."""

import difflib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from baking import call, run, texts

Bake = Callable[[dict[str, str]], Path]
ANSWERS = {"vertical": "finance", "models": "random_forest, xgboost"}
SCAFFOLD = "internal/seedling/scaffold"
GENERATED = "models/all/.s2i/environment"  # has each of its variables on one line


@pytest.fixture
def project(bake: Bake, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bake(ANSWERS), tmp_path / "income_bracket"))


@pytest.mark.parametrize("model", ["gradient_boosting", "logistic_regression"])
def test_a_model_added_later_changes_no_line_of_the_team(project: Path, model: str):
    edit(project / "model.yaml", "holdout: 0.2", "holdout: 0.25  # more, says Ann")
    edit(project / "model.yaml", "  models:\n", "  models:\n    # the first one is Bob's\n")
    edit(project / "model.yaml", "models: []", "models: []\n# The end, says Ann.")
    edit(project / "pyproject.toml", "train = [\n", 'train = [\n    "lightgbm>=4", # ours\n')
    edit(project / "mlops/pipelines/training.yml", "display_name: training", "display_name: Ours")
    edit(project / "models/xgboost/train.py", "import pandas as pd", "import pandas as pd  # Ann")
    before = texts(project)
    run([sys.executable, SCAFFOLD, model], project)
    after = texts(project)
    assert f"models/{model}/train.py" in after
    for path, text in before.items():
        if path == GENERATED:
            assert "do not edit" in text
            continue
        changes = difflib.ndiff(text.splitlines(), after[path].splitlines())
        assert not [line for line in changes if line.startswith(("-", "?"))], path


@pytest.mark.parametrize("model", ["svm", "xgboost", "linear_regression"])
def test_a_model_that_cannot_be_added_is_refused_and_nothing_changes(
    bake: Bake, project: Path, model: str
):
    refused = call([sys.executable, SCAFFOLD, model], project)
    assert refused.returncode == 1
    assert refused.stdout.startswith("Error: ")
    assert model in refused.stdout
    assert refused.stdout.count("\n") == 1
    assert texts(project) == texts(bake(ANSWERS))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
