"""The project's code, as jobs on Azure ML get it."""

import shutil
from pathlib import Path

from {{cookiecutter.project_slug}}.config import Project

PACKAGE = "{{cookiecutter.project_slug}}"
RULES = ".amlignore"
CACHES = shutil.ignore_patterns("__pycache__")


def take(project: Project, folder: Path) -> Path:
    """Copy the code into a new folder below `folder`; .amlignore says what of it is uploaded.

    The SDK holds every file below a component's code against those rules, and does so again for
    each component. It is spared what is never uploaded: an environment alone has tens of thousands.
    """
    copy = folder / "code" / PACKAGE
    copy.mkdir(parents=True)
    rules = project.root / RULES
    lines = rules.read_text(encoding="utf-8").splitlines() if rules.exists() else []
    named = {line.strip().rstrip("/") for line in lines}
    for path in project.root.iterdir():
        if path.name in named or _stays_here(project, path):
            continue
        if path.is_dir():
            shutil.copytree(path, copy / path.name, ignore=CACHES, ignore_dangling_symlinks=True)
        else:
            shutil.copy(path, copy)
    if rules.exists():
        shutil.copy(rules, copy)
    return copy


def _stays_here(project: Project, path: Path) -> bool:
    """Whether it is hidden, an environment, or the folder of what the project has made."""
    is_environment = (path / "pyvenv.cfg").exists()
    return path.name.startswith(".") or is_environment or path == project.assets
