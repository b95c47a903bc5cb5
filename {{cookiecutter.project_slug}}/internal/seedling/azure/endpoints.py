"""Endpoints of the workspace: this project's, by their tags, under names that are free."""

import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import click

from seedling.azure import names, workspace
from seedling.azure.progress import Progress
from seedling.config import Project
from seedling.errors import ProjectError

LONGEST = 32  # characters of a name
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]")
TAKEN = "unique within a region"  # what Azure says of a name that another workspace has
MODEL = "model"  # the tag of an endpoint that one model has for itself
POLL_SECONDS = 5  # between two looks at what lasts
HEALTHY, UNHEALTHY, TRANSITIONING = "Healthy", "Unhealthy", "Transitioning"


class Stopped(ProjectError):
    """The person stopped waiting; Azure goes on."""


def tags(project: Project, model: str = "") -> dict[str, str]:
    """Return the tags by which an endpoint belongs to this project and environment.

    Args:
        project: the project of the endpoint.
        model: the model that has the endpoint for itself, if one has.
    """
    found = {"project": project.config.slug, "environment": workspace.environment()}
    return found | ({MODEL: model} if model else {})


def find(project: Project, kind: Any, wanted: str, model: str = "") -> Any:
    """Find the endpoint of the project, or of one model; None if there is none.

    Args:
        project: the project of the endpoint.
        kind: the SDK's operations on the online endpoints, or on those for batches.
        wanted: the name that it should have.
        model: as for `tags`.
    """
    possible = set(names.numbered(wanted, LONGEST))
    own = tags(project, model)
    for endpoint in _listed(kind):
        there = endpoint.tags or {}
        its = own.items() <= there.items() and there.get(MODEL, "") == model
        if its and endpoint.name in possible:
            return endpoint
    return None


def create(kind: Any, wanted: str, make: Callable[[str], Any], key: str) -> Any:
    """Create the endpoint, under the next free name if the wanted one is taken.

    Args:
        kind: as for `find`.
        wanted: the name that it should have.
        make: makes one of that name, or is refused.
        key: of model.yaml, where another name can be given.

    Raises:
        ProjectError: Azure refuses, or all names are taken.
    """
    there = {endpoint.name for endpoint in _listed(kind)}
    for name in names.numbered(wanted, LONGEST):
        if name not in there:
            try:
                return make(name)
            except ProjectError as error:
                if TAKEN not in str(error):
                    raise
        click.echo(f"The endpoint name {name} is taken.", err=True)
    raise ProjectError(f"All names from {wanted} on are taken: give another {key} in model.yaml.")


def checked(name: str, key: str) -> str:
    """Return a name of model.yaml, or refuse it where Azure would.

    Raises:
        ProjectError: it does not.
    """
    if NAME.fullmatch(name):
        return name
    raise ProjectError(
        f"{name!r:.80} cannot be the name of an endpoint: 3 to {LONGEST} letters, digits and "
        f"hyphens, from a letter on; change {key} in model.yaml."
    )


def finish(begin: Callable[[], Any], what: str, state: Callable[[], str] | None = None) -> Any:
    """Begin what takes Azure minutes, and show how far it is until it ends.

    Args:
        begin: sends the request; returns the SDK's poller.
        what: the action, such as "Creating blue of income".
        state: what is shown of it while it lasts, such as Transitioning.

    Raises:
        ProjectError: Azure refuses it, or it fails.
        Stopped: by Ctrl-C.
    """
    shown = Progress(what)
    ended = ""
    try:
        with workspace.project_errors(what), redirect_stdout(StringIO()):  # the SDK prints dots
            poller = begin()
            try:
                while not poller.done():
                    poller.wait(POLL_SECONDS)
                    if not poller.done():
                        shown.show(state() if state else "")
                result = poller.result()
            except KeyboardInterrupt:
                raise Stopped(
                    f"{what} goes on in Azure; nothing else is begun. https://ml.azure.com shows "
                    "it below Endpoints."
                ) from None
            except Exception:
                ended = UNHEALTHY if state else "failed"
                raise
        ended = HEALTHY if state else "done"
        return result
    finally:
        shown.end(ended)


def health(provisioning_state: str) -> str:
    """Return what a deployment's provisioning state says of its health."""
    return {"Succeeded": HEALTHY, "Failed": UNHEALTHY, "Canceled": UNHEALTHY}.get(
        provisioning_state, TRANSITIONING
    )


def _listed(kind: Any) -> list[Any]:
    with workspace.project_errors("Looking for endpoints"):
        return list(kind.list())
