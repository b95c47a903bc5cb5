"""Projects made from the template: which there are, and what the tests do in them."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytest_cookies.plugin import Cookies, Result

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "{{cookiecutter.project_slug}}"
PROMPTS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
VERTICALS = PROMPTS["_catalog"]
# The folder and the files of each CI system, in a project with Azure.
CI = {
    "github": (
        ".github",
        "actions/set-up/action.yml",
        "dependabot.yml",
        *(
            f"workflows/{name}.yml"
            for name in ("ci", "codeql", "dependencies", "deploy", "monitor")
        ),
        *(f"workflows/{name}.yml" for name in ("release", "retrain", "train", "trained")),
    ),
    "azure_devops": (
        ".pipelines",
        *("ci.yml", "codeql.yml", "dependencies.yml", "monitor.yml", "release.yml", "retrain.yml"),
        *("train.yml", "templates/check.yml", "templates/deploy.yml", "templates/in-azure.yml"),
        *("templates/not-configured.yml", "templates/set-up.yml", "templates/variables.yml"),
    ),
    "none": ("",),
}
assert list(CI) == PROMPTS["_ci"]
# What Python has compiled in one environment of a run of tests, for the others of that run. Python
# itself looks whether a file belongs to its source, and compiles that again if not.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
COMPILED = Path(tempfile.gettempdir(), f"seedling-compiled-{RUN}")
# mypy takes seconds to read the packages' types: the first project of a worker does it for all.
MYPY_CACHE = Path(tempfile.gettempdir(), f"seedling-mypy-{RUN}")
_environments: list[Path] = []  # that this process has made


def models_of(vertical: str) -> list[str]:
    """Every model that the vertical's task knows."""
    return PROMPTS["_models"][VERTICALS[vertical]["task"]]


def names(models: str) -> list[str]:
    return [name.strip() for name in models.split(",")]


def scenarios() -> dict[str, dict[str, str]]:
    """Every vertical with each model alone; its default models and all of them, with every CI."""
    found = {}
    for vertical, facts in VERTICALS.items():
        known = models_of(vertical)
        for model in known:
            found[f"{vertical}-{model}"] = {"vertical": vertical, "models": model}
        for label, models in {"default": facts["models"], "all": ", ".join(known)}.items():
            for ci in CI:
                answers = {"vertical": vertical, "models": models, "ci": ci}
                found[f"{vertical}-{label}-{ci}"] = answers
    return found


SCENARIOS = scenarios()


def generate(folder: Path, answers: dict[str, str]) -> Path:
    """Bake a project into `folder`, for those who cannot ask for a fixture of pytest-cookies."""
    folder.mkdir(parents=True, exist_ok=True)
    baker = Cookies(str(ROOT), lambda _: folder, configuration(folder.parent))
    return project_of(baker.bake(answers))


def project_of(result: Result) -> Path:
    """Return the folder of a project that was baked, or raise what stopped it."""
    if result.exception:
        raise result.exception
    return result.project_path


def configuration(folder: Path) -> Path:
    """Settings that keep cookiecutter out of the home folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cookiecutter.yaml"
    folders = {"cookiecutters_dir": str(folder), "replay_dir": str(folder / "replay")}
    path.write_text(json.dumps(folders), encoding="utf-8")
    return path


def texts(project: Path, without: str = "__pycache__/") -> dict[str, str]:
    """Read every file's text by its path, line ends as they are; Python's caches are left out.

    Args:
        project: the folder that the paths are relative to.
        without: a folder that is left out too.
    """
    found = {}
    for folder, folders, files in os.walk(project):
        folders[:] = [name for name in folders if f"{name}/" not in ("__pycache__/", without)]
        for name in files:
            path = Path(folder, name)
            found[path.relative_to(project).as_posix()] = path.read_bytes().decode()
    return found


def initialise(project: Path, groups: str) -> None:
    """Run the project's own init."""
    script = project / "internal" / "seedling" / "init.py"
    run([sys.executable, script, "--groups", groups], project)
    share_compiled(project / ".venv")


def few_trees(project: Path) -> None:
    """Let the forests of a project have 20 trees, where a test does not ask how good they are."""
    path = project / "model.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\bn_estimators: \d+", "n_estimators: 20", text), encoding="utf-8")


def python_with(folder: Path, *packages: str) -> Path:
    """Make an environment in a new folder with these packages; return its Python."""
    run(["uv", "venv", "--quiet", folder], folder.parent)
    python = folder / "bin" / "python"
    run(["uv", "pip", "install", "--quiet", "--python", python, *packages], folder.parent)
    share_compiled(folder)
    return python


def share_compiled(environment: Path) -> None:
    """Give a new environment what was compiled in the others: it takes seconds in each.

    Args:
        environment: the folder of one that uv has made, with the files of its cache.
    """
    for used in _environments:
        _link_compiled(used, COMPILED)
    _link_compiled(COMPILED, environment)
    _environments.append(environment)


def _link_compiled(source: Path, target: Path) -> None:
    """Link the compiled files of one folder into the other, where it has not its own."""
    for folder, _, names in os.walk(source):
        at = target / Path(folder).relative_to(source)
        if Path(folder).name != "__pycache__" or not (target == COMPILED or at.parent.is_dir()):
            continue
        at.mkdir(parents=True, exist_ok=True)
        for name in (name for name in names if name.endswith(".pyc")):
            with contextlib.suppress(FileExistsError):
                os.link(Path(folder, name), at / name)


def forget_compiled() -> None:
    """Remove what was shared, at the end of the tests."""
    for folder in (COMPILED, MYPY_CACHE):
        shutil.rmtree(folder, ignore_errors=True)


def verb(project: Path, *words: str) -> str:
    """What `python -m seedling VERB` prints; a failure of the test if it fails."""
    return run([python_of(project), "-m", "seedling", *words], project)


def python_of(project: Path) -> Path:
    return project / ".venv" / "bin" / "python"


def run(command: list[str | Path], folder: Path, **options: Any) -> str:
    done = call(command, folder, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def call(
    command: list[str | Path], folder: Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """A command's exit code, and what it printed to both of its streams."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **options,
    )


def environment() -> dict[str, str]:
    """This process's environment, with the tools of the template's own .venv found first."""
    tools = str(Path(sys.executable).parent)
    path = os.pathsep.join([tools, os.environ["PATH"]])
    # A make that was called by make says so among what it prints.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    cache = MYPY_CACHE / os.environ.get("PYTEST_XDIST_WORKER", "")
    own = {"PATH": path, "PYTHONUTF8": "1", "COLUMNS": "200", "MYPY_CACHE_DIR": str(cache)}
    return inherited | own
