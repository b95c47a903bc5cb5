"""What every project must be, whatever was chosen; the choices come from cookiecutter.json."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from baking import CI, PROMPTS, SCENARIOS, TREE, VERTICALS, call, models_of, names, texts

from seedling import tasks

Bake = Callable[[dict[str, str]], Path]

SLUGS = {
    f"a slug {name}": {
        "vertical": "finance",
        "models": ", ".join(models_of("finance")),
        "project_slug": slug,
    }
    for name, slug in {
        "of two letters": "ml",
        "with a capital": "Income",
        "with outer underscores": "_x__y_",
        "that is an underscore": "_",
        "of sixty characters": "sixty_" + "x" * 54,
        "of a folder": "models",
        "of a package": "numpy",
        "that is null in YAML": "null",
    }.items()
}
EVERY = SCENARIOS | SLUGS
# In the marks of the tree a blank follows the braces; ${{ }} belongs to Azure ML and to GitHub.
JINJA = re.compile(r"{%|{#|(?<!\$){{\s")
# A verb that a pipeline calls, with its settings; a script that it runs.
MAKE = re.compile(r"(?m)\bmake ([a-z-]+)((?: [A-Z_]+=\S+)*)$")
SCRIPT = re.compile(r"python (\S+\.py)")
INTERNAL = "internal/"
MOST_FILES = 126  # outside internal/
# constraints.txt pins what any ready model needs; the page adds a model, whichever were chosen.
NAME_ANY_MODEL = {"constraints.txt", "docs/new-model.md"}
LONGEST_PATH = 150  # of the 260 that Windows allows, its user's folders take some
RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{n}" for kind in ("com", "lpt") for n in "123456789"),
}


@pytest.fixture(params=EVERY, scope="module")
def answers(request: pytest.FixtureRequest) -> dict[str, str]:
    return EVERY[request.param]


@pytest.fixture(scope="module")
def project(bake: Bake, answers: dict[str, str]) -> Path:
    return bake(answers)


@pytest.fixture(scope="module")
def files(project: Path) -> dict[str, str]:
    """What is not the plumbing, which is the same everywhere and tested on its source."""
    return outside_internal(project)


def outside_internal(project: Path) -> dict[str, str]:
    found = texts(project, without=INTERNAL)
    assert any((project / INTERNAL).iterdir())
    return found


def test_nothing_is_left_unrendered(files: dict[str, str]):
    for path, text in files.items():
        assert "cookiecutter" not in path + text, path
        if not path.endswith(".j2"):
            assert not JINJA.search(text), path


def test_files_are_tidy(files: dict[str, str]):
    for path, text in files.items():
        assert text.strip(), f"{path} is empty"
        assert "\r" not in text, path
        assert text.endswith("\n"), path
        # A block of lines for another file may end with a blank one.
        assert not text.endswith("\n\n") or path.endswith(".lines"), path
        assert not re.search(r"[ \t]\n", text), f"{path} has a trailing blank"
        blank_lines = 2 if path.endswith((".py", ".md")) else 1  # pages show Python too
        assert "\n" * (blank_lines + 2) not in text, f"{path} has too many blank lines"


def test_only_the_chosen_models_are_named(files: dict[str, str], answers: dict[str, str]):
    others = set(models_of(answers["vertical"])) - set(names(answers["models"]))
    for path in files.keys() - NAME_ANY_MODEL:
        for model in others:
            assert not re.search(rf"\b{model}\b", path + files[path]), f"{path} names {model}"


def test_model_yaml_has_exactly_the_chosen_models(files: dict[str, str], answers: dict[str, str]):
    chosen = names(answers["models"])
    settings = yaml.safe_load(files["model.yaml"])
    assert [model["name"] for model in settings["training"]["models"]] == chosen
    folders = {path.split("/")[1] for path in files if path.startswith("models/")}
    assert folders == {"__init__.py", "all", *chosen}
    jobs = yaml.safe_load(files["mlops/pipelines/training.yml"])["jobs"]
    assert [name for name in jobs if name.startswith("train_")] == [f"train_{m}" for m in chosen]


def test_the_slug_names_the_folder_and_what_the_project_is_called_elsewhere(
    files: dict[str, str], project: Path, answers: dict[str, str]
):
    slug = yaml.safe_load(files["model.yaml"])["slug"]
    assert project.name == answers.get("project_slug", slug)
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug)
    assert tomllib.loads(files["pyproject.toml"])["project"]["name"] == f"{slug}-project"
    components = [text for path, text in files.items() if path.startswith("mlops/components/")]
    assert components
    assert all(f"environment: azureml:{slug}@latest" in text for text in components)


def test_a_project_has_few_files_of_its_own(files: dict[str, str], answers: dict[str, str]):
    if answers.get("models") == VERTICALS[answers["vertical"]]["models"]:
        assert len(files) <= MOST_FILES


def test_every_yaml_file_is_yaml(files: dict[str, str]):
    for path, text in files.items():
        if path.endswith((".yml", ".yaml")):
            assert yaml.safe_load(text), path


def test_every_verb_that_ci_calls_is_there(
    project: Path, files: dict[str, str], answers: dict[str, str]
):
    folder, *names_of_files = CI[answers.get("ci", "github")]
    expected = {f"{folder}/{name}" for name in names_of_files}
    pipelines = {path for path in files if path.startswith((".github/", ".pipelines/"))}
    assert pipelines == expected
    verbs = dict(re.findall(r"(?m)^([a-z-]+):.*## (.*)$", files["Makefile"]))
    called = {call for path in pipelines for call in MAKE.findall(files[path])}
    assert bool(called) == bool(pipelines)
    for verb, settings in called:
        assert verb in verbs, f"there is no make {verb}"
        for name in re.findall(r"([A-Z_]+)=", settings):
            assert f"{name}=" in verbs[verb], f"make {verb} takes no {name}"
    scripts = {script for path in pipelines for script in SCRIPT.findall(files[path])}
    for script in scripts:
        assert (project / script).is_file()


def test_every_python_file_compiles(files: dict[str, str]):
    for path, text in files.items():
        if path.endswith(".py"):
            ast.parse(text, path)


def test_every_path_is_legal_on_windows(files: dict[str, str], project: Path):
    for path in files:
        assert len(f"{project.name}/{path}") < LONGEST_PATH, path
        for part in path.split("/"):
            assert not re.search(r'[<>:"|?*\\]|[. ]$', part), path
            assert part.split(".")[0].lower() not in RESERVED, path
    assert len({path.lower() for path in files}) == len(files)


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(project: Path, check: list[str]):
    ruff = call([sys.executable, "-m", "ruff", *check, "--no-cache", "."], project)
    assert ruff.returncode == 0, ruff.stdout


def test_the_plumbing_is_the_same_in_every_project(bake: Bake):
    """Of two verticals and slugs, byte for byte, it is the template's."""
    projects = [
        bake({"vertical": "finance"}),
        bake({"vertical": "hello_world", "project_slug": "other"}),
    ]
    for project in projects:
        caches = ["-x", "__pycache__", "-x", ".*_cache"]
        same = call(["diff", "-r", *caches, TREE / INTERNAL, project / INTERNAL], project)
        assert same.returncode == 0, same.stdout


def test_the_catalogue_and_cookiecutter_json_name_the_same_models():
    found = {task: list(models) for task, models in tasks.ready_models().items()}
    assert found == PROMPTS["_models"]
