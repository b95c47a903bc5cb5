"""The file .s2i/environment, as the program s2i reads it: variables of an image.

It needs nothing but the standard library, as scaffold.py does.
"""

from pathlib import Path
from typing import NamedTuple

from {{cookiecutter.project_slug}}.errors import ProjectError

FILE = Path(".s2i") / "environment"


class Route(NamedTuple):
    """An endpoint and the function behind it."""

    route: str
    module: str
    function: str


def environment(folder: Path) -> dict[str, str]:
    """The variables that a folder's .s2i/environment sets.

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
    """What ROUTES of the folder names.

    Raises:
        ProjectError: the file or ROUTES is missing, or an entry is not route:module:function.
    """
    where = f"models/{folder.name}/{FILE.as_posix()}"
    entries = environment(folder).get("ROUTES", "").split(",")
    parts = [entry.strip().split(":") for entry in entries]
    if not all(len(each) == 3 and all(each) for each in parts):
        raise ProjectError(f"{where}: ROUTES is route:module:function, commas between.")
    return [Route(*each) for each in parts]
