"""The verbs around the code itself: tests, lint, locked dependencies, MLflow's pages."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from seedling import init, secret_files
from seedling.config import Project
from seedling.errors import OptionError, ProjectError
from seedling.files import write_text
from seedling.processes import attended, refuse_taken
from seedling.pull_requests import upgrade
from seedling.requirements import FILES
from seedling.settings import WHEELHOUSE
from seedling.training import mlflow_runs
from seedling.wording import listed

CHECKS = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
GIT_HOOK = "# Written by `hooks --install`."
REPORTS = "local_assets/reports"
FIXES = (["ruff", "check", "--fix"], ["ruff", "format"])


def run(project: Project, module: list[str]) -> int:
    """Run `python -m MODULE ...` in the project's folder; return its exit code."""
    if find_spec(module[0].partition(".")[0]) is None:
        raise ProjectError(f"{module[0]} is not installed: run init with the group `dev`.")
    return subprocess.call([sys.executable, "-m", *module], cwd=project.root)


def coverage(project: Project) -> int:
    """Run the tests and list the lines that they did not run; return the exit code."""
    shown = ["--cov", "--cov-report=term-missing:skip-covered"]
    kept = [f"--cov-report=xml:{REPORTS}/coverage.xml", f"--junit-xml={REPORTS}/tests.xml"]
    return run(project, ["pytest", *shown, *kept])


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


def check_secrets(project: Project, files: Sequence[Path]) -> int:
    """Print the lines that hold secrets, of these files or of all that git keeps.

    Raises:
        OptionError: a file that is named is not there.
    """
    missing = [str(path) for path in files if not os.path.lexists(path)]
    if missing:
        raise OptionError(f"There is no {listed(missing)}: name files that are there.")
    paths = [path.absolute() for path in files] or secret_files.of_git(project.root)
    found = secret_files.find(project.root, paths)
    for each in found:
        print(f"{each.path}, line {each.line}: {each.what}.")
    if found:
        print(
            "Keep secrets in .env, which git ignores. One that git has already is known: revoke "
            f"it. A line that holds none may end in `{secret_files.ALLOWED}`."
        )
    return 1 if found else 0


def run_hooks(project: Project, staged: bool) -> int:
    """Run the hooks of .pre-commit-config.yaml; they are programs of this environment.

    Args:
        project: the project of the hooks.
        staged: on what is to be committed; else on all files.
    """
    if find_spec("prek") is None:
        raise ProjectError("prek is not installed: run init with the group `dev`.")
    command = [sys.executable, "-m", "prek", "run", *([] if staged else ["--all-files"])]
    return subprocess.call(command, cwd=project.root, env=os.environ | {"PATH": _programs()})


def install_hooks(project: Project) -> None:
    """Let git run the hooks before each commit, whichever environment is active then.

    Raises:
        ProjectError: the project is in no repository, or there is another hook.
    """
    asked = ["git", "rev-parse", "--git-path", "hooks/pre-commit"]
    found = subprocess.run(asked, cwd=project.root, capture_output=True, text=True, check=False)
    if found.returncode:
        raise ProjectError("This is no git repository: run git init first.")
    path = project.root / found.stdout.strip()
    if path.exists() and GIT_HOOK not in path.read_text(encoding="utf-8", errors="replace"):
        raise ProjectError(f"{path} is not of this project: add `make hooks` to it, or remove it.")
    root, python = (shlex.quote(each.as_posix()) for each in (project.root, Path(sys.executable)))
    command = f"cd {root} && exec {python} -m seedling hooks --staged"
    write_text(path, f"#!/bin/sh\n{GIT_HOOK}\n{command}\n")
    path.chmod(0o755)
    print("git runs the hooks of .pre-commit-config.yaml before each commit.")


def lock(project: Project) -> int:
    """Write constraints.txt: every dependency of every group, for Python 3.11 to 3.13.

    Each gets the newest version that goes with the others; those that change are printed.
    """
    uv = shutil.which("uv", path=_programs())
    if uv is None:
        raise ProjectError("Locking needs uv: its group is lock (make init GROUPS=lock).")
    options = ["--universal", "--all-extras", "--no-annotate", "--no-header", "--upgrade"]
    files = [*FILES, "--output-file", "constraints.txt"]
    path = project.root / "constraints.txt"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    code = subprocess.call([uv, "pip", "compile", *options, *files], cwd=project.root)
    if code == 0:
        changes = [*upgrade.changed(before, path.read_text(encoding="utf-8"))]
        print("\n".join(changes) or "constraints.txt has the newest versions.")
    return code


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


def _programs() -> str:
    """Return the folders of programs, those of .venv first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
