"""The project's code, as jobs on Azure ML get it."""

from pathlib import Path

from seedling.config import Project
from seedling.config.env_files import may_hold_secrets
from seedling.containers import images

RULES = ".amlignore"


def take(project: Project, folder: Path) -> Path:
    """Copy the code into a new folder below `folder`; .amlignore says what of it is uploaded.

    The SDK holds every file below a component's code against those rules, and does so again for
    each component. It is spared what is never uploaded: an environment alone has tens of thousands.
    """
    rules = project.root / RULES
    lines = rules.read_text(encoding="utf-8").splitlines() if rules.exists() else []
    named = {line.strip().rstrip("/") for line in lines}
    goes = [RULES] if rules.exists() else []
    for path in project.root.iterdir():
        if path.exists() and path.name not in named and not _stays_here(project, path):
            goes.append(path.name)
    copy = folder / "code" / project.config.slug
    images.copy(project.root, goes, copy)
    return copy


def _stays_here(project: Project, path: Path) -> bool:
    """Say whether a path is hidden, an environment, local_assets/, or a file for credentials."""
    is_apart = (path / "pyvenv.cfg").exists() or may_hold_secrets(path.name)
    return path.name.startswith(".") or is_apart or path == project.assets
