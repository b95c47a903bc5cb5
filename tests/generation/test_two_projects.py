"""Two projects in one repository: each has CI of its own, which a change of the other leaves alone.

The repository is that of docs/two-projects.md, by the commands of that page.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from baking import ROOT, call, configuration, run
from ci.azure_pipelines import _starts
from ci.azure_templates import load
from ci.github_actions import GitHubActions
from ci.model import Event
from pages import blocks
from repositories import find_nothing

PAGE = (ROOT / "docs" / "two-projects.md").read_text(encoding="utf-8")
SLUGS = ("treadmills", "incomes")
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Ann", "EMAIL": "ann@example.com"}.items()
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are bash's")


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder after the page's commands, and what each block of them printed."""
    folder = tmp_path_factory.mktemp("page")
    settings = configuration(folder / "settings")
    script = "\necho '<next>'\n".join(blocks(PAGE, "bash"))
    ours = f"cookiecutter {shlex.quote(str(ROOT))} --config-file {shlex.quote(str(settings))}"
    script = script.replace("cookiecutter gh:org/seedling", ours)
    python = f"PYTHON={shlex.quote(sys.executable)}"
    script = re.sub(r"\bmake add-part", f"make add-part {python}", script)
    done = call(["env", *(f"{k}={v}" for k, v in AUTHOR.items()), "bash", "-euc", script], folder)
    assert done.returncode == 0, done.stdout
    return folder / "ours", done.stdout.split("<next>\n")


@pytest.fixture(scope="module")
def ours(typed: tuple[Path, list[str]]) -> Path:
    """The repository, with both systems for both projects."""
    incomes = typed[0] / "projects" / "incomes"
    run([sys.executable, "-m", "seedling", "add-part", "azure_devops"], incomes)
    return typed[0]


def test_the_page_shows_where_the_files_are(typed: tuple[Path, list[str]]):
    made, added, moved = typed[1]
    for slug in SLUGS:
        assert f"{slug}-ci.yml\n" in made
        assert f"{slug}-trained.yml\n" in made
    assert "treadmills-ci.yml\n" in added
    assert "\nci.yml\n" in moved
    left = {path.name for path in (typed[0] / "projects" / "treadmills").iterdir()}
    assert not left & {".github", ".pipelines"}


def files(ours: Path, folder: str) -> dict[str, str]:
    return {
        path.relative_to(ours).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((ours / folder).rglob("*.yml"))
    }


def test_no_file_has_a_mark_left_or_a_name_of_the_other(ours: Path):
    for path, text in (files(ours, ".github") | files(ours, ".pipelines")).items():
        assert not re.search(r"@[a-z_]+@", text), path
        others = [slug for slug in SLUGS if slug not in path]
        if len(others) == 1:
            assert others[0] not in text, path


def test_the_linters_find_nothing(ours: Path):
    find_nothing(ours)


def test_a_job_that_checks_out_runs_in_its_projects_folder(ours: Path):
    for path, text in files(ours, ".github/workflows").items():
        slug = Path(path).name.partition("-")[0]
        where = f"projects/{slug}"
        document = yaml.safe_load(text)
        for name, job in document["jobs"].items():
            steps = job.get("steps", [])
            runs = [step["run"] for step in steps if "run" in step]
            has_files = any("actions/checkout@" in step.get("uses", "") for step in steps)
            given = job.get("defaults", {}).get("run", {}).get("working-directory", "")
            assert given == (where if has_files and runs else ""), f"{path}/{name}"
            for step in steps:
                kept = step.get("with", {}).get("path", "")
                assert not kept or kept.startswith(where), f"{path}/{name}: {kept}"
        for event in ("pull_request", "push"):
            facts = document[True].get(event, {"paths": True})
            assert facts["paths"], f"{path}: {event}"


def test_a_script_runs_in_its_projects_folder(ours: Path):
    for path, text in files(ours, ".pipelines").items():
        slug = next(slug for slug in SLUGS if slug in path)
        scripts = [*steps_of(yaml.safe_load(text))]
        for step in scripts:
            where = step.get("workingDirectory") or step.get("inputs", {}).get("workingDirectory")
            says = step.get("script", "").startswith("echo ")
            assert where == (None if says else f"projects/{slug}"), f"{path}: {step}"


def steps_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the steps of a pipeline or template that run a command."""
    if isinstance(value, dict):
        if "script" in value or "inlineScript" in value.get("inputs", {}):
            yield value
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from steps_of(each)


class Repository:
    """A world of which a runner asks only what an event starts."""

    def __init__(self, ours: Path, changed: list[str]) -> None:
        self.ours, self.paths = ours, changed
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.artifacts, self.now, self.build = ours, datetime.now(UTC), 0

    def commit_of(self, branch: str) -> str:
        return branch

    def merge_of(self, branch: str, base: str) -> str:
        return branch

    def read(self, commit: str, folder: str) -> dict[str, str]:
        return files(self.ours, folder)

    def changed(self, commit: str, base: str) -> list[str]:
        return self.paths


@pytest.mark.parametrize(
    "event", [Event("pull_request", "change", "main"), Event("push", "main"), Event("push", "prod")]
)
def test_a_change_starts_the_workflows_of_its_own_project(ours: Path, event: Event):
    changes = {
        "projects/treadmills/models/linear_regression/train.py": {"treadmills"},
        "projects/incomes/model.yaml": {"incomes"},
        ".github/workflows/incomes-ci.yml": {"incomes"},
        ".github/actions/treadmills-set-up/action.yml": {"treadmills"},
        "README.md": set(),
    }
    for changed, expected in changes.items():
        runner = GitHubActions(Repository(ours, [changed]))
        started = {
            Path(path).name.partition("-")[0]
            for path, text in files(ours, ".github/workflows").items()
            if runner._starts(yaml.safe_load(text), event, "commit") is not None
        }
        assert started == expected, changed


@pytest.mark.parametrize(
    "event", [Event("pull_request", "change", "main"), Event("push", "main"), Event("push", "prod")]
)
def test_a_change_starts_the_pipelines_of_its_own_project(ours: Path, event: Event):
    changes = {
        "projects/treadmills/model.yaml": {"treadmills"},
        "projects/incomes/serve/serve.py": {"incomes"},
        ".pipelines/incomes-ci.yml": {"incomes"},
        ".pipelines/templates/treadmills/set-up.yml": {"treadmills"},
        "README.md": set(),
    }
    for changed, expected in changes.items():
        started = {
            Path(path).name.partition("-")[0]
            for path, text in files(ours, ".pipelines").items()
            if "/templates/" not in path and _starts(load(text), event, [changed])
        }
        assert started == expected, changed


def test_a_second_project_of_the_same_slug_is_refused(ours: Path, tmp_path: Path):
    settings = configuration(tmp_path / "settings")
    other = ours / "others"
    words = ["cookiecutter", str(ROOT), "--no-input", "--config-file", settings]
    answers = ["vertical=hello_world", "project_name=Incomes", "ci_root=../.."]
    done = call([*words, "--output-dir", other, *answers], ours)
    assert done.returncode != 0
    assert "incomes-ci.yml is that of another project with the slug incomes" in done.stdout
    assert not (other / "incomes").exists()
