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
import yaml
from baking import ROOT
from ci import azure_templates

from tools.setup_env import CHECKOV

SKIP = re.compile(r"// checkov:skip=(\w+): (.{20,})")
# The one input of a deployment by hand is a choice of two: decision 74.
ALLOWED = {("CKV_GHA_7", "/.github/workflows/deploy.yml")}
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


@pytest.mark.full
def test_checkov_finds_nothing_in_the_files_of_ci_without_a_reason(
    bake: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    """Of GitHub as they are; of Azure Pipelines as compiled, under the name that checkov reads."""
    shutil.copytree(bake({**WHOLE, "ci": "github"}) / ".github", tmp_path / ".github")
    found = checked(tmp_path, "github_actions")
    assert found["summary"]["parsing_errors"] == 0
    assert len(found["results"]["passed_checks"]) > 200
    failed = {(each["check_id"], each["file_path"]) for each in found["results"]["failed_checks"]}
    assert failed == ALLOWED
    for key, document in azure_templates.compiled(bake({**WHOLE, "ci": "azure_devops"})).items():
        path = tmp_path / key / "azure-pipelines.yml"
        path.parent.mkdir()
        path.write_text(yaml.dump(document), encoding="utf-8")
    found = checked(tmp_path, "azure_pipelines")
    assert found["summary"]["failed"] == 0
    assert len(found["results"]["passed_checks"]) > 10


def checked(folder: Path, framework: str = "bicep") -> dict[str, Any]:
    """What checkov prints; it is told to ask no server of its maker's."""
    program = CHECKOV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    words = ["-d", str(folder), "--framework", framework, "--skip-download", "--compact"]
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
