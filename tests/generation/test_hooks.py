"""The hooks, rendered and imported; a project without them, and one that is generated over."""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from baking import ROOT, call, configuration, run, texts
from cookiecutter.utils import create_env_with_context

from seedling.team_code import OPTIONAL

Bake = Callable[[dict[str, str]], Path]
ANSWERS = {"vertical": "finance", "models": "random_forest, xgboost"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hooks")


@pytest.fixture(scope="module")
def unfinished(folder: Path) -> Path:
    """A project generated without hooks, to be read only."""
    cookiecutter(folder, "--no-input", "--accept-hooks", "no", *words(ANSWERS))
    return folder / "projects" / "income_bracket"


@pytest.fixture(scope="module")
def rendered(folder: Path, unfinished: Path) -> Callable[[str], ModuleType]:
    """`rendered(name)`: a hook as cookiecutter renders it for these answers, imported."""
    (answers,) = (folder / "replay").iterdir()
    context = json.loads(answers.read_text(encoding="utf-8"))

    def rendered(name: str) -> ModuleType:
        source = (ROOT / "hooks" / f"{name}.py").read_text(encoding="utf-8")
        path = folder / f"{name}.py"
        path.write_text(create_env_with_context(context).from_string(source).render(**context))
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return rendered


@pytest.fixture
def project(unfinished: Path, tmp_path: Path) -> Path:
    """A copy of the project without hooks."""
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
def test_the_hook_finishes_a_project(rendered: Callable, bake: Bake, project: Path):
    rendered("post_gen_project").main(project)
    assert texts(project) == texts(bake(ANSWERS))


@pytest.mark.parametrize("ci", ["github", "azure_devops", "none"])
def test_without_hooks_the_readme_has_the_command_that_finishes(
    bake: Bake, tmp_path: Path, ci: str
):
    answers = ANSWERS | {"ci": ci}
    cookiecutter(tmp_path, "--no-input", "--accept-hooks", "no", *words(answers))
    project = tmp_path / "projects" / "income_bracket"
    readme = (project / "README.md").read_text(encoding="utf-8")
    (note,) = [line for line in readme.splitlines() if "Generated without hooks" in line]
    command = note.split("`")[1].split()
    assert command[:2] == ["python", "internal/seedling/scaffold"]
    run([sys.executable, *command[1:]], project)
    assert texts(project) == texts(bake(answers))
    again = call([sys.executable, *command[1:]], project)
    assert again.returncode == 1
    assert again.stdout.startswith("Error: This project is finished already; it has ")
    assert again.stdout.count("\n") == 1


def test_no_hook_line_is_left_in_a_finished_readme(bake: Bake):
    assert "without hooks" not in texts(bake(ANSWERS))["README.md"]


def test_files_beside_a_hook_are_not_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bake: Bake
):
    beside, imported = tmp_path / "tmp", tmp_path / "imported"
    beside.mkdir()
    for name in {*sys.stdlib_module_names, *OPTIONAL, "seedling"}:
        (beside / f"{name}.py").write_text(f"open({str(imported)!r}, 'a').write('{name} ')")
    for variable in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(variable, str(beside))
    cookiecutter(tmp_path, "--no-input", *words(ANSWERS))
    assert not imported.exists(), imported.read_text()
    assert texts(tmp_path / "projects" / "income_bracket") == texts(bake(ANSWERS))
    first = [path.read_text(encoding="utf-8").partition("\n")[0] for path in beside.glob("*.py")]
    assert len([line for line in first if line.startswith("# A hook of the template")]) == 2


def test_answers_that_fit_each_other_are_not_refused(rendered: Callable):
    hook = rendered("pre_gen_project")
    assert hook.problems(hook.ANSWERS, "/home/ann/income_bracket", (3, 11), windows=True) == []
    assert hook.problems(hook.ANSWERS, "/" + "x" * 300, (3, 13), windows=False) == []


@pytest.mark.parametrize(
    ("changed", "home", "python", "said"),
    [
        ({"models": "linear_regression"}, "a", (3, 11), "'linear_regression' does not fit finance"),
        ({"models": "xgboost svm"}, "a", (3, 11), "'svm' does not fit finance"),
        ({"models": ""}, "a", (3, 11), "name at least one of logistic_regression"),
        ({}, "a", (3, 10), "Python 3.10 is too old: run cookiecutter with Python 3.11 or newer"),
        ({}, "C:/" + "x" * 190, (3, 11), "has 193 characters"),
    ],
    ids=["another task", "unknown", "no model", "old Python", "long path"],
)
def test_answers_that_do_not_fit_each_other_are_refused(
    rendered: Callable, changed: dict[str, str], home: str, python: tuple[int, int], said: str
):
    hook = rendered("pre_gen_project")
    (problem,) = hook.problems(hook.ANSWERS | changed, home, python, windows=True)
    assert said in problem
    assert "\n" not in problem


def test_replayed_answers_that_do_not_fit_leave_nothing_behind(folder: Path, tmp_path: Path):
    (kept,) = (folder / "replay").iterdir()
    replay = json.loads(kept.read_text(encoding="utf-8"))
    replay["cookiecutter"] |= {"models": "linear_regression", "__models": "linear_regression"}
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(replay), encoding="utf-8")
    refused = called(tmp_path, "--replay-file", wrong)
    assert refused.returncode == 1
    (line,) = [line for line in refused.stdout.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: models: 'linear_regression' does not fit finance")
    assert not list(tmp_path.glob("projects/*"))


def test_the_hooks_refuse_an_old_python_in_words(tmp_path: Path, folder: Path, rendered: Callable):
    old = shutil.which("python3.10") or shutil.which("python3.9")
    if old is None or call([old, "-c", ""], tmp_path).returncode:
        pytest.skip("no older Python here")
    rendered("pre_gen_project")
    refused = call([old, folder / "pre_gen_project.py"], tmp_path)
    assert refused.returncode == 1
    assert refused.stdout.startswith("error: Python 3.")
    assert refused.stdout.count("\n") == 1


def test_the_longest_path_is_what_the_hook_takes_it_for(rendered: Callable, bake: Bake):
    every = bake({"vertical": "finance", "models": ", ".join(known("classification"))})
    assert max(map(len, texts(every))) <= rendered("pre_gen_project").LONGEST_PATH


def known(task: str) -> list[str]:
    return json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_models"][task]


def test_generating_over_a_project_is_refused_before_a_byte_changes(tmp_path: Path, bake: Bake):
    project = tmp_path / "projects" / "income_bracket"
    shutil.copytree(bake(ANSWERS), project)
    (project / "model.yaml").write_text("mine")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    refused = called(tmp_path, "--no-input", *words(ANSWERS))
    assert refused.returncode == 1
    assert "already exists" in refused.stdout
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_with_f_a_project_is_generated_over(tmp_path: Path, bake: Bake):
    project = tmp_path / "projects" / "income_bracket"
    shutil.copytree(bake(ANSWERS), project)
    (project / "model.yaml").write_text("mine")
    (project / "models" / "xgboost" / "train.py").write_text("mine")
    added = {"notes.txt", "notebooks/mine.py", "tests/test_mine.py", ".vscode/settings.json"}
    for name in added:
        (project / name).write_text("mine\n")
    cookiecutter(tmp_path, "--no-input", "-f", *words(ANSWERS))
    assert texts(project) == texts(bake(ANSWERS)) | dict.fromkeys(added, "mine\n")


def test_with_f_and_s_what_is_there_is_kept(tmp_path: Path, bake: Bake):
    project = tmp_path / "projects" / "income_bracket"
    shutil.copytree(bake(ANSWERS), project)
    train = project / "models" / "xgboost" / "train.py"
    ci = project / ".github" / "workflows" / "ci.yml"
    for path in (train, ci):
        path.write_text("mine\n")
    (project / "gunicorn.conf.py").unlink()
    cookiecutter(tmp_path, "--no-input", "-f", "-s", *words(ANSWERS))
    kept = {path.relative_to(project).as_posix(): "mine\n" for path in (train, ci)}
    assert texts(project) == texts(bake(ANSWERS)) | kept


def words(answers: dict[str, str]) -> list[str]:
    return [f"{prompt}={answer}" for prompt, answer in answers.items()]


def cookiecutter(folder: Path, *options: str) -> None:
    done = called(folder, *options)
    assert done.returncode == 0, done.stdout


def called(folder: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """The real command line, with `folder`/projects as its output folder; answers come last."""
    command = [sys.executable, "-m", "cookiecutter", "--config-file", configuration(folder)]
    answers = [option for option in options if "=" in str(option)]
    flags = [option for option in options if option not in answers]
    return call([*command, "--output-dir", folder / "projects", *flags, ROOT, *answers], ROOT)
