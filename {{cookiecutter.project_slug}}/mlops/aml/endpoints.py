"""Endpoints of the workspace: this project's, by their tags, under names that are free."""

from collections.abc import Callable, Iterator
from typing import Any

import click

from {{cookiecutter.project_slug}}.errors import ProjectError

from mlops.aml import workspace

PACKAGE = "{{cookiecutter.project_slug}}"
LONGEST = 32  # characters of a name
NAMES = 20  # that are tried where they are taken
TAKEN = "unique within a region"  # what Azure says of a name that another workspace has


def tags() -> dict[str, str]:
    """What tells that an endpoint is this project's, for the environment of now."""
    return {"project": PACKAGE, "environment": workspace.environment()}


def find(kind: Any, wanted: str) -> Any:
    """The project's endpoint; None where there is none.

    Args:
        kind: the SDK's operations on the online endpoints, or on those for batches.
        wanted: the name that it should have.
    """
    names = set(names_from(wanted))
    for endpoint in _listed(kind):
        if endpoint.name in names and tags().items() <= (endpoint.tags or {}).items():
            return endpoint
    return None


def create(kind: Any, wanted: str, make: Callable[[str], Any], key: str) -> Any:
    """Make the endpoint, under the next name where the wanted one is somebody else's.

    Args:
        kind: as for `find`.
        wanted: the name that it should have.
        make: makes one of that name, or is refused.
        key: of model.yaml, where another name can be given.

    Raises:
        ProjectError: Azure refuses, or all names are taken.
    """
    there = {endpoint.name for endpoint in _listed(kind)}
    for name in names_from(wanted):
        if name not in there:
            try:
                return make(name)
            except ProjectError as error:
                if TAKEN not in str(error):
                    raise
        click.echo(f"The endpoint name {name} is taken by somebody else.", err=True)
    raise ProjectError(f"All names from {wanted} on are taken: give another {key} in model.yaml.")


def names_from(name: str) -> Iterator[str]:
    """`x`, `x-2`, `x-3` and so on, none longer than Azure takes."""
    yield name
    for number in range(2, NAMES + 1):
        end = f"-{number}"
        yield name[: LONGEST - len(end)].rstrip("-") + end


def _listed(kind: Any) -> list[Any]:
    with workspace.in_words("Looking for endpoints"):
        return list(kind.list())
