"""The verb `clean-up`: finds what a project has made in its workspace by its tags, and removes it.

Models, datasets and jobs are the record of what was done; they cost no machine, and stay. What a
verb of this project has not tagged is another's, whatever its name is.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from seedling.azure import endpoints, schedules, workspace
from seedling.azure.environment import PROJECT
from seedling.config import Project

KINDS = ("schedule", "endpoint", "cluster", "environment")
ENVIRONMENTS_SHOWN = "archived, since Azure ML deletes none"


class Made(NamedTuple):
    """Something that the project has made.

    Attributes:
        kind: one of KINDS.
        name: as Azure has it.
        about: a few words on it.
        remove: removes it.
    """

    kind: str
    name: str
    about: str
    remove: Callable[[], None]


def found(
    project: Project, client: Any, kinds: Sequence[str] = (), run: str | None = None
) -> list[Made]:
    """List what the project has made, in the order in which it can be removed.

    Args:
        project: by whose tag it is found.
        client: of the workspace.
        kinds: of KINDS; all unless given.
        run: only the endpoint of this run of a script, and no other kind of thing.

    Raises:
        ProjectError: Azure refuses.
    """
    listing = {
        "schedule": _schedules,
        "endpoint": _endpoints,
        "cluster": _clusters,
        "environment": _environments,
    }
    if run is not None:
        return [*_endpoints(project, client, run)]
    with workspace.project_errors("Looking for what this project has made"):
        return [one for kind in kinds or KINDS for one in listing[kind](project, client)]


def remove(made: Sequence[Made], say: Callable[[str], None]) -> None:
    """Remove what was found, one thing after the other.

    Args:
        made: what `found` has returned.
        say: called with a line for each that is gone.

    Raises:
        ProjectError: Azure refuses one; those before it are gone.
    """
    for one in made:
        with workspace.project_errors(f"Removing the {one.kind} {one.name}"):
            one.remove()
        say(f"Removed the {one.kind} {one.name}.")


def _is_ours(project: Project, thing: Any) -> bool:
    return (thing.tags or {}).get(PROJECT) == project.config.slug


def _schedules(project: Project, client: Any) -> Iterator[Made]:
    for one in client.schedules.list():
        if _is_ours(project, one):
            yield Made("schedule", one.name, "", _call(schedules.delete, client, one.name))


def _endpoints(project: Project, client: Any, run: str | None = None) -> Iterator[Made]:
    """Yield the endpoints of the current environment, each with its deployments."""
    own = endpoints.tags(project) | ({} if run is None else {endpoints.MODEL: run})
    for kind, operations, deployments in (
        ("online", client.online_endpoints, client.online_deployments),
        ("batch", client.batch_endpoints, client.batch_deployments),
    ):
        for one in operations.list():
            if own.items() <= (one.tags or {}).items():
                names = ", ".join(sorted(each.name for each in deployments.list(one.name)))
                about = f"{kind}, {names or 'no deployment'}"
                yield Made("endpoint", one.name, about, _deletion(operations, one.name))


def _clusters(project: Project, client: Any) -> Iterator[Made]:
    for one in client.compute.list():
        if _is_ours(project, one):
            about = f"{getattr(one, 'size', one.type)}, for whatever project uses it"
            yield Made("cluster", one.name, about, _deletion(client.compute, one.name))


def _environments(project: Project, client: Any) -> Iterator[Made]:
    """Yield the versions that carry the project's tag; a list of names has no tags."""
    for name in sorted({one.name for one in client.environments.list()}):
        if name.startswith("AzureML-"):  # Azure's own, of which there are hundreds
            continue
        for one in client.environments.list(name=name):
            if _is_ours(project, one):
                archive = _call(client.environments.archive, name, one.version)
                yield Made("environment", f"{name}:{one.version}", ENVIRONMENTS_SHOWN, archive)


def _deletion(operations: Any, name: str) -> Callable[[], None]:
    what = f"Deleting {name}"
    return lambda: endpoints.finish(lambda: operations.begin_delete(name), what)


def _call(function: Callable[..., Any], *given: Any) -> Callable[[], None]:
    return lambda: function(*given)
