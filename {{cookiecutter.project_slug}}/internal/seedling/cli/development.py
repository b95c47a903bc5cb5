"""The verbs around the code itself: tests, lint, locked dependencies, MLflow's pages."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from seedling import init
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.processes import attended, refuse_taken
from seedling.requirements import FILES
from seedling.settings import WHEELHOUSE
from seedling.training import mlflow_runs

CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
FIXES = (["ruff", "check", "--fix"], ["ruff", "format"])


def run(project: Project, module: list[str]) -> int:
    """Run `python -m MODULE ...` in the project's folder; return its exit code."""
    if find_spec(module[0].partition(".")[0]) is None:
        raise ProjectError(f"{module[0]} is not installed: run init with the group `dev`.")
    return subprocess.call([sys.executable, "-m", *module], cwd=project.root)


def lint(project: Project, fix: bool) -> int:
    """Run all checks, also after one has failed; return the first exit code that is not 0."""
    codes = [run(project, command) for command in ((*FIXES, *CHECKS) if fix else CHECKS)]
    if "[tool.importlinter]" in (project.root / "pyproject.toml").read_text(encoding="utf-8"):
        codes.append(_lint_imports(project))
    return next((code for code in codes if code), 0)


def _lint_imports(project: Project) -> int:
    """Check the contract in pyproject.toml; import-linter cannot be run by `python -m`."""
    from importlinter.cli import lint_imports

    os.chdir(project.root)
    return lint_imports(no_cache=True, no_logo=True)


def lock(project: Project) -> int:
    """Write constraints.txt: every dependency of every group, for Python 3.11 to 3.13."""
    uv = shutil.which("uv")
    if uv is None:
        raise ProjectError("Locking needs uv: pip install uv.")
    options = ["--universal", "--all-extras", "--no-annotate", "--no-header", "--upgrade"]
    files = [*FILES, "--output-file", "constraints.txt"]
    return subprocess.call([uv, "pip", "compile", *options, *files], cwd=project.root)


def mlflow_ui(project: Project, port: int) -> int:
    """Serve MLflow's pages of the project's runs; their group `ui` is installed on first use."""
    refuse_taken("127.0.0.1", port)
    if not _installed("mlflow"):
        print("Installing MLflow's pages (once)", flush=True)
        init.install(project.root, [*init.GROUPS, "ui"], WHEELHOUSE.get() or None)
    mlflow_runs.prepare(project)
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", mlflow_runs.uri(project)]
    print(f"MLflow is at http://127.0.0.1:{port}", flush=True)
    command = [sys.executable, "-m", "mlflow", "ui", *address, *store]
    return attended.call_command(command, project.root)


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
