"""Outputs of a CI step, which the steps after it read."""

import os
from pathlib import Path

# An output has its name on GitHub; on Azure DevOps it is a variable, which has its own.
VARIABLES = {"job": "AZUREML_JOB_NAME", "registered": "MODEL_REGISTERED"}


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
        with Path(path).open("a", encoding="utf-8", newline="\n") as outputs:
            outputs.write(f"{name}={value}\n")
    if os.environ.get("TF_BUILD"):
        escaped = value.replace("%", "%AZP25")
        print(f"##vso[task.setvariable variable={VARIABLES[name]};isOutput=true]{escaped}")
