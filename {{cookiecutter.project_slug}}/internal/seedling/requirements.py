"""The project's requirements: the plumbing's own packages and the team's, group by group.

`python requirements.py GROUP ...` prints the requirements of these groups, one on each line, for
the image of the service. The standard library is enough to run this file.
"""

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILES = ("internal/pyproject.toml", "pyproject.toml")


def required(root: Path, groups: Sequence[str] = ()) -> list[str]:
    """List the requirements of a project, in the order of its files, each once.

    Args:
        root: the project's folder.
        groups: of the optional dependencies of either file.

    Raises:
        KeyError: neither file has such a group.
    """
    declared = [_project(root / name) for name in FILES]
    lines = [line for project in declared for line in project.get("dependencies", [])]
    return list(
        dict.fromkeys([*lines, *(line for group in groups for line in of_group(root, group))])
    )


def of_group(root: Path, group: str) -> list[str]:
    """List the requirements of one group of optional dependencies, from both files.

    Raises:
        KeyError: neither file has such a group.
    """
    found = [_groups(root / name) for name in FILES]
    if not any(group in declared for declared in found):
        raise KeyError(group)
    return list(dict.fromkeys(line for declared in found for line in declared.get(group, [])))


def groups(root: Path) -> dict[str, list[str]]:
    """Return the requirements of each group, by its name; a group may be in either file."""
    names = dict.fromkeys(name for file in FILES for name in _groups(root / file))
    return {name: of_group(root, name) for name in names}


def _groups(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = _project(path).get("optional-dependencies", {})
    return found


def _project(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        project: dict[str, Any] = tomllib.load(stream).get("project", {})
    return project


if __name__ == "__main__":
    known = list(groups(Path.cwd()))
    if unknown := [name for name in sys.argv[1:] if name not in known]:
        sys.exit(f"Error: there is no group {unknown[0]!r}: name some of {', '.join(known)}.")
    print(*required(Path.cwd(), sys.argv[1:]), sep="\n")
