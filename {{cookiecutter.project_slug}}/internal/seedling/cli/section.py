"""A named section of the command line, and the options that several sections share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seedling.config import Project

PORT = click.IntRange(1, 65535)


class Section(click.Group):
    """The verbs under one heading of `--help` and `make help`.

    Attributes:
        title: the heading.
        part: the part of a project whose verbs these are, such as `azure`; None where every
            project has them.
    """

    def __init__(self, title: str, part: str | None = None) -> None:
        super().__init__(name=title.lower())
        self.title = title
        self.part = part

    def verbs(self) -> dict[str, click.Command]:
        """Return the verbs that are listed, by name, in the order of their declaration."""
        return {name: each for name, each in self.commands.items() if not each.hidden}

    def also(self, name: str, verb: click.Command) -> None:
        """Give a verb a second name; its help says which verb it is the same as."""

        @self.command(name, params=verb.params, help=f"The same as {verb.name}.")
        def same(**options: Any) -> None:
            assert verb.callback
            verb.callback(**options)


def port_option(default: int = 5111) -> Callable[[Any], Any]:
    """Declare `--port`."""
    return click.option(
        "--port", default=default, show_default=True, type=PORT, help="Of this machine."
    )


def find_project() -> "Project":
    """Return the project of the working folder.

    Its configuration's library loads here and not with the module: `--help` needs none.
    """
    from seedling.config import Project

    return Project.find()
