"""A job that one build has left is gone on with by another, once, by the job's own tags."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from seedling.azure import places, training
from seedling.azure.ended_training import CONTINUED, Ended, oldest
from seedling.azure.places import LEFT_BY, Group, Place
from seedling.ci import build
from seedling.config import Project
from seedling.training import outcomes

NAMES = {
    "github": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "17",
        "GITHUB_SHA": "abc",
        "GITHUB_REF_NAME": "feature/x",
    },
    "azure_devops": {
        "TF_BUILD": "True",
        "BUILD_BUILDID": "17",
        "BUILD_SOURCEVERSION": "abc",
        "BUILD_SOURCEBRANCH": "refs/heads/feature/x",
    },
}


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_HEAD_REF", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)


def within(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NAMES[system].items():
        monkeypatch.setenv(name, value)


def job(name: str, days: int = 1, status: str = "Completed", **tags: str) -> Any:
    made = datetime.now(UTC) - timedelta(days)
    return SimpleNamespace(
        name=name,
        status=status,
        experiment_name="ours",
        tags={"kind": "pipeline", LEFT_BY: "github", **tags},
        creation_context=SimpleNamespace(created_at=made),
    )


@pytest.mark.parametrize("system", NAMES)
def test_a_job_says_which_build_has_submitted_it(
    system: str, project: Project, monkeypatch: pytest.MonkeyPatch
):
    place = Place("azureml:cats:1", "cluster", "environment:1")
    group = Group(project.config.first_dataset, {"cats": place}, place)
    assert group.tags("pipeline")["build_id"] == "local"
    assert "branch" not in group.tags("pipeline")
    within(system, monkeypatch)
    assert build.current() == build.Build(system, "17", "abc", "feature/x")
    tags = group.tags("pipeline")
    assert (tags["build_id"], tags["commit"], tags["branch"]) == ("17", "abc", "feature/x")
    monkeypatch.setenv("BUILD_ID", "my build")
    assert outcomes.build_id() == "my build"


def test_only_a_job_that_a_build_does_not_wait_for_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
):
    submitted: list[Any] = []

    def create(one: Any) -> Any:
        submitted.append(one)
        return SimpleNamespace(name="quiet", studio_url="https://example.org")

    client = SimpleNamespace(jobs=SimpleNamespace(create_or_update=create))
    monkeypatch.setattr(training.workspace, "project_errors", lambda _: nullcontext())

    def tags(left: bool) -> dict[str, str]:
        training.begun(client, SimpleNamespace(tags={places.MODELS: "cats"}), left)
        found: dict[str, str] = submitted[-1].tags
        return found

    assert LEFT_BY not in tags(left=True), "no build would ever go on with it"
    within("github", monkeypatch)
    assert tags(left=True)[LEFT_BY] == "github"
    assert LEFT_BY not in tags(left=False)


def test_the_oldest_that_has_ended_is_gone_on_with_once():
    other = job("other experiment", 9)
    other.experiment_name = "theirs"
    jobs = [
        job("newer", 2, build_id="18"),
        job("older", 3, status="Failed"),
        job("runs", 4, status="Running"),
        job("continued", 5, **{CONTINUED: "20"}),
        job("a sweep", 6, kind="sweep"),
        other,
    ]
    waited = job("waited for", 7)
    del waited.tags[LEFT_BY]
    assert oldest([*jobs, waited], "ours").name == "older"
    assert oldest([jobs[0], waited], "ours").name == "newer"
    assert oldest([waited], "ours") is None


def test_another_ci_systems_jobs_are_left_to_it(monkeypatch: pytest.MonkeyPatch):
    within("azure_devops", monkeypatch)
    assert oldest([job("of github")], "ours") is None
    assert oldest([job("own", left_by="azure_devops")], "ours").name == "own"


def test_the_outputs_name_build_commit_branch_and_job():
    ended = Ended("quiet", "17", "abc", "main")
    assert ended.words == "quiet has ended, which build 17 of main has submitted."
    expected = {"build_id": "17", "sha": "abc", "branch": "main", "job": "quiet"}
    assert ended.outputs == expected
