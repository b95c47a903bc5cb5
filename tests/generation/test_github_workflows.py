"""The generated workflows: least trust, nothing unasked in Azure, and clean for three linters."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from baking import call, generate
from repositories import find_nothing

Bake = Callable[[dict[str, str]], Path]

HERE = Path(__file__).resolve().parents[1]
USES = re.compile(r"(?m)^\s*(?:- )?uses: (\S+)(?: # (\S+))?$")
OWN = "$/.github/"  # of the workflow's own repository and commit, whatever is checked out
WITHOUT_TOKEN = {"not-configured", "approve"}
OLDEST = 24  # the runners have dropped node 20
VERTICALS = ("finance", "hello_world")
NOTHING_ELSE = {"contents": "read"}
# The rights of each job beyond reading the files; no other job has any.
RIGHTS: dict[str, dict[str, str]] = {
    "ci.yml/comment": {"pull-requests": "write"},
    "codeql.yml/analyze": {"actions": "read", "security-events": "write"},
    "dependencies.yml/propose": {"contents": "write", "pull-requests": "write"},
}


class Job(NamedTuple):
    """A job of a workflow, and the text of its file."""

    name: str
    what: dict[str, Any]
    document: dict[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.what.get("steps", [])

    def uses(self, action: str) -> list[dict[str, Any]]:
        return [step for step in self.steps if step.get("uses", "").startswith(f"{action}@")]


def answers(vertical: str, parts: str) -> dict[str, str]:
    model = {"finance": "logistic_regression", "hello_world": "linear_regression"}[vertical]
    return {"vertical": vertical, "models": model, "parts": parts, "ci": "github"}


def workflows(project: Path) -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted((project / ".github" / "workflows").iterdir())
    }


@pytest.fixture(scope="module")
def whole(bake: Bake) -> Path:
    return bake(answers("finance", "all"))


@pytest.fixture(scope="module")
def jobs(whole: Path) -> list[Job]:
    return [*all_jobs(whole)]


def all_jobs(project: Path) -> Iterator[Job]:
    for name, text in workflows(project).items():
        document = yaml.safe_load(text)
        for key, job in document["jobs"].items():
            yield Job(f"{name}/{key}", job, document)


def known_actions() -> dict[str, dict[str, str]]:
    return yaml.safe_load((HERE / "ci" / "actions.yml").read_text(encoding="utf-8"))


def test_every_action_is_a_commit_with_its_tag_beside_it(whole: Path):
    known, seen = known_actions(), set()
    for path in (whole / ".github").rglob("*.yml"):
        for reference, tag in USES.findall(path.read_text(encoding="utf-8")):
            if reference.startswith(OWN):
                continue
            action, _, commit = reference.partition("@")
            name = "/".join(action.split("/")[:2])
            assert re.fullmatch(r"[0-9a-f]{40}", commit), f"{path.name}: {reference}"
            assert (commit, tag) == (known[name]["sha"], known[name]["tag"]), f"{path.name}: {name}"
            seen.add(name)
        text = path.read_text(encoding="utf-8")
        assert text.count("uses:") == len(USES.findall(text)), f"{path.name} has others"
    assert seen == {*known}


def test_no_action_runs_on_a_runtime_that_runners_have_dropped():
    for name, facts in known_actions().items():
        runtime = re.fullmatch(r"node(\d+)", facts["runtime"])
        assert runtime, name
        assert int(runtime[1]) >= OLDEST, name
        assert facts["read"], name


def test_a_job_has_the_rights_that_it_needs_and_no_more(jobs: list[Job]):
    for job in jobs:
        assert job.document["permissions"] == {}, job.name
        needed = dict(RIGHTS.get(job.name, {}))
        if job.uses("actions/checkout") or "uses" in job.what:
            needed = {"contents": "read"} | needed
        if job.uses("azure/login") or job.what.get("uses") == f"{OWN}workflows/deploy.yml":
            needed |= {"id-token": "write"}
        assert job.what.get("permissions") == needed, job.name


def test_no_checkout_leaves_its_token_on_the_disk(jobs: list[Job]):
    for job in jobs:
        for step in job.uses("actions/checkout"):
            assert step["with"]["persist-credentials"] is False, job.name


def test_every_job_ends_and_of_those_that_change_something_one_runs_at_a_time(jobs: list[Job]):
    for job in jobs:
        if "uses" not in job.what:
            assert job.what["timeout-minutes"] <= 90, job.name
        limits = [each for each in (job.document, job.what) if "concurrency" in each]
        assert len(limits) == 1, job.name
        cancels = limits[0]["concurrency"]["cancel-in-progress"]
        assert cancels in (False, "${{ github.event_name == 'pull_request' }}"), job.name


def test_no_command_is_made_of_what_somebody_may_have_written(whole: Path):
    """Values reach a command by its environment, so that none of them is read as a command."""
    for path in (whole / ".github").rglob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = document.get("jobs", {"": document.get("runs", {})})
        for job in jobs.values():
            for step in job.get("steps", []):
                assert "${{" not in step.get("run", ""), f"{path.name}: {step}"


def test_a_command_is_one_line(jobs: list[Job]):
    for job in jobs:
        for step in job.steps:
            assert "\n" not in step.get("run", "").strip(), f"{job.name}: {step}"


def test_where_a_token_may_write_nothing_of_the_project_is_run(jobs: list[Job]):
    for job in jobs:
        granted = job.what["permissions"]
        if "write" in {granted.get("contents"), granted.get("pull-requests")}:
            assert not [step for step in job.steps if step.get("uses", "").startswith(OWN)]
            commands = [step["run"].split()[0] for step in job.steps if "run" in step]
            assert {*commands} <= {"gh", "git"}, job.name


def test_a_fork_gets_no_comment_and_no_identity(jobs: list[Job]):
    by_name = {job.name: job for job in jobs}
    comment = by_name["ci.yml/comment"].what
    assert comment["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    for job in jobs:
        if "pull_request" in job.document[True]:  # `on`, as YAML reads it
            assert "id-token" not in job.what["permissions"], job.name
        assert "pull_request_target" not in job.document[True]
        assert "workflow_run" not in job.document[True]


def test_nothing_is_done_in_azure_until_a_workspace_is_named(jobs: list[Job]):
    skipped = "vars.AML_WORKSPACE != ''"
    by_file: dict[str, list[Job]] = {}
    for job in jobs:
        by_file.setdefault(job.name.partition("/")[0], []).append(job)
    for file, its in by_file.items():
        if not any(job.uses("azure/login") for job in its):
            continue
        for job in its:
            if not job.name.endswith("/not-configured"):
                assert job.what.get("if") == skipped or job.what["needs"], job.name
        says = [job.what["if"] for job in its if job.name.endswith("/not-configured")]
        assert says == ([] if file == "trained.yml" else ["vars.AML_WORKSPACE == ''"]), file


def test_nothing_is_approved_without_reviewers(jobs: list[Job]):
    by_name = {job.name: job.what for job in jobs}
    approve, tag = by_name["trained.yml/approve"], by_name["trained.yml/tag"]
    assert approve["if"] == "vars.APPROVAL_ENVIRONMENT != ''"
    assert approve["environment"] == "${{ vars.APPROVAL_ENVIRONMENT }}"
    assert "approve" in tag["needs"]
    assert "if" not in tag  # so that it is skipped where the answer is no, or none


def test_what_is_deployed_is_deployed_as_the_environment_that_it_is_for(jobs: list[Job]):
    """Azure trusts a job by its environment, which says from which branches it may be entered."""
    by_name = {job.name: job for job in jobs}
    deploy = by_name["deploy.yml/deploy"]
    assert deploy.what["environment"] == "${{ inputs.environment }}"
    assert deploy.what["env"]["ENVIRONMENT"] == "${{ inputs.environment }}"
    release = by_name["release.yml/deploy"]
    assert release.document[True] == {"push": {"branches": ["app-dev", "prod"]}}
    assert release.what["with"] == {"environment": "${{ github.ref_name }}"}


def test_without_azure_there_are_checks_only(bake: Bake):
    small = bake(answers("hello_world", "none"))
    assert [*workflows(small)] == ["ci.yml", "codeql.yml", "dependencies.yml"]
    updates = yaml.safe_load((small / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    assert [each["package-ecosystem"] for each in updates["updates"]] == ["github-actions"]


def test_dependabot_looks_at_every_folder_that_has_an_image(whole: Path):
    updates = yaml.safe_load((whole / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    by_kind = {each["package-ecosystem"]: each["directories"] for each in updates["updates"]}
    found = {path.parent for path in whole.rglob("Dockerfile*") if "internal" not in path.parts}
    listed = {whole / path.strip("/") for path in by_kind["docker"]}
    assert found == listed
    actions = {path.parent for path in (whole / ".github" / "actions").rglob("action.yml")}
    found = {
        path for glob in by_kind["github-actions"] for path in whole.glob(glob.strip("/") or "*")
    }
    assert actions <= found


def linted(project: Path, folder: Path) -> Path:
    """A repository with the files of CI only."""
    shutil.copytree(project / ".github", folder / ".github")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.mark.parametrize("parts", ["all", "none"])
@pytest.mark.parametrize("vertical", VERTICALS)
def test_linters_find_nothing(bake: Bake, vertical: str, parts: str, tmp_path: Path):
    """No rule is switched off, in a file or here."""
    find_nothing(linted(bake(answers(vertical, parts)), tmp_path / "linted"))


def test_linters_find_nothing_where_two_projects_share_a_repository(tmp_path: Path):
    for vertical in VERTICALS:
        generate(tmp_path / "both", answers(vertical, "all") | {"ci_root": ".."})
    folder = linted(tmp_path / "both", tmp_path / "linted")
    assert len(workflows(folder)) == 2 * 9
    find_nothing(folder)


@pytest.mark.parametrize(
    ("schema", "glob"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("github-actions", "actions/*/action.yml"),
        ("dependabot", "dependabot.yml"),
    ],
)
def test_every_file_is_of_its_schema(whole: Path, schema: str, glob: str):
    files = sorted((whole / ".github").glob(glob))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = call([*command, *files], whole)
    assert done.returncode == 0, done.stdout
