"""Every job of every pipeline of Azure Pipelines, executed as the events of a repository start it.

test_ci_story.py runs what is long there with both systems: a training on main up to its approval,
and deployments; what it runs is named in STORY.
"""

from collections.abc import Iterator

import pytest
from ci.azure_pipelines import AzurePipelines
from ci.cloud import VARIABLES, tags
from ci.model import Event, Run, succeeded
from ci.world import CHECKED, Left, World

pytestmark = pytest.mark.full

REVIEW = 'make review BASE="$BASE" ROWS=2000'
MARK = "<!-- seedling-review -->"
NOT_NAMED = "No Azure ML workspace is named"
STORY = {
    "train.yml: Deploy online",
    "train.yml: Deploy batch",
    "train.yml: Approve the model",
    "train.yml: Tag the model",
    "release.yml: Deploy to app-dev",
    "release.yml: Deploy to prod",
}


class Watched(AzurePipelines):
    """A runner that notes which jobs there are, and which have run."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.known: set[str] = set()
        self.done: set[str] = set()

    def run(self, event: Event, answers: object = None) -> Run:
        run = super().run(event)
        for job in run.jobs.values():
            name = f"{job.file}: {job.name}"
            self.known.add(name)
            if job.result != "skipped":
                self.done.add(name)
        return run


@pytest.fixture(scope="module")
def world(ci_world: World) -> World:
    """The review is run once; test_ci_github.py runs the checks, of the same files."""
    ci_world.once |= {REVIEW}
    ci_world.assumed = dict(CHECKED)
    return ci_world


@pytest.fixture(scope="module")
def runner(world: World) -> Iterator[Watched]:
    runner = Watched(world)
    yield runner
    runner.close()


def test_a_pull_request_is_checked_and_has_its_report(world: World, runner: Watched) -> None:
    world.edit("topic", "model.yaml", "fit_intercept: true", "fit_intercept: false")
    run = runner.run(Event("pull_request", "topic", "main"))
    succeeded(run)
    assert {job.file for job in run.jobs.values()} == {"ci.yml", "codeql.yml"}
    (report,) = world.artifacts.glob("*/review/review.md")
    (comment,) = runner.repos.comments("1")
    assert comment.strip() == report.read_text(encoding="utf-8").strip()
    assert comment.startswith(MARK)
    assert "rmse" in comment
    kept = {path.name for path in world.artifacts.glob("*/review/*")}
    assert kept == {"review.md", "review.html"}
    published = [step.log for step in run.jobs["ci.yml/Check (python311)"].steps[-2:]]
    assert published == ["2 tests", "100% of the lines"]
    run = runner.run(Event("pull_request", "topic", "main", file="ci.yml"))
    assert run.job("Comment on the pull request").result == "success"
    assert runner.repos.comments("1") == [comment]


def test_a_pull_request_of_a_fork_has_no_token(world: World, runner: Watched) -> None:
    before = runner.repos.comments("1")
    run = runner.run(Event("pull_request", "topic", "main", fork=True))
    succeeded(run, "Comment on the pull request")
    assert runner.repos.comments("1") == before


def test_what_develop_trains_is_registered_and_not_deployed(world: World, runner: Watched) -> None:
    run = runner.run(Event("push", "develop"))
    left_out = ["Train on a sample", "Comment on the pull request", "Deploy online"]
    left_out += ["Deploy batch", "Approve the model", "Tag the model"]
    succeeded(run, *left_out)
    found = tags(world, 2) or {}
    assert found["build_id"] == str(world.build)
    assert "stage" not in found
    (limit,) = [minutes for name, minutes in runner.waits if name.startswith("Wait for")]
    assert limit == 2880


def test_the_clock_watches_and_trains_again(world: World, runner: Watched) -> None:
    for file in ("monitor.yml", "retrain.yml", "codeql.yml"):
        run = runner.run(Event("schedule", "main", file=file))
        assert run.jobs
        succeeded(run)


def test_newer_versions_become_one_pull_request(world: World, runner: Watched) -> None:
    old = world.text("main", "constraints.txt")
    new = old.replace("click==", "click==99.")
    for command in ("make init", "make lint", "make test"):  # there is no index here
        world.assumed[command] = Left()
    world.assumed["make lock"] = Left(files={"constraints.txt": new})
    clock = Event("schedule", "main", file="dependencies.yml")
    for _ in range(2):
        succeeded(runner.run(clock))
    (one,) = runner.repos.pull_requests
    assert one["title"] == "Update the dependencies"
    assert "- click: " in one["description"]
    assert world.text("dependencies", "constraints.txt") == new
    assert world.text("main", "constraints.txt") == old
    world.assumed["make lock"] = Left()
    assert "there is nothing to propose" in runner.run(clock).log


def test_without_a_workspace_nothing_is_done_in_azure(world: World, runner: Watched) -> None:
    del world.variables["AML_WORKSPACE"]
    for branch in ("main", "prod"):
        world.edit(branch, VARIABLES, 'AML_WORKSPACE: "workspace"', 'AML_WORKSPACE: ""')
    for event in (
        Event("push", "main", file="train.yml"),
        Event("push", "prod"),
        Event("schedule", "main", file="monitor.yml"),
        Event("schedule", "main", file="retrain.yml"),
    ):
        run = runner.run(event)
        assert [job.name for job in run.jobs.values()] == [NOT_NAMED]
        assert "names no AML_WORKSPACE" in run.log


def test_every_job_of_every_pipeline_has_run(runner: Watched) -> None:
    """The last of this file: by what the tests before have noted."""
    assert runner.known - runner.done == {each for each in STORY if "train.yml" in each}
