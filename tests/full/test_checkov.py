"""checkov reads infra/ of generated projects, and finds nothing that has no reason beside it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bicep
import pytest
from baking import ROOT

from tools.setup_env import CHECKOV

SKIP = re.compile(r"// checkov:skip=(\w+): (.{20,})")
WHOLE = {"vertical": "hello_world", "models": "linear_regression", "parts": "all"}


@pytest.fixture(scope="module")
def infra(bake: Callable[[dict[str, str]], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with infra/ of a project for each CI system."""
    folder = tmp_path_factory.mktemp("infra")
    for ci in ("github", "azure_devops"):
        shutil.copytree(bake({**WHOLE, "ci": ci}) / "infra", folder / ci)
    return folder


@pytest.mark.full
def test_checkov_finds_nothing_without_a_reason(infra: Path) -> None:
    found = checked(infra)
    assert found["summary"]["parsing_errors"] == 0
    results = found["results"]
    reasons = skips(infra)
    # checkov 3.3.30 does not look for such comments where a check looks at several resources.
    failed = {mark for mark in map(marked, results["failed_checks"]) if mark not in reasons}
    assert failed == set()
    used = {marked(each) for name in ("failed", "skipped") for each in results[f"{name}_checks"]}
    assert reasons - used == set(), "skips that nothing needs"
    seen = {
        each["file_path"]
        for name in ("passed", "failed", "skipped")
        for each in results[f"{name}_checks"]
    }
    for name in ("workspace", "web-app", "prediction-log", "feature-store"):
        assert f"/github/modules/{name}.bicep" in seen
    assert len(results["passed_checks"]) > 60


def checked(folder: Path) -> dict[str, Any]:
    """What checkov prints; it is told to ask no server of its maker's."""
    program = CHECKOV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ["-d", str(folder), "--framework", "bicep", "--skip-download", "--compact"]
    done = subprocess.run(
        [program, "-m", "checkov.main", *words, "--output", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        check=False,
    )
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def marked(check: dict[str, Any]) -> tuple[str, int, str]:
    """The file, the first line of the resource, and the check."""
    return check["file_path"].lstrip("/"), check["file_line_range"][0], check["check_id"]


def skips(folder: Path) -> set[tuple[str, int, str]]:
    """The checks that a comment in a resource names, with the reason behind it."""
    found = set()
    for path in folder.rglob("*.bicep"):
        for node in bicep.read(path).found.get("resource", {}).values():
            comments = re.findall(r"checkov:skip=.*", bicep.text(node))
            reasons = SKIP.findall(bicep.text(node))
            assert len(comments) == len(reasons), f"{path.name}: a skip without reason"
            name = path.relative_to(folder).as_posix()
            found |= {(name, bicep.line(node), check) for check, _ in reasons}
    return found
