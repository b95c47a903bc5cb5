"""Read the file .s2i/environment, which sets the variables of an image, as the program s2i does.

Imports the standard library only, as `scaffold` does.
"""

import re
from pathlib import Path
from typing import NamedTuple

from seedling.errors import ProjectError

FILE = Path(".s2i") / "environment"
ROUTE = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)


class Route(NamedTuple):
    """An endpoint and the function that answers it."""

    route: str
    module: str
    function: str


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that a folder's .s2i/environment sets.

    A line is a comment where `#` comes first; otherwise it is split at its first `=`, and blanks
    around both sides go. Quotes stay, nothing is expanded, and a line without `=` is skipped.

    Raises:
        ProjectError: the file is missing.
    """
    path = folder / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ProjectError(f"models/{folder.name}/{FILE.as_posix()} is missing.") from None
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name.strip()] = value.strip()
    return found


def routes(folder: Path) -> list[Route]:
    """Return the entries of a folder's ROUTES.

    Raises:
        ProjectError: the file or ROUTES is missing, or an entry is not route:module:function, or
            a route is there twice.
    """
    where = f"models/{folder.name}/{FILE.as_posix()}"
    found: dict[str, Route] = {}
    for entry in environment(folder).get("ROUTES", "").split(","):
        parts = entry.strip().split(":")
        if len(parts) != 3 or not _can_be(Route(*parts)):
            raise ProjectError(
                f"{where}: ROUTES is route:module:function, with commas between entries, not "
                f"{entry!r:.80}."
            )
        if parts[0] in found:
            raise ProjectError(f"{where}: ROUTES has {parts[0]} twice.")
        found[parts[0]] = Route(*parts)
    return list(found.values())


def predict_routes(folder: Path) -> list[Route]:
    """Return the routes of PREDICT_FUNCTION; all routes where it is not set."""
    variables = environment(folder)
    function = variables.get("PREDICT_MODULE"), variables.get("PREDICT_FUNCTION")
    found = routes(folder)
    return [entry for entry in found if entry[1:] == function] if all(function) else found


def _can_be(entry: Route) -> bool:
    names = [*entry.module.split("."), entry.function]
    return ROUTE.fullmatch(entry.route) is not None and all(name.isidentifier() for name in names)
