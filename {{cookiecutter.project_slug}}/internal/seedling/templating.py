"""The one Jinja environment of pages and reports."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from seedling.wording import counted

Filters = Mapping[str, Callable[..., Any]]


def templates(package: Path, filters: Filters = MappingProxyType({})) -> Environment:
    """Return the templates of a package: its folder `templates`.

    What stands in HTML is escaped, and a name that was not given is an error.

    Args:
        package: the folder of the package.
        filters: functions of the templates, beside `counted`.
    """
    made = Environment(
        loader=FileSystemLoader(package / "templates"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update({"counted": counted, **filters})
    return made
