"""Every job of every workflow of GitHub, executed as the events of a repository start it.

test_ci_story.py has the whole story with both systems: a training on main up to its approval, and
what is deployed and rolled back; what it runs instead of this file is named in STORY.
"""

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from azureml.runs import FINAL
from ci.cloud import tags
from ci.github_actions import FOLDER, GitHubActions
from ci.model import Event, Run, succeeded
from ci.world import Left, World

pytestmark = pytest.mark.full

REVIEW = 'make review BASE="$INTO" ROWS=2000'
MARK = "<!-- seedling-review -->"
NOT_NAMED = "No Azure ML workspace is named"
STORY = {
    "trained.yml: Deploy online",
    "trained.yml: Deploy batch",
    "trained.yml: Approve the model",
    "trained.yml: Tag the model",
}
PATIENCE = 300  # seconds, for a training


@pytest.fixture(scope="module")
def world(ci_world: World) -> World:
    """Checks and the review take long and are run once."""
    ci_world.once |= {REVIEW, "make check-internal", "make check-secrets"}
    return ci_world


@pytest.fixture(scope="module")
def runner(world: World) -> "Watched":
    return Watched(world)


class Watched(GitHubActions):
    """A runner that notes which jobs have run."""

    done: set[str]

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.done = set()

    def event(self, event: Event, **answers: str) -> Run:
        run = self.run(event, answers)  # type: ignore[arg-type]
        for job in run.jobs.values():
            if job.result != "skipped":
                self.done.add(f"{job.file}: {job.name}")
        return run


def read(path: Path) -> ElementTree.Element:
    """A report as Azure Pipelines reads it, whose jobs do not run the checks themselves."""
    return ElementTree.parse(path).getroot()  # noqa: S314 - written by a job of ours


def await_training(world: World) -> None:
    """Wait until the jobs on Azure ML have ended."""
    deadline = time.monotonic() + PATIENCE
    while any(job.status not in FINAL for job in [*world.azure.jobs.runs.values()]):
        assert time.monotonic() < deadline, world.azure.jobs.runs
        time.sleep(0.2)


def test_a_pull_request_is_reviewed_in_one_comment(world: World, runner: Watched):
    world.commit("topic", {"dataset_creation/notes.md": "Nothing that changes a model.\n"})
    first = runner.event(Event("pull_request", "topic", "main"))
    succeeded(first)
    (tests, *_) = world.artifacts.rglob("tests-*/**/tests.xml")
    assert len(read(tests).findall(".//testcase")) > 10
    (coverage, *_) = world.artifacts.rglob("tests-*/**/coverage.xml")
    assert 0 < float(read(coverage).attrib["line-rate"]) <= 1
    sample = first.jobs["ci.yml/sample"]
    assert f"::summary::\n{MARK}" in sample.log
    assert [each.startswith(MARK) for each in world.comments] == [True]
    assert "no model worse than before" in world.comments[0]
    assert "rmse" in world.comments[0]
    succeeded(runner.event(Event("pull_request", "topic", "main")))
    assert len(world.comments) == 1
    (report, *_) = world.artifacts.glob("*/review/review.md")
    assert world.comments[0].strip() == report.read_text(encoding="utf-8").strip()
    kept = sorted(path.name for path in world.artifacts.glob("*/review/*"))
    assert {*kept} >= {"review.md", "review.html"}


def test_a_fork_s_pull_request_is_checked_and_trained_without_any_trust(
    world: World, runner: Watched
):
    before = list(world.comments)
    run = runner.event(Event("pull_request", "topic", "main", fork=True))
    succeeded(run, "Comment on the pull request")
    assert world.comments == before
    assert "az" not in {*run.jobs["ci.yml/sample"].log.split()}


def test_what_is_on_main_is_checked(world: World, runner: Watched):
    run = runner.event(Event("push", "main", file="ci.yml"))
    succeeded(run, "Train on a sample", "Comment on the pull request")


def test_what_develop_trains_is_registered_and_not_deployed(world: World, runner: Watched):
    run = runner.event(Event("push", "develop"))
    succeeded(run, NOT_NAMED, "Train on a sample", "Comment on the pull request")
    await_training(world)
    looked, determined = (
        "Look for a training that has ended",
        "Determine if evaluation succeeded and new model is registered",
    )
    run = runner.event(Event("dispatch", "main", file="trained.yml"))
    done = {job.name for job in run.jobs.values() if job.result == "success"}
    assert done == {looked, determined}
    assert "stage" not in (tags(world, 2) or {"stage": "not registered"})
    others = {job.name for job in run.jobs.values()} - {looked}
    succeeded(runner.event(Event("schedule", "main", file="trained.yml")), *others)


def test_what_is_merged_is_deployed_there(world: World, runner: Watched):
    """The story deploys truly, with models that are registered and with those that are not."""
    world.assumed["make deploy"] = Left(files={"local_assets/sbom/hello.cdx.json": "{}"})
    for branch in ("app-dev", "prod"):
        world.merge("main", branch)
        by_hand = Event("dispatch", branch, file="deploy.yml", inputs={"environment": branch})
        for event in (Event("push", branch), by_hand):
            run = runner.event(event)
            succeeded(run, NOT_NAMED)
            assert run.job(f"Deploy to {branch}").file == "deploy.yml"
        assert len([*world.artifacts.glob(f"*/sbom-{branch}/*")]) == 2
    del world.assumed["make deploy"]


def test_the_schedules_watch_train_again_and_upgrade(world: World, runner: Watched):
    for file in ("monitor.yml", "retrain.yml", "codeql.yml"):
        run = runner.event(Event("schedule", "main", file=file))
        succeeded(run, NOT_NAMED)
    new = world.text("main", "constraints.txt") + "# newer\n"
    world.assumed["make lock"] = Left(files={"constraints.txt": new})
    world.assumed |= dict.fromkeys(("make init", "make lint", "make test"), Left())
    upgrade = Event("schedule", "main", file="dependencies.yml")
    for _ in range(2):
        succeeded(runner.event(upgrade))
    assert world.text("dependencies", "constraints.txt") == new
    world.assumed["make lock"] = Left()
    succeeded(runner.event(upgrade), "Open a pull request")


def test_without_a_workspace_everything_in_azure_is_skipped_and_says_so(
    world: World, runner: Watched
):
    named = world.variables.pop("AML_WORKSPACE")
    try:
        for event in (
            Event("push", "main", file="train.yml"),
            Event("push", "prod"),
            Event("dispatch", "prod", file="deploy.yml", inputs={"environment": "prod"}),
            Event("schedule", "main", file="monitor.yml"),
            Event("schedule", "main", file="retrain.yml"),
        ):
            run = runner.event(event)
            assert {job.name for job in run.jobs.values() if job.result == "success"} == {NOT_NAMED}
            assert "no variable AML_WORKSPACE is set" in run.log
        run = runner.event(Event("schedule", "main", file="trained.yml"))
        assert {*run.results.values()} == {"skipped"}
    finally:
        world.variables["AML_WORKSPACE"] = named


def test_every_job_of_every_workflow_has_run(world: World, runner: Watched):
    """The last of this file: by what the tests before have noted."""
    declared = set()
    for path, text in world.read(world.commit_of("main"), FOLDER).items():
        for key, job in yaml.safe_load(text)["jobs"].items():
            if "uses" not in job:
                names = job.get("name", key)
                inputs = ("app-dev", "prod") if "inputs.environment" in names else ("",)
                for value in inputs:
                    name = names.replace("${{ inputs.environment }}", value)
                    declared.add(f"{path.removeprefix(f'{FOLDER}/')}: {name}")
    assert declared - runner.done == STORY
    assert runner.done < declared
