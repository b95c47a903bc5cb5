"""A project of before the fixed-name folder, edited by its team, is carried over by cruft.

docs/updating.md documents what is done here.
"""

import json
import sys
from pathlib import Path

import pytest
import warm
from baking import ROOT, call, configuration, few_trees, python_of, run, share_compiled
from repositories import commit, committed, git, template_now

pytestmark = pytest.mark.full

BEFORE = "eb9e3f3f0c8cef25562c608399fe7eb29ce78fbc"
NAME = "income_bracket"
ANSWERS = {"vertical": "finance", "models": "logistic_regression, xgboost"}
EDITS = {
    "dataset_creation/dataset_query.sql": ("SELECT\n", "-- Ann's query.\nSELECT\n"),
    "models/xgboost/train.py": ("max_depth: int = 4", "max_depth: int = 5"),
    "model.yaml": ("holdout: 0.2", "holdout: 0.25  # more, says Ann"),
    "serve/serve.py": ("class ", "LIMIT = 3  # Bob's\n\n\nclass "),
    "pyproject.toml": ('    "onnx>=1.17",\n', '    "onnx>=1.17",\n    "tabulate>=0.9",\n'),
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A repository with the template of before, and the current one after it."""
    if call(["git", "cat-file", "-e", BEFORE], ROOT).returncode:
        pytest.skip(f"{BEFORE} is not in this clone: fetch its history")
    return committed(ROOT, BEFORE, tmp_path / "seedling")


def test_a_project_of_before_is_carried_over(template: Path, tmp_path: Path):
    project = created(template, tmp_path)
    edit(project)
    old = [project / ".venv" / "bin" / "python", "-m", NAME]
    run([sys.executable, f"src/{NAME}/init.py"], project)
    share_compiled(project / ".venv")
    run([*old, "add-model", "random_forest"], project)
    run([*old, "create-local-datasets"], project)
    run([*old, "train", "--model", "xgboost"], project)
    commit(project)
    template_now(template)

    run([sys.executable, "-m", "cruft", "update", "--skip-apply-ask"], project)
    assert run(["git", "diff", "--name-only", "--diff-filter", "U"], project) == ""
    run([sys.executable, "internal/seedling/carry_over.py", NAME], project)

    assert not [*project.rglob("*.rej"), *project.rglob("*.orig")]
    assert not (project / "src").exists()
    assert [path.name for path in (project / "mlops").iterdir() if path.suffix == ".py"] == []
    for name, (_, new) in EDITS.items():
        assert new in (project / name).read_text(encoding="utf-8"), name
    assert f'slug: "{NAME}"' in (project / "model.yaml").read_text(encoding="utf-8")
    added = (project / "models" / "random_forest" / "train.py").read_text(encoding="utf-8")
    assert "from seedling.fitting import fit_metrics, preprocessing" in added

    new = [project / ".venv" / "bin" / "python", "-m", "seedling"]
    run([sys.executable, "internal/seedling/init.py"], project)
    share_compiled(project / ".venv")
    warm.lenders[python_of(project)] = Path(sys.executable)  # the same versions: loaded once
    few_trees(project)
    assert "version 1: roc_auc" in warm.verb(project, "train", "--model", "random_forest")
    # The champion is of before: its pickle names the project.
    assert "of version 1" in warm.verb(project, "train", "--model", "xgboost")
    run([*new, "test"], project)
    run([*new, "lint"], project)


def created(template: Path, folder: Path) -> Path:
    options = ["--no-input", "--config-file", configuration(folder), "--output-dir", folder]
    answers = ["--extra-context", json.dumps(ANSWERS)]
    run([sys.executable, "-m", "cruft", "create", template, *options, *answers], folder)
    git(folder / NAME, "init", "--quiet")
    commit(folder / NAME)
    return folder / NAME


def edit(project: Path) -> None:
    for name, (old, new) in EDITS.items():
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")
