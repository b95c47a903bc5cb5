"""The verbs `deploy-online`, `test-online` and `roll-back-online`.

A new version is tried on this machine, then in a deployment without requests, then through the
endpoint; see rollout.py.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seedling.azure import environment, online_code, online_endpoint, rollout, workspace
from seedling.azure.online_endpoint import BEFORE, Endpoint
from seedling.azure.rollout import CONTENT, Say
from seedling.ci import output
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import sha256
from seedling.serving import try_endpoint

# The settings that a deployment is made of.
MADE_OF = {"deployment_vm_size", "deployment_instance_count", "score_file_name"}
MAX_TIMEOUT_MILLISECONDS = 180_000  # the longest that Azure allows


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
        colour = rollout.choose(found, content, wanted.deployment_name)
        shares = rollout.shares(found.shares() if found else {}, colour.name, percent)
        say("Trying on this machine what is to be deployed")
        _report(online_code.attempt(project, code, model), say, "Nothing was deployed.")
        name = f"{project.config.slug}-online"
        made = environment.register_context(project, client, name, context, online_code.ROUTES)
        endpoint = found or online_endpoint.create(project, client, model)

        def test(endpoint: Endpoint, deployment: str) -> None:
            _test(project, endpoint, say, model, deployment)

        if colour.is_there:
            say(f"{colour.name} of {endpoint.name} has these models already")
            test(endpoint, colour.name)
        else:
            deployment = _deployment(project, endpoint, colour.name, model, code, made, content)
            rollout.create(endpoint, deployment, test, say)
    description = online_endpoint.description(project, model)
    rollout.route(endpoint, shares, colour.name, test, description)
    say(rollout.state_of(endpoint))
    output.write("url", str(endpoint.document().scoring_uri))


def try_models(project: Project, say: Say, model: str = "") -> None:
    """Send every model's test instances to the endpoint, or to that of one model."""
    endpoint = online_endpoint.existing(project, workspace.client(project), model)
    say(rollout.state_of(endpoint))
    _test(project, endpoint, say, model)


def roll_back(project: Project, say: Say, model: str = "") -> None:
    """Give all requests to the deployment that answered before the last one."""
    endpoint = online_endpoint.existing(project, workspace.client(project), model)
    before = (endpoint.document().tags or {}).get(BEFORE)
    for name, deployment in endpoint.deployments().items():
        if before and (deployment.tags or {}).get(CONTENT) == before:
            endpoint.route({name: 100}, "")
            say(rollout.state_of(endpoint))
            return
    raise ProjectError(f"There is no deployment to go back to. {rollout.state_of(endpoint)}")


def _content(project: Project, folder: Path, model: str) -> str:
    """Return a hash of a deployment's files, environment, variables, script and machines."""
    wanted = workspace.settings(project, model).online.model_dump(include=MADE_OF)
    machines = json.dumps([wanted, online_code.variables(model)], sort_keys=True)
    return hashlib.sha256(f"{sha256(folder)} {machines}".encode()).hexdigest()[:12]


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
