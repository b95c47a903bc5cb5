"""The hook, rendered and imported; a project without it; models added to an edited project."""

import difflib
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from baking import ROOT, call, generate, run, texts
from cookiecutter.utils import create_env_with_context

Bake = Callable[[dict[str, str]], Path]
ANSWERS = {"vertical": "finance", "models": "random_forest, xgboost"}
GENERATED = "models/all/.s2i/environment"  # has each of its variables on one line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="module")
def unfinished(folder: Path) -> Path:
    """A project generated without hooks, to be read only."""
    return generate(folder / "projects", ANSWERS, accept_hooks=False)


@pytest.fixture
def hook(folder: Path, unfinished: Path, tmp_path: Path) -> ModuleType:
    """The hook as cookiecutter renders it for these answers, imported."""
    (answers,) = (folder / "replay").iterdir()
    context = json.loads(answers.read_text(encoding="utf-8"))
    source = (ROOT / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
    path = tmp_path / "post_gen_project.py"
    path.write_text(create_env_with_context(context).from_string(source).render(**context))
    spec = importlib.util.spec_from_file_location("rendered_hook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(unfinished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(unfinished, tmp_path / unfinished.name))


@pytest.fixture
def own_imports(monkeypatch: pytest.MonkeyPatch):
    """What the hook imports from a project is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.usefixtures("own_imports")
def test_the_hook_finishes_a_project(hook: ModuleType, bake: Bake, project: Path):
    hook.main(project)
    assert texts(project) == texts(bake(ANSWERS))


def test_without_hooks_the_readme_says_how_to_finish(bake: Bake, project: Path):
    readme = project / "README.md"
    text = readme.read_text(encoding="utf-8")
    note = next(line for line in text.splitlines() if line.startswith("> Generated without hooks"))
    command, suffix, folder = re.findall("`([^`]+)`", note)
    assert command == "python mlops/scaffold.py random_forest xgboost"
    run([sys.executable, *command.split()[1:]], project)
    (project / folder).mkdir(parents=True)
    for path in project.glob(f"*{suffix}"):
        shutil.move(path, project / folder)
    readme.write_text(text.replace(f"{note}\n\n", ""), encoding="utf-8")
    assert texts(project) == texts(bake(ANSWERS))


def test_no_hook_line_is_left_in_a_finished_readme(bake: Bake):
    assert "without hooks" not in texts(bake(ANSWERS))["README.md"]


@pytest.mark.parametrize("model", ["gradient_boosting", "logistic_regression"])
def test_a_model_added_later_changes_no_line_of_the_team(bake: Bake, tmp_path: Path, model: str):
    project = Path(shutil.copytree(bake(ANSWERS), tmp_path / "income_bracket"))
    edit(project / "model.yaml", "holdout: 0.2", "holdout: 0.25  # more, says Ann")
    edit(project / "model.yaml", "  models:\n", "  models:\n    # the first one is Bob's\n")
    edit(project / "model.yaml", "models: []", "models: []\n# The end, says Ann.")
    edit(project / "pyproject.toml", "train = [\n", 'train = [\n    "lightgbm>=4", # ours\n')
    edit(project / "mlops/pipelines/training.yml", "display_name: training", "display_name: Ours")
    edit(project / "models/xgboost/train.py", "import pandas as pd", "import pandas as pd  # Ann")
    before = texts(project)
    run([sys.executable, "mlops/scaffold.py", model], project)
    after = texts(project)
    assert f"models/{model}/train.py" in after
    for path, text in before.items():
        if path == GENERATED:
            assert "do not edit" in text
            continue
        changes = difflib.ndiff(text.splitlines(), after[path].splitlines())
        assert not [line for line in changes if line.startswith(("-", "?"))], path


def test_an_unknown_or_present_model_is_refused_and_nothing_changes(bake: Bake, tmp_path: Path):
    project = Path(shutil.copytree(bake(ANSWERS), tmp_path / "income_bracket"))
    for model in ("svm", "xgboost"):
        refused = call([sys.executable, "mlops/scaffold.py", model], project)
        assert refused.returncode != 0
        assert model in refused.stdout.splitlines()[-1]
    assert texts(project) == texts(bake(ANSWERS))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
