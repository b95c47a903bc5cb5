"""The page of delivery: its jobs and verbs are those of both CI systems."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from baking import ROOT
from pages import quoted, rows

from seedling.cli import makefile

PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
EVENTS, MATURITY = (rows(part) for part in PAGE.split("## Levels of maturity"))
FOLDERS = {"github": Path(".github", "workflows"), "azure_devops": Path(".pipelines")}
EACH = re.compile(r"\$\{\{ each (\w+) in split\('([\w,]+)', ','\) \}\}")
Files = dict[str, tuple[set[str], set[str]]]  # the names of a file's jobs, and its verbs


@pytest.fixture(params=FOLDERS)
def ci(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def files(ci: str, bake: Callable[[dict[str, str]], Path]) -> Files:
    folder = bake({"vertical": "finance", "parts": "all", "ci": ci}) / FOLDERS[ci]
    found = {path.name: together(path) for path in folder.glob("*.yml")}
    called = {"deploy.yml"} if ci == "github" else set()
    return {name: jobs for name, jobs in found.items() if name not in called}


def together(path: Path) -> tuple[set[str], set[str]]:
    """Read a file and those that it is made of: the names of all jobs, and all verbs."""
    text = expanded(path.read_text(encoding="utf-8"))
    names = set(jobs(yaml.safe_load(text))) - {"No Azure ML workspace is named"}
    verbs = {*re.findall(r"\bmake ([a-z][a-z-]+)", re.sub(r"(?m)^ *#.*", "", text))} - {"init"}
    for name in re.findall(r"(?:template: |uses: \S*/workflows/)([\w/-]+\.yml)", text):
        if name != path.name:
            more = together(path.parent / name)
            names |= more[0]
            verbs |= more[1]
    return names, verbs


def expanded(text: str) -> str:
    """Write the jobs of an `each` one below the other; its values are words in the file."""
    for name, values in EACH.findall(text):
        lines = text.splitlines()
        start = next(at for at, line in enumerate(lines) if EACH.search(line))
        indent = len(lines[start]) - len(lines[start].lstrip())
        end = next(
            at
            for at in range(start + 1, len(lines) + 1)
            if at == len(lines) or (lines[at] and not lines[at].startswith(" " * (indent + 1)))
        )
        block = [line.removeprefix(" " * 4) for line in lines[start + 1 : end]]
        copies = [
            line.replace(f"${{{{ {name} }}}}", value)
            for value in values.split(",")
            for line in block
        ]
        text = "\n".join([*lines[:start], *copies, *lines[end:]])
    return text


def jobs(node: Any) -> Iterator[str]:
    """Yield the names of jobs as both systems show them, with `...` for what a run puts in."""
    if isinstance(node, dict):
        name = node.get("displayName", node.get("name", ""))
        if {"job", "deployment", "runs-on"} & node.keys() and name:
            yield re.sub(r"\$\{\{.*?\}\}", "...", str(name))
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from jobs(inner)


def column(ci: str) -> int:
    return 3 + list(FOLDERS).index(ci)


def test_the_jobs_of_the_page_are_those_of_the_files(ci: str, files: Files):
    said = {(job, file) for _, job, *_, file in named(ci)}
    assert said == {(job, file) for file, (names, _) in files.items() for job in names}


def test_the_verbs_of_the_page_are_those_of_the_files(ci: str, files: Files):
    said: dict[str, set[str]] = {name: set() for name in files}
    for _, _, verbs, file in named(ci):
        said[file] |= {*quoted(verbs)}
    assert said == {name: verbs for name, (_, verbs) in files.items()}


def named(ci: str) -> list[tuple[str, str, str, str]]:
    """Return event, job, verbs and file of each row of a system."""
    return [(row[0], row[1], row[2], *quoted(row[column(ci)])) for row in EVENTS if row[column(ci)]]


def test_each_level_of_maturity_has_a_verb_or_a_job_that_is_there():
    known = set(
        re.findall(r"(?m)^([\w-]+):.*## ", makefile.text([*FOLDERS, "containers", "azure"]))
    )
    known_jobs = {row[1] for row in EVENTS}
    assert len(MATURITY) == 14
    for *_, delivered in MATURITY:
        verbs = {word for word in quoted(delivered) if word != "ENVIRONMENT"}
        done_by = {part.strip() for part in delivered.split(";") if "`" not in part}
        assert verbs <= known, verbs - known
        assert done_by <= known_jobs, done_by - known_jobs
        assert verbs or done_by
