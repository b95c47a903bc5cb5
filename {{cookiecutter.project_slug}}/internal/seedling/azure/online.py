"""The verbs `deploy-online`, `test-online` and `roll-back-online`.

Of two deployments, blue and green, one answers. A new version takes the place of the other, is
tried there, and is given requests only if it answers well: until then nothing changes for anybody.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import environment, online_code, online_endpoint, workspace
from seedling.azure.endpoints import Stopped
from seedling.azure.online_endpoint import BEFORE, Endpoint
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.serving import try_endpoint

COLOURS = ("blue", "green")
# The settings that a deployment is made of.
MADE_OF = {"deployment_vm_size", "deployment_instance_count", "score_file_name"}
CONTENT = "content"  # the tag that says which files and settings a deployment was made of
READY, BUSY = "Succeeded", ("Creating", "Updating", "Deleting", "Scaling")
LOG_LINES = 60
MAX_TIMEOUT_MILLISECONDS = 180_000  # the longest that Azure allows

Say = Callable[[str], None]


def deploy(project: Project, percent: int | None, say: Say, model: str = "") -> None:
    """Deploy the registered models beside the present deployment, and route requests to them.

    Args:
        project: its model.yaml has the registered models.
        percent: share of the requests for the new deployment, 0 to 100; that of model.yaml unless
            given.
        say: called with a line before each step.
        model: the only model to deploy, to an endpoint of its own.

    Raises:
        ProjectError: something failed; the endpoint answers as before.
    """
    online_code.models(project, model)
    wanted = workspace.settings(project, model).online
    percent = wanted.deployment_traffic_allocation if percent is None else percent
    client = workspace.client(project)
    found = online_endpoint.find(project, client, model)
    with TemporaryDirectory() as scratch:
        code, context = Path(scratch) / "code", Path(scratch) / "environment"
        online_code.stage(project, code, model)
        online_code.write_context(project, context)
        content = _content(project, Path(scratch), model)
        colour, there = _colour(found, content, wanted.deployment_name)
        shares = _shares(found.shares() if found else {}, colour, percent)
        say("Trying on this machine what is to be deployed")
        _report(online_code.attempt(project, code, model), say, "Nothing was deployed.")
        name = f"{project.config.slug}-online"
        made = environment.register_context(client, name, context, online_code.ROUTES)
        endpoint = found or online_endpoint.create(project, client, model)
        if there:
            say(f"{colour} of {endpoint.name} has these models already")
            _test(project, endpoint, say, model, colour)
        else:
            _deploy(project, endpoint, colour, say, model, (code, made, content))
    _shift(project, endpoint, shares, colour, say, model)
    say(_state(endpoint))


def try_models(project: Project, say: Say, model: str = "") -> None:
    """Send every model's test instances to the endpoint, or to that of one model."""
    endpoint = online_endpoint.existing(project, workspace.client(project), model)
    say(_state(endpoint))
    _test(project, endpoint, say, model)


def roll_back(project: Project, say: Say, model: str = "") -> None:
    """Give all requests to the deployment that answered before the last one."""
    endpoint = online_endpoint.existing(project, workspace.client(project), model)
    before = (endpoint.document().tags or {}).get(BEFORE)
    for name, deployment in endpoint.deployments().items():
        if before and (deployment.tags or {}).get(CONTENT) == before:
            endpoint.route({name: 100}, "")
            say(_state(endpoint))
            return
    raise ProjectError(f"There is no deployment to go back to. {_state(endpoint)}")


def _content(project: Project, folder: Path, model: str) -> str:
    """Return a hash of a deployment's files, environment, variables, script and machines."""
    wanted = workspace.settings(project, model).online.model_dump(include=MADE_OF)
    machines = json.dumps([wanted, online_code.variables(model)], sort_keys=True)
    return hashlib.sha256(f"{sha256(folder)} {machines}".encode()).hexdigest()[:12]


def _colour(endpoint: Endpoint | None, content: str, prefix: str | None) -> tuple[str, bool]:
    """Choose the name of the new deployment, and say whether it has this content already."""
    colours = [f"{prefix}-{colour}" if prefix else colour for colour in COLOURS]
    if endpoint is None:
        return colours[0], False
    deployments, answering = endpoint.deployments(), endpoint.shares()
    for name, deployment in deployments.items():
        state = deployment.provisioning_state
        if state in BUSY:
            raise ProjectError(
                f"Azure is still at work on {name} of {endpoint.name}: wait until it is done."
            )
        if state == READY and (deployment.tags or {}).get(CONTENT) == content:
            return name, True
    free = [colour for colour in colours if colour not in answering]
    if not free:
        raise ProjectError(
            f"{_state(endpoint)} Both are needed: deploy what one of them has with --traffic 100, "
            "or run roll-back-online, and then deploy this."
        )
    return free[0], False


def _shares(answering: Mapping[str, int], colour: str, percent: int) -> dict[str, int]:
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
    shares = {colour: percent} | {name: 100 - percent for name in others}
    return {name: share for name, share in shares.items() if share}


def _deploy(
    project: Project,
    endpoint: Endpoint,
    colour: str,
    say: Say,
    model: str,
    made_of: tuple[Path, str, str],
) -> None:
    """Create a deployment and try it; it is gone again if that fails."""
    if colour in endpoint.deployments():
        endpoint.delete(colour)
    try:
        endpoint.deploy(_deployment(project, endpoint, colour, model, *made_of))
        _test(project, endpoint, say, model, colour)
    except Stopped:
        raise
    except ProjectError as error:
        log = endpoint.logs(colour, LOG_LINES).strip()
        if log:
            say(f"The last lines of {colour}'s log:\n{log}")
        raise ProjectError(f"{error} {_discarded(endpoint, colour)}") from None


def _deployment(
    project: Project,
    endpoint: Endpoint,
    colour: str,
    model: str,
    code: Path,
    environment: str,
    content: str,
) -> Any:
    from azure.ai.ml.entities import (
        CodeConfiguration,
        ManagedOnlineDeployment,
        OnlineRequestSettings,
    )

    machines = workspace.settings(project, model).online
    script = online_code.script(project, model)
    timeout = min(int(project.config.serving.time_limit * 1000), MAX_TIMEOUT_MILLISECONDS)
    return ManagedOnlineDeployment(
        name=colour,
        endpoint_name=endpoint.name,
        environment=environment,
        code_configuration=CodeConfiguration(code=str(code), scoring_script=script),
        environment_variables=online_code.variables(model),
        instance_type=machines.deployment_vm_size,
        instance_count=machines.deployment_instance_count,
        request_settings=OnlineRequestSettings(request_timeout_ms=timeout),
        tags={CONTENT: content, **online_code.versions(project, model)},
    )


def _discarded(endpoint: Endpoint, colour: str) -> str:
    """Delete a deployment that has failed; what became of it."""
    try:
        if colour in endpoint.deployments():
            endpoint.delete(colour)
    except ProjectError as error:
        return f"{colour} could not be deleted ({error}), and gets no requests."
    return f"{colour} is deleted. {_state(endpoint)}"


def _shift(
    project: Project,
    endpoint: Endpoint,
    shares: Mapping[str, int],
    colour: str,
    say: Say,
    model: str,
) -> None:
    """Share the requests out and ask the endpoint itself; undo it if that fails."""
    was, noted = endpoint.shares(), (endpoint.document().tags or {}).get(BEFORE, "")
    if shares == was:
        return
    tags = {name: one.tags or {} for name, one in endpoint.deployments().items()}
    before = next((tags[name].get(CONTENT, "") for name in was if name != colour), "")
    try:
        endpoint.route(shares, before, online_endpoint.description(project, model))
        _test(project, endpoint, say, model)
    except Stopped:
        raise
    except ProjectError as error:
        endpoint.route(was, noted)
        raise ProjectError(f"{error} The requests go where they went before.") from None


def _test(project: Project, endpoint: Endpoint, say: Say, model: str, deployment: str = "") -> None:
    """Send every model's test instances, to one deployment or to the endpoint."""

    def tried(name: str) -> try_endpoint.Tried:
        def ask(body: dict[str, Any]) -> Any:
            return endpoint.ask(online_code.body_for(name, body), deployment)

        return try_endpoint.attempt_by(project, name, ask, online_code.test_file(project, name))

    _report([tried(name) for name in online_code.models(project, model)], say)


def _report(tried: Sequence[try_endpoint.Tried], say: Say, end: str = "") -> None:
    """Say how each model has answered.

    Raises:
        ProjectError: not all of them have answered well.
    """
    for line in try_endpoint.lines(tried):
        say(line)
    wrong = [each for each in tried if each.problem]
    if wrong:
        raise ProjectError(f"{wrong[0].model}: {wrong[0].problem}. {end}".strip())


def _state(endpoint: Endpoint) -> str:
    """Return a sentence with the endpoint's URI and the share of each deployment."""
    document = endpoint.document()
    shares = {name: share for name, share in document.traffic.items() if share}
    shown = ", ".join(f"{name} {share} %" for name, share in sorted(shares.items()))
    return f"{document.scoring_uri} is answered by {shown or 'no deployment'}."
