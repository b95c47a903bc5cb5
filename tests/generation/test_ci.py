"""What a project's CI does with Azure ML: nothing unasked, with few rights, and without waiting."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from baking import CI

Bake = Callable[[dict[str, str]], Path]

SYSTEMS = [name for name in CI if name != "none"]
RUNS = """30 sha3 main
20 sha2 develop
10 sha1 main"""
JOBS = {"10": "runs", "20": "ended", "30": "ended_later"}
# What `gh` and `az` answer to the look of trained.yml; every other call is written down.
GH = """#!/bin/sh
case "$*" in
  "run list "*) cat "$HERE/all_runs" ;;
  *--jq*)
    for id in 10 20 30; do
      case "$*" in *"training $id"*) cat "$HERE/job_$id" ;; esac
    done ;;
  *) echo "$*" >> "$HERE/told" ;;
esac
"""
AZ = """#!/bin/sh
for id in 10 20 30; do
  case "$*" in */jobs/"$(cat "$HERE/job_$id")?"*) cat "$HERE/status_$id" ;; esac
done
"""


def pipelines(bake: Bake, ci: str) -> dict[str, Any]:
    folder, *files = CI[ci]
    project = bake({"vertical": "finance", "models": "logistic_regression", "ci": ci})
    return {
        name: yaml.safe_load((project / folder / name).read_text(encoding="utf-8"))
        for name in files
    }


@pytest.mark.parametrize("ci", SYSTEMS)
def test_no_file_of_ci_holds_a_secret(bake: Bake, ci: str):
    text = yaml.dump(pipelines(bake, ci)).replace("check-secrets", "").replace("for secrets", "")
    assert not re.search(r"(?i)secret|password|client.secret|connection.?string", text)


def test_github_asks_azure_for_no_more_than_a_job_needs(bake: Bake):
    files = pipelines(bake, "github")
    for name, document in files.items():
        assert document["permissions"] == {"contents": "read"}, name
        for key, job in document["jobs"].items():
            enters = "azure/login" in yaml.dump(job["steps"])
            granted = job.get("permissions", {})
            assert ("id-token" in granted) == enters, f"{name}, {key}"
            assert "write" not in {granted.get(right) for right in ("contents", "actions")}
            assert job["timeout-minutes"] <= 90


def test_github_does_nothing_in_azure_until_a_workspace_is_named(bake: Bake):
    files = pipelines(bake, "github")
    for name in ("train.yml", "trained.yml"):
        for key, job in files[name]["jobs"].items():
            if key != "not-configured":
                assert job.get("if") == "vars.AML_WORKSPACE != ''" or job["needs"], f"{name}, {key}"
    said = files["train.yml"]["jobs"]["not-configured"]
    assert said["if"] == "vars.AML_WORKSPACE == ''"


def test_github_approves_nothing_without_reviewers(bake: Bake):
    approve = pipelines(bake, "github")["trained.yml"]["jobs"]["approve"]
    assert approve["if"] == "vars.APPROVAL_ENVIRONMENT != ''"
    assert approve["environment"] == "${{ vars.APPROVAL_ENVIRONMENT }}"


@pytest.fixture
def look(bake: Bake, tmp_path: Path) -> Callable[[dict[str, str]], tuple[str, str]]:
    """`look(statuses)`: what a look gives out, and what it tells GitHub; by build id."""
    steps = pipelines(bake, "github")["trained.yml"]["jobs"]["look"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "look")
    for name, text in {"gh": GH, "az": AZ}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def look(statuses: dict[str, str]) -> tuple[str, str]:
        oldest_first = "\n".join(reversed(RUNS.splitlines())) + "\n"
        (tmp_path / "all_runs").write_text(oldest_first)
        for build, job in JOBS.items():
            (tmp_path / f"job_{build}").write_text(job if build in statuses else "")
            (tmp_path / f"status_{build}").write_text(statuses.get(build, ""))
        outputs, told = tmp_path / "outputs", tmp_path / "told"
        for path in (outputs, told):
            path.write_text("")
        settings = {"HERE": str(tmp_path), "GITHUB_OUTPUT": str(outputs), "GH_REPO": "us/ours"}
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        names = ("AZURE_SUBSCRIPTION_ID", "AML_RESOURCE_GROUP", "AML_WORKSPACE")
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env=os.environ | settings | dict.fromkeys(names, "x") | {"PATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return outputs.read_text(), told.read_text()

    return look


def test_a_look_goes_on_with_the_oldest_job_that_has_ended(look: Any):
    given, told = look({"10": "Running", "20": "Completed", "30": "Completed"})
    assert given == "build_id=20\nsha=sha2\nbranch=develop\njob=ended\n"
    assert told.count("\n") == 1
    assert "statuses/sha2 -f state=success -f context=training 20" in told


def test_a_look_marks_what_has_failed_and_looks_on(look: Any):
    given, told = look({"10": "Failed", "20": "Canceled", "30": "Completed"})
    assert given.startswith("build_id=30\n")
    assert [line.split("state=")[1].split()[0] for line in told.splitlines()] == [
        *["failure"] * 2,
        "success",
    ]


@pytest.mark.parametrize(
    "statuses", [{}, {"10": "Running", "30": "Queued"}], ids=["nothing pending", "all run"]
)
def test_a_look_leaves_alone_what_has_not_ended(look: Any, statuses: dict[str, str]):
    assert look(statuses) == ("", "")
