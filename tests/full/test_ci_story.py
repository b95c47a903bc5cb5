"""What release engineers see: a change goes through CI to an answering service, or it does not.

Both systems tell the same story, each by its own files and its own runner, in a world of its own on
one Azure: docs/decisions/0078-a-runner-of-ci-in-the-tests.md says what is real in it.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from azureml.emulator import AzureML
from azureml.jobs import JOBS
from azureml.runs import FINAL
from ci.azure_pipelines import AzurePipelines
from ci.cloud import KEY, SITE, begin, cloud, settle, tags
from ci.github_actions import GitHubActions
from ci.model import NO_ANSWERS, Answer, Event, Run
from ci.world import CHECKED, Left, World

pytestmark = pytest.mark.full

APPROVAL = "Approve the model"
DEPLOYED = ("Deploy online", "Deploy batch")
NOT_REGISTERED = "Model was not registered for this run."
ROW = {"usage": 3, "fitness": 3}
ENDPOINT = "workspaces/workspace/onlineEndpoints/hello-ci"
BATCH = "workspaces/workspace/batchEndpoints/hello-ci-batch"
# No training needs what is published: test_ci_github.py and test_ci_azure_devops.py run that.
ELSEWHERE = {**CHECKED, "make publish-training-pipeline": Left()}
FOLLOW = 'make train-model-in-aml FOLLOW="$JOB"'
ONCE = {FOLLOW}  # the same in each job
PATIENCE = 300  # seconds, for a training


class AzureDevOps:
    """Azure Pipelines: one run trains, waits without an agent, deploys and asks."""

    def __init__(self, world: World) -> None:
        self.world, self.runner = world, AzurePipelines(world)

    def training(self, answers: Mapping[str, Answer] = NO_ANSWERS) -> Run:
        """What a push to main starts, up to the answer."""
        return self.runner.run(Event("push", "main", file="train.yml"), answers)

    def close(self) -> None:
        self.runner.close()


class GitHub:
    """GitHub Actions: one workflow submits the training, another one finds that it has ended."""

    def __init__(self, world: World) -> None:
        self.world, self.runner = world, GitHubActions(world)

    def training(self, answers: Mapping[str, Answer] = NO_ANSWERS) -> Run:
        """What a push to main starts, and the first look after the training has ended."""
        begun = self.runner.run(Event("push", "main", file="train.yml"))
        _, training = self._newest()
        deadline = time.monotonic() + PATIENCE
        while training.status not in FINAL:
            assert time.monotonic() < deadline, training
            time.sleep(0.2)
        return Run(begun.jobs | self._look(answers).jobs)

    def _newest(self) -> tuple[str, Any]:
        """The name of the last training that CI has left, and how far it is."""
        runs = self.world.azure.jobs.runs
        return [(name, run) for name, run in runs.items() if "left_by" in self._tags(name)][-1]

    def _tags(self, job: str) -> dict[str, str]:
        found = self.world.azure.documents.find(f"{JOBS}/{job}") or {}
        return (found.get("properties") or {}).get("tags") or {}

    def _look(self, answers: Mapping[str, Answer]) -> Run:
        return self.runner.run(Event("schedule", "main", file="trained.yml"), answers)

    def close(self) -> None:
        """Nothing is left of it."""


System = GitHub | AzureDevOps
SYSTEMS: dict[str, Callable[[World], System]] = {"github": GitHub, "azure_devops": AzureDevOps}


@pytest.fixture(scope="module")
def azure(
    ci_prepared: Path, ci_serving: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AzureML]:
    """One Azure for both stories; its beginning is made once."""
    folder = tmp_path_factory.mktemp("cloud") / "new"
    with cloud(ci_prepared / ".venv", folder, ci_serving) as azure:
        yield azure
        assert azure.unknown == []


@pytest.fixture(scope="module")
def beginning(azure: AzureML) -> dict[str, Any]:
    return {}


@pytest.fixture(scope="module", params=list(SYSTEMS))
def system(
    request: pytest.FixtureRequest,
    azure: AzureML,
    beginning: dict[str, Any],
    ci_prepared: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("world") / "new"
    world = World(folder, ci_prepared, ci_prepared / ".venv", azure)
    settle(world)
    if "state" not in beginning:
        begin(world)
        beginning["state"] = azure.state()
    azure.restore(beginning["state"])
    world.assumed, world.once = dict(ELSEWHERE), ONCE
    system = SYSTEMS[request.param](world)
    yield system
    system.close()
    azure.online.stop()
    azure.web.stop()
    azure.web.apps.clear()
    world.close()


def succeeded(run: Run, *names: str) -> None:
    for name in names:
        assert run.job(name).result == "success", (run.results, run.log)


def asked(world: World, address: str, body: Any, **headers: str) -> tuple[int, Any]:
    """The answer to some rows, over HTTP."""
    trusted = ssl.create_default_context(cafile=world.azure.certificate)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given["Content-Type"] = "application/json"
    request = Request(address, json.dumps(body).encode(), given, method="POST")
    try:
        with urlopen(request, timeout=30, context=trusted) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, error.read()


def predictions(world: World, site: str) -> Any:
    """What a web app answers, to those who have the key."""
    address = f"{world.azure.address}/site/{site}/production/invocations"
    assert asked(world, address, {"instances": [ROW]})[0] == 401
    status, answer = asked(world, address, {"instances": [ROW]}, X_API_Key=KEY)
    assert status == 200, answer
    return answer["predictions"]


def image(world: World, commit: str) -> str:
    return f"{world.azure.web.registry}/hello_ci:{commit}"


def test_a_better_model_is_served_and_an_equal_one_is_not_registered(system: System):
    world = system.world
    first = system.training({APPROVAL: "approve"})
    succeeded(first, "Trigger the training pipeline", *DEPLOYED, APPROVAL, "Tag the model")
    assert tags(world, 2), first.log
    assert tags(world, 2)["role"] == "champion"
    assert tags(world, 1)["role"] == "former champion"
    traffic = world.azure.documents.get(ENDPOINT)["properties"]["traffic"]
    assert traffic == {"blue": 100}
    url = world.azure.documents.get(ENDPOINT)["properties"]["scoringUri"]
    assert asked(world, url, {"data": [ROW]}, Authorization="Bearer primary")[0] == 200
    assert world.azure.documents.get(BATCH)["properties"]["defaults"]["deploymentName"]
    assert tags(world, 2)["stage"] == "ready_for_production"

    world.commit("main", {"README.md": "# The same model\n"})
    before = world.azure.documents.get(ENDPOINT)
    second = system.training({APPROVAL: "approve"})
    determine = second.job("Determine if evaluation succeeded and new model is registered")
    assert determine.result == "success", determine.log
    assert NOT_REGISTERED in determine.log
    for name in (*DEPLOYED, APPROVAL, "Tag the model"):
        assert second.job(name).result == "skipped", name
    assert tags(world, 3) is None
    assert world.azure.documents.get(ENDPOINT) == before


def test_what_is_merged_is_served_and_what_fails_its_test_is_rolled_back(system: System):
    """After the story above, whose registered version is committed and released."""
    world, web = system.world, system.world.azure.web
    made_up = world.merge("main", "app-dev")
    run = system.runner.run(Event("push", "app-dev", file="release.yml"))
    succeeded(run, "Deploy to app-dev")
    assert world.pushed == [image(world, made_up)]
    (files,) = world.notes.glob("layers/0")
    assert not (files / "local_assets").exists()
    assert [*world.machines[-1].work.rglob("local_assets/sbom/*.json")]
    assert predictions(world, f"{SITE}-dev")

    noted = [path for each in world.machines for path in each.work.rglob("model.yaml")]
    text = next(text for path in noted if "sha256: " in (text := path.read_text(encoding="utf-8")))
    world.commit("release", {"model.yaml": text})
    good = world.merge("release", "prod")
    run = system.runner.run(Event("push", "prod", file="release.yml"))
    succeeded(run, "Deploy to prod")
    assert world.pushed[-1] == image(world, good)
    assert web.apps[SITE, "production"].image == image(world, good)
    before = predictions(world, SITE)

    world.commit("release", {"README.md": "# Another version\n"})
    bad = world.merge("release", "prod")
    web.broken.add((image(world, bad), "production"))
    swaps = web.swaps
    run = system.runner.run(Event("push", "prod", file="release.yml"))
    job = run.job("Deploy to prod")
    assert job.result == "failure"
    assert "The version before is back." in job.log
    assert web.swaps == swaps + 2
    assert web.apps[SITE, "production"].image == image(world, good)
    assert predictions(world, SITE) == before
