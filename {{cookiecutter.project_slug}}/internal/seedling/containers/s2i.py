"""Read the file .s2i/environment, which sets the variables of an image, as the program s2i does.

`parsed` reads ROUTES for the service too. Imports the standard library only, as `scaffold` does.
"""

import re
from pathlib import Path
from typing import NamedTuple

from seedling.errors import ProjectError
from seedling.masking import masked

FILE = Path(".s2i") / "environment"
ROUTES = "ROUTES"
ROUTE = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)
ODD = re.compile(r"\s")  # what the name of a variable cannot have


class Route(NamedTuple):
    """An endpoint and the function that answers it."""

    route: str
    module: str
    function: str


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that a folder's .s2i/environment sets.

    A line is a comment where `#` comes first; otherwise it is split at its first `=`, and blanks
    around both sides go. Quotes stay, nothing is expanded, and a line without `=` is skipped, as is
    one without a name before it. ROUTES alone goes on below a line that ends with a comma.

    Raises:
        ProjectError: the file is missing, sets a variable twice, or one that no image can have.
    """
    path = folder / FILE
    where = f"models/{folder.name}/{FILE.as_posix()}"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ProjectError(f"{where} is missing.") from None
    found, begun = dict[str, str](), dict[str, int]()
    goes_on = False
    for number, line in enumerate(lines, start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("#"):
            continue
        if goes_on and not equals:
            found[ROUTES] += line.strip()
        elif equals and name:
            if ODD.search(name):
                raise ProjectError(
                    f"{where}, line {number}: {masked(name)!r:.80} names no variable: NAME=value."
                )
            if name in begun:
                raise ProjectError(
                    f"{where}: lines {begun[name]} and {number} both set {name}: keep one."
                )
            found[name], begun[name] = value, number
        goes_on = (goes_on or name == ROUTES) and line.rstrip().endswith(",")
    return found


def routes(folder: Path) -> list[Route]:
    """Return the entries of a folder's ROUTES.

    Raises:
        ProjectError: the file or ROUTES is missing, or what `parsed` raises.
    """
    where = f"models/{folder.name}/{FILE.as_posix()}"
    found = parsed(environment(folder).get(ROUTES, ""), f"{where}: ROUTES")
    if not found:
        raise ProjectError(f"{where}: ROUTES is route:module:function, and is empty.")
    return found


def parsed(text: str, where: str = ROUTES) -> list[Route]:
    """Return the entries of a value of ROUTES, over several lines and with slashes around routes.

    Args:
        text: route:module:function, with commas between entries, and perhaps behind the last.
        where: what has the value, for the error.

    Raises:
        ProjectError: an entry is malformed, or a route is there twice.
    """
    found: dict[str, Route] = {}
    entries = [entry.strip() for entry in text.split(",")]
    for number, entry in enumerate(entries, start=1):
        if not entry:
            continue
        parts = [part.strip() for part in entry.split(":")]
        route = Route(parts[0].strip("/"), *parts[1:]) if len(parts) == 3 else None
        if route and not ROUTE.fullmatch(route.route):
            raise ProjectError(
                f"{where}: a route has letters, digits and ._-/ only, not {masked(parts[0])!r:.80}."
            )
        if route is None or not _is_function(route):
            which = "it" if len(entries) == 1 else f"item {number}"  # its text may be a secret
            raise ProjectError(
                f"{where} is route:module:function, with commas between entries: {which} is not."
            )
        if route.route in found:
            raise ProjectError(f"{where} has {route.route} twice.")
        found[route.route] = route
    return list(found.values())


def predict_routes(folder: Path) -> list[Route]:
    """Return the routes of PREDICT_FUNCTION; all routes where it is not set."""
    variables = environment(folder)
    function = variables.get("PREDICT_MODULE"), variables.get("PREDICT_FUNCTION")
    found = routes(folder)
    return [entry for entry in found if entry[1:] == function] if all(function) else found


def _is_function(entry: Route) -> bool:
    return all(name.isidentifier() for name in (*entry.module.split("."), entry.function))
