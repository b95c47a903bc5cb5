"""Keep a URL with a secret in it out of model.yaml: in .env, which git ignores, under a name."""

import os
import re
from itertools import count
from pathlib import Path

import click

from seedling.config import Project, env_files
from seedling.errors import ProjectError
from seedling.files import write_private
from seedling.masking import has_secret
from seedling.settings import DATASET_URL


def without_secret(project: Project, source: str, replaced: str = "") -> str:
    """Move a URL that holds a secret to .env; return how model.yaml names it.

    Args:
        project: its .env is written, and this process's environment.
        source: a dataset's source.
        replaced: the source that it takes the place of, whose variable may be used again.

    Raises:
        ProjectError: no line of .env can hold the URL, or it cannot be read.
    """
    if "://" not in source or not has_secret(source):
        return source
    url, _, table = source.partition("#")
    name = _free_name(project, url, replaced)
    path = project.root / ".env"
    before = path.read_bytes() if path.exists() else None
    if before is not None:
        env_files.read(path)  # what is wrong in it already is not the URL's fault
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if not re.match(rf"\s*(export\s+)?{name}\s*=", line)]
    quoted = url.replace("\\", "\\\\").replace("'", "\\'")
    write_private(path, "\n".join([*kept, f"{name}='{quoted}'"]) + "\n")
    if _held(path, name) != url:
        path.unlink() if before is None else path.write_bytes(before)
        raise ProjectError(
            f"The URL holds a secret that .env cannot hold as it is: write it there as {name}=..., "
            f"percent-encoded, and give the source as '${{{name}}}#{table}'."
        )
    os.environ[name] = url
    click.echo(f"The URL holds a secret: it stands in .env as {name}, not in model.yaml.")
    return f"${{{name}}}#{table}"


def _held(path: Path, name: str) -> str | None:
    """Return what .env has under a name; None if it cannot be read as it is now."""
    try:
        return env_files.read(path).get(name)
    except ProjectError:
        return None


def _free_name(project: Project, url: str, replaced: str) -> str:
    """Return DATASET_URL, or DATASET_URL_2 and so on where another dataset reads another URL."""
    others = [each.source for each in project.config.datasets if each.source != replaced]
    for number in count(1):
        name = DATASET_URL.name if number == 1 else f"{DATASET_URL.name}_{number}"
        if os.environ.get(name) == url or not any(f"${{{name}}}" in other for other in others):
            return name
    raise AssertionError
