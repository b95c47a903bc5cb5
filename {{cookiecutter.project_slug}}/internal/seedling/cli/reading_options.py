"""The options that say how a table's file is read, of every verb that reads one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--encoding", help="The file's encoding, as cp1252; guessed unless given."),
    click.option("--sep", help="What stands between its values: , ; | tab space."),
    click.option("--decimal", help="The mark before a fraction: . or a comma."),
    click.option("--thousands", help="What stands between thousands; none for nothing."),
    click.option("--header", metavar="WHERE", help="none, first, or the names: NAME,NAME,..."),
    click.option("--na", multiple=True, help="Another text of a missing value; repeat."),
    click.option("--sheet", help="The sheet of a workbook; the first unless given."),
    click.option("--comment", help="What a line begins with that is no row; none for nothing."),
    click.option("--skip", type=int, help="How many lines stand before the header."),
)


def reading_options(verb: F) -> F:
    """Add the options to a verb, which takes them as keywords."""
    for option in reversed(OPTIONS):
        verb = option(verb)
    return verb


def said(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given of these options, as keys of `read` in model.yaml."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    found = {("separator" if name == "sep" else name): value for name, value in given.items()}
    return found | ({"na": list(found["na"])} if "na" in found else {})
