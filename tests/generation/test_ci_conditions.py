"""Which jobs run after what others have found, in both systems; each verb is taken as done.

tests/full/test_ci_story.py and its neighbours run the verbs truly, for fewer cases.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from ci.azure_pipelines import AzurePipelines
from ci.github_actions import GitHubActions
from ci.model import Event, Run
from ci.small import SmallWorld

Bake = Callable[[dict[str, str]], Path]
Try = Callable[..., dict[str, str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="jobs run bash")

ANSWERS = {"vertical": "finance", "models": "logistic_regression"}
VARIABLES = ".pipelines/templates/variables.yml"
CHECK, PUBLISH, TRIGGER, WAIT, LOOK, DETERMINE, ONLINE, BATCH, APPROVE, TAG = (
    "Lint, unit tests and coverage",
    "Build and publish the training pipeline",
    "Trigger the training pipeline",
    "Wait for the training pipeline",
    "Look for a training that has ended",
    "Determine if evaluation succeeded and new model is registered",
    "Deploy online",
    "Deploy batch",
    "Approve the model",
    "Tag the model",
)
DEPLOY = {ONLINE, BATCH}
MAIN = Event("push", "main", file="train.yml")
# What verbs say to the system, and the reports that later steps look for.
SAYS = {
    "train-model-in-aml": 'test "$2" != NO_WAIT=1 ||'
    ' echo "##vso[task.setvariable variable=AZUREML_JOB_NAME;isOutput=true]j"',
    "coverage": "mkdir -p local_assets/reports && cd local_assets/reports &&"
    "echo '<testsuites/>' > tests.xml && echo '<coverage line-rate=\"1\"/>' > coverage.xml",
    "monitor-in-aml": "mkdir -p local_assets/reports/monitor",
    "deploy": "mkdir -p local_assets/sbom",
}


def programs(folder: Path, says: Mapping[str, str]) -> Path:
    """Write a `make` that does nothing but what `says` has for a verb, and a `python`."""
    folder.mkdir()
    cases = "\n".join(f"{verb}) {text} ;;" for verb, text in says.items())
    (folder / "make").write_text(f'#!/bin/sh\ncase "$1" in\n{cases}\nesac\n', encoding="utf-8")
    (folder / "python").write_text("#!/bin/sh\n", encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o755)
    return folder


def files_of(project: Path, folder: str) -> dict[str, str]:
    return {
        path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
        for path in (*project.joinpath(folder).rglob("*.yml"), project / "constraints.txt")
    }


def ended(run: Run, result: str) -> set[str]:
    return {job.name for job in run.jobs.values() if job.result == result}


@pytest.fixture
def github(bake: Bake, tmp_path: Path) -> Callable[..., Run]:
    """`github(event, says)`: what comes of it in a team that has named its workspace."""
    files = files_of(bake({**ANSWERS, "ci": "github"}), ".github")

    def github(event: Event, says: Mapping[str, str], answers: Mapping[str, str]) -> Run:
        world = SmallWorld(tmp_path / "world", files, programs(tmp_path / "bin", says))
        names = ("CLIENT_ID", "TENANT_ID", "SUBSCRIPTION_ID")
        world.variables = {f"AZURE_{name}": name.lower() for name in names}
        world.variables |= {"AML_WORKSPACE": "w", "APPROVAL_ENVIRONMENT": "production"}
        return GitHubActions(world).run(event, answers)  # type: ignore[arg-type]

    return github


@pytest.fixture
def azure_devops(bake: Bake, tmp_path: Path) -> Callable[..., Run]:
    """As `github`; its training has ended well unless `says` has another word for the wait."""
    files = files_of(bake({**ANSWERS, "ci": "azure_devops"}), ".pipelines")
    named = files[VARIABLES].replace('AML_WORKSPACE: ""', 'AML_WORKSPACE: "w"')
    assert named != files[VARIABLES]

    def azure_devops(event: Event, says: Mapping[str, str], answers: Mapping[str, str]) -> Run:
        there = SmallWorld(
            tmp_path / "world", files | {VARIABLES: named}, programs(tmp_path / "bin", says)
        )
        training = SimpleNamespace(name="j", status=says.get("wait", "Completed"), error="")
        there.azure = SimpleNamespace(  # type: ignore[attr-defined]
            jobs=SimpleNamespace(runs={"j": training})
        )
        runner = AzurePipelines(there)  # type: ignore[arg-type]
        try:
            return runner.run(event, answers)  # type: ignore[arg-type]
        finally:
            runner.close()

    return azure_devops


def outputs(**found: str) -> str:
    """The command by which a verb gives out what it has found, on GitHub."""
    lines = "\\n".join(f"{name}={value}" for name, value in found.items())
    return f"printf '{lines}\\n' >> \"$GITHUB_OUTPUT\""


def registered(whether: str) -> str:
    return f'echo "##vso[task.setvariable variable=MODEL_REGISTERED;isOutput=true]{whether}"'


ENDED = {"job": "j", "build_id": "7", "sha": "c"}
YES = {APPROVE: "approve"}
FOUND, NONE = outputs(registered="true"), outputs(registered="false")
FAILS = "exit 1"


@pytest.mark.parametrize(
    ("says", "answers", "succeeded"),
    [
        ({}, {}, {LOOK}),
        ({"ended-training": outputs(**ENDED, branch="main")}, YES, {LOOK, DETERMINE}),
        (
            {"ended-training": outputs(**ENDED, branch="main"), "registered-models": NONE},
            YES,
            {LOOK, DETERMINE},
        ),
        (
            {"ended-training": outputs(**ENDED, branch="develop"), "registered-models": FOUND},
            YES,
            {LOOK, DETERMINE},
        ),
        (
            {"ended-training": outputs(**ENDED, branch="main"), "registered-models": FOUND},
            YES,
            {LOOK, DETERMINE, *DEPLOY, APPROVE, TAG},
        ),
        (
            {"ended-training": outputs(**ENDED, branch="main"), "registered-models": FOUND},
            {APPROVE: "reject"},
            {LOOK, DETERMINE, *DEPLOY},
        ),
        (
            {"ended-training": outputs(**ENDED, branch="main"), "registered-models": FOUND},
            {APPROVE: "time out"},
            {LOOK, DETERMINE, *DEPLOY},
        ),
        (
            {
                "ended-training": outputs(**ENDED, branch="main"),
                "registered-models": FOUND,
                "deploy-batch": FAILS,
            },
            YES,
            {LOOK, DETERMINE, ONLINE},
        ),
        ({"ended-training": FAILS}, YES, set()),
        (
            {"ended-training": outputs(**ENDED, branch="main"), "registered-models": FAILS},
            YES,
            {LOOK},
        ),
    ],
    ids=[
        *("no training", "says nothing", "not registered", "of develop", "approved", "rejected"),
        *("not answered", "a deployment fails", "look fails", "determine fails"),
    ],
)
def test_github_goes_on_with_a_training_as_far_as_it_may(
    github: Callable[..., Run],
    says: dict[str, str],
    answers: dict[str, str],
    succeeded: set[str],
) -> None:
    run = github(Event("schedule", "main", file="trained.yml"), SAYS | says, answers)
    assert ended(run, "success") == succeeded, run.failures
    assert len(run.jobs) == 6


@pytest.mark.parametrize(
    ("branch", "says", "answers", "succeeded"),
    [
        ("main", {"registered-models": registered("false")}, YES, {DETERMINE}),
        ("develop", {"registered-models": registered("true")}, YES, {DETERMINE}),
        ("main", {}, YES, {DETERMINE}),
        (
            "main",
            {"registered-models": registered("true")},
            YES,
            {DETERMINE, *DEPLOY, APPROVE, TAG},
        ),
        (
            "main",
            {"registered-models": registered("true")},
            {APPROVE: "reject"},
            {DETERMINE, *DEPLOY},
        ),
        (
            "main",
            {"registered-models": registered("true")},
            {APPROVE: "time out"},
            {DETERMINE, *DEPLOY},
        ),
        (
            "main",
            {"registered-models": registered("true"), "deploy-batch": FAILS},
            YES,
            {DETERMINE, ONLINE},
        ),
        ("main", {"registered-models": FAILS}, YES, set()),
    ],
    ids=[
        *("not registered", "of develop", "says nothing", "approved", "rejected"),
        *("not answered", "a deployment fails", "determine fails"),
    ],
)
def test_azure_devops_goes_on_with_a_training_as_far_as_it_may(
    azure_devops: Callable[..., Run],
    branch: str,
    says: dict[str, str],
    answers: dict[str, str],
    succeeded: set[str],
) -> None:
    run = azure_devops(Event("push", branch, file="train.yml"), SAYS | says, answers)
    assert ended(run, "success") == {CHECK, PUBLISH, TRIGGER, WAIT, *succeeded}, run.failures
    assert len(run.jobs) == 9


def test_azure_devops_determines_nothing_after_a_training_that_failed(
    azure_devops: Callable[..., Run],
) -> None:
    run = azure_devops(MAIN, SAYS | {"wait": "Failed"}, YES)
    assert ended(run, "success") == {CHECK, PUBLISH, TRIGGER}
    assert ended(run, "failure") == {WAIT}


@pytest.mark.parametrize("system", ["github", "azure_devops"])
@pytest.mark.parametrize("verb", ["check-internal", "check-secrets", "lint", "coverage"])
def test_what_fails_its_checks_is_neither_published_nor_trained(
    request: pytest.FixtureRequest, system: str, verb: str
) -> None:
    run = request.getfixturevalue(system)(MAIN, SAYS | {verb: FAILS}, YES)
    assert ended(run, "failure") == {CHECK}
    assert ended(run, "success") == set()


@pytest.mark.parametrize("system", ["github", "azure_devops"])
@pytest.mark.parametrize("branch", ["app-dev", "prod", "main"])
def test_a_release_goes_to_the_environment_of_its_branch(
    request: pytest.FixtureRequest, system: str, branch: str
) -> None:
    run = request.getfixturevalue(system)(Event("push", branch, file="release.yml"), SAYS, {})
    environment = {f"Deploy to {branch}"} if branch != "main" else set()
    assert ended(run, "success") == environment, run.failures
