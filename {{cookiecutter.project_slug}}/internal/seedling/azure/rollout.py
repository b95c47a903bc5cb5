"""Deploy beside the deployment that answers, and give it requests once it answers well.

Of two deployments, blue and green, one answers. The other is replaced, tried, and given requests;
until then nothing changes for a caller, and after a failure all is as it was.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seedling.azure.endpoints import Stopped
from seedling.azure.online_endpoint import BEFORE, Endpoint
from seedling.errors import ProjectError

COLOURS = ("blue", "green")
CONTENT = "content"  # the tag that says which files and settings a deployment was made of
READY, BUSY = "Succeeded", ("Creating", "Updating", "Deleting", "Scaling")
LOG_LINES = 60

Say = Callable[[str], None]
# Asks an endpoint, or one deployment of it by its name; raises ProjectError where it answers badly.
Test = Callable[[Endpoint, str], None]


class Colour(NamedTuple):
    """The name of a new deployment, and whether it is there already with the same content."""

    name: str
    is_there: bool


def choose(endpoint: Endpoint | None, content: str, prefix: str | None = None) -> Colour:
    """Choose the name of the new deployment.

    Args:
        endpoint: that of the deployment; None where it is still to be made.
        content: a hash of what the deployment is made of.
        prefix: of the two names.

    Raises:
        ProjectError: Azure is at work on one, or both answer requests.
    """
    colours = [f"{prefix}-{colour}" if prefix else colour for colour in COLOURS]
    if endpoint is None:
        return Colour(colours[0], False)
    deployments, answering = endpoint.deployments(), endpoint.shares()
    for name, deployment in deployments.items():
        state = deployment.provisioning_state
        if state in BUSY:
            raise ProjectError(
                f"Azure is still at work on {name} of {endpoint.name}: wait until it is done."
            )
        if state == READY and (deployment.tags or {}).get(CONTENT) == content:
            return Colour(name, True)
    free = [colour for colour in colours if colour not in answering]
    if not free:
        raise ProjectError(
            f"{state_of(endpoint)} Both are needed: deploy what one of them has with --traffic "
            "100, or run roll-back-online, and then deploy this."
        )
    return Colour(free[0], False)


def shares(answering: Mapping[str, int], colour: str, percent: int) -> dict[str, int]:
    """Return the share of requests of each deployment, in percent.

    Raises:
        ProjectError: there is no deployment for the rest of the requests.
    """
    others = [name for name in answering if name != colour]
    if not others and percent == 0 and colour not in answering:
        return {}
    if len(others) > 1 or (not others and percent < 100):
        shown = ", ".join(others) or "no other deployment"
        raise ProjectError(
            f"With {percent} % for {colour} the rest is for {shown}: deploy with --traffic 100."
        )
    found = {colour: percent} | {name: 100 - percent for name in others}
    return {name: share for name, share in found.items() if share}


def create(endpoint: Endpoint, deployment: Any, test: Test, say: Say) -> None:
    """Create a deployment and try it; it is gone again if that fails, after its log was shown.

    Raises:
        ProjectError: it is Unhealthy, or answers badly.
    """
    name = deployment.name
    if name in endpoint.deployments():
        endpoint.delete(name)
    try:
        endpoint.deploy(deployment)
        test(endpoint, name)
    except Stopped:
        raise
    except ProjectError as error:
        log = endpoint.logs(name, LOG_LINES).strip()
        if log:
            say(f"The last lines of {name}'s log:\n{log}")
        raise ProjectError(f"{error} {_discarded(endpoint, name)}") from None


def route(
    endpoint: Endpoint, wanted: Mapping[str, int], colour: str, test: Test, description: str
) -> None:
    """Share the requests out and ask the endpoint itself; undo it if that fails.

    Args:
        endpoint: that of the deployments.
        wanted: the share of each.
        colour: the new deployment.
        test: asks it.
        description: of the endpoint.

    Raises:
        ProjectError: the endpoint answers badly; the requests go where they went before.
    """
    was, noted = endpoint.shares(), (endpoint.document().tags or {}).get(BEFORE, "")
    if dict(wanted) == was:
        return
    tags = {name: one.tags or {} for name, one in endpoint.deployments().items()}
    before = next((tags[name].get(CONTENT, "") for name in was if name != colour), "")
    try:
        endpoint.route(wanted, before, description)
        test(endpoint, "")
    except Stopped:
        raise
    except ProjectError as error:
        endpoint.route(was, noted)
        raise ProjectError(f"{error} The requests go where they went before.") from None


def state_of(endpoint: Endpoint) -> str:
    """Return a sentence with the endpoint's URI and the share of each deployment."""
    document = endpoint.document()
    found = {name: share for name, share in document.traffic.items() if share}
    shown = ", ".join(f"{name} {share} %" for name, share in sorted(found.items()))
    return f"{document.scoring_uri} is answered by {shown or 'no deployment'}."


def _discarded(endpoint: Endpoint, colour: str) -> str:
    """Delete a deployment that has failed; return what became of it."""
    try:
        if colour in endpoint.deployments():
            endpoint.delete(colour)
    except ProjectError as error:
        return f"{colour} could not be deleted ({error}), and gets no requests."
    return f"{colour} is deleted. {state_of(endpoint)}"
