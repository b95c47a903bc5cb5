"""Outputs of a CI step, which the steps after it read, and the page of its run."""

import os
from pathlib import Path

# An output has its name on GitHub; on Azure DevOps it is a variable, which has its own.
VARIABLES = {
    "branch": "BRANCH",
    "build_id": "BUILD_ID",
    "changes": "INFRA_CHANGES",
    "client_id": "CI_CLIENT_ID",
    "image": "IMAGE",
    "job": "AZUREML_JOB_NAME",
    "registered": "MODEL_REGISTERED",
    "sha": "SHA",
    "url": "URL",
}


def write(name: str, value: str) -> None:
    """Set an output of this step, for the steps and jobs that follow; nothing outside of CI.

    Args:
        name: one of VARIABLES.
        value: one line.
    """
    if len(value.splitlines()) > 1:
        raise ValueError(f"{name}: an output is one line, not {value!r}.")
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        _append(Path(path), f"{name}={value}\n")
    if os.environ.get("TF_BUILD"):
        escaped = value.replace("%", "%AZP25")
        print(f"##vso[task.setvariable variable={VARIABLES[name]};isOutput=true]{escaped}")


def show(page: Path) -> None:
    """Show a file of Markdown on the page of this run; nothing outside of CI."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        _append(Path(summary), page.read_text(encoding="utf-8") + "\n")
    if os.environ.get("TF_BUILD"):
        print(f"##vso[task.uploadsummary]{page.resolve()}")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
