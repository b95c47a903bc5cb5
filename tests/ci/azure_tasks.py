"""Stand-ins for the tasks of Azure Pipelines that projects use. Another one is an error."""

import glob
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ci.azure_expressions import Refused

if TYPE_CHECKING:
    from ci.azure_pipelines import AzurePipelines, Context
    from ci.model import Answer

PYTHONS = ("3.11", "3.12", "3.13")
ENDED = {"Completed": True, "Failed": False, "Canceled": False}
PATIENCE = 600.0  # seconds, of a job of the Azure ML stand-in


class Outcome(NamedTuple):
    """What came of a step."""

    is_good: bool
    log: str


Task = Callable[["AzurePipelines", Mapping[str, str], "Context", dict[str, str], float], Outcome]
ServerTask = Callable[["AzurePipelines", Mapping[str, str], "Answer | None"], Outcome]


def script(
    text: str, context: "Context", given: Mapping[str, str], limit: float, place: str = ""
) -> Outcome:
    """Run a script as `script` and AzureCLI@2 do: by bash, which goes on after a failed line."""
    number = len(list(context.machine.scratch.iterdir()))
    path = context.machine.scratch / f"script{number}.sh"
    path.write_text(f"{text}\n", encoding="utf-8")
    folder = Path(context.variables["System.DefaultWorkingDirectory"], place)
    command = ["bash", "--noprofile", "--norc", str(path)]
    try:
        done = context.machine.run(command, folder, given, limit)
    except subprocess.TimeoutExpired:
        return Outcome(False, f"The job ran longer than {limit / 60:.0f} minutes.")
    return Outcome(done.returncode == 0, done.stdout)


def checkout(runner: "AzurePipelines", step: Mapping[str, str], context: "Context") -> Outcome:
    """Clone the repository; its remote needs the build's token then."""
    if step["checkout"] == "none":
        return Outcome(True, "")
    if step["checkout"] != "self":
        raise Refused(f"there is no repository {step['checkout']}")
    whole = step.get("fetchDepth") == "0"
    folder = context.machine.check_out(context.build.commit, "s", whole=whole)
    if step.get("persistCredentials") != "false":
        raise Refused(f"{context.job.name}: the build's token stays in .git/config")
    address = runner.repos.git_address
    subprocess.run(["git", "remote", "set-url", "origin", address], cwd=folder, check=True)
    return Outcome(True, f"Checked out {context.build.commit}.")


def use_python(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    version = inputs["versionSpec"]
    return Outcome(version in PYTHONS, f"Python {version}")


def nothing(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    return Outcome(True, "")


def publish_results(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    """Read the results of tests: without a file the task passes, with a warning."""
    paths = _found(context, inputs["testResultsFiles"])
    if not paths:
        return Outcome(True, "##[warning]No test result files matching were found.")
    count = sum(len(_xml(path).findall(".//testcase")) for path in paths)
    return Outcome(True, f"{count} tests")


def publish_coverage(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    paths = _found(context, inputs["summaryFileLocation"])
    if not paths:
        return Outcome(False, "No code coverage results were found.")
    return Outcome(True, f"{float(_xml(paths[0]).attrib['line-rate']):.0%} of the lines")


def publish_artifact(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    source = Path(context.variables["System.DefaultWorkingDirectory"], inputs["targetPath"])
    target = runner.world.artifacts / str(context.build.id) / inputs["artifact"]
    if not source.exists():
        return Outcome(False, f"##[error]Path does not exist: {source}")
    if target.exists():
        return Outcome(False, f"##[error]Artifact {inputs['artifact']} already exists.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.mkdir()
        shutil.copy(source, target)
    return Outcome(True, f"Kept {inputs['artifact']}.")


def download_artifact(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    source = runner.world.artifacts / str(context.build.id) / inputs["artifactName"]
    if not source.is_dir():
        return Outcome(False, f"##[error]Artifact {inputs['artifactName']} was not found.")
    default = context.variables["Pipeline.Workspace"]
    folder = context.variables["System.DefaultWorkingDirectory"]
    target = (
        Path(folder, inputs["targetPath"]) if "targetPath" in inputs else Path(default, source.name)
    )
    shutil.copytree(source, target, dirs_exist_ok=True)
    return Outcome(True, f"Fetched {inputs['artifactName']}.")


def azure_cli(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    """Run a script that is signed in as the identity of a service connection."""
    _connect(runner, inputs["azureSubscription"])
    if context.build.is_of_fork:
        return Outcome(False, "##[error]A fork's build may not use a service connection.")
    if (inputs["scriptType"], inputs["scriptLocation"]) != ("bash", "inlineScript"):
        raise Refused("AzureCLI@2: bash and inlineScript are what this runs")
    known = runner.world.variables
    identity = ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID")
    context.machine.log_in(*(known.get(name, name.lower()) for name in identity))
    try:
        place = inputs.get("workingDirectory", "")
        return script(inputs["inlineScript"], context, given, limit, place)
    finally:
        context.machine.log_out()


def codeql(
    runner: "AzurePipelines",
    inputs: Mapping[str, str],
    context: "Context",
    given: dict[str, str],
    limit: float,
) -> Outcome:
    """Look at the code, which CodeQL must have been prepared for."""
    prepared = "AdvancedSecurity-Codeql-Init@1" in context.seen
    return Outcome(prepared, "" if prepared else "##[error]CodeQL was not initialised.")


def wait_for_job(
    runner: "AzurePipelines", inputs: Mapping[str, str], answer: "Answer | None"
) -> Outcome:
    """Wait until a job on Azure ML has ended."""
    _connect(runner, inputs["serviceConnection"])
    name = inputs["azureMLJobName"]
    runs = runner.world.azure.jobs.runs  # type: ignore[attr-defined]
    if name not in runs:
        return Outcome(False, f"##[error]There is no job {name!r}.")
    until = time.monotonic() + PATIENCE
    while runs[name].status not in ENDED:
        if time.monotonic() > until:
            return Outcome(False, f"{name} has not ended.")
        time.sleep(0.2)
    failed = [f"{each.name}: {each.error}" for each in runs.values() if each.error]
    return Outcome(ENDED[runs[name].status], "\n".join([f"{name}: {runs[name].status}", *failed]))


def ask(runner: "AzurePipelines", inputs: Mapping[str, str], answer: "Answer | None") -> Outcome:
    """Wait for a person; without an answer the time is over."""
    if answer in (None, "time out"):
        return Outcome(inputs.get("onTimeout", "reject") == "resume", "Nobody has answered.")
    return Outcome(answer == "approve", f"The answer: {answer}.")


def _connect(runner: "AzurePipelines", connection: str) -> None:
    if not connection or "$(" in connection:
        raise Refused("the name of a service connection is known at compile time")
    if runner.connections is not None and connection not in runner.connections:
        raise Refused(f"there is no service connection {connection}")


def _found(context: "Context", pattern: str) -> list[Path]:
    folder = context.variables["System.DefaultWorkingDirectory"]
    return [Path(folder, each) for each in glob.glob(pattern, root_dir=folder, recursive=True)]


def _xml(path: Path) -> Any:
    return ElementTree.parse(path).getroot()  # noqa: S314 - written by the job itself


TASKS: Mapping[str, Task] = {
    "AdvancedSecurity-Codeql-Analyze@1": codeql,
    "AdvancedSecurity-Codeql-Init@1": nothing,
    "AdvancedSecurity-Dependency-Scanning@1": nothing,
    "AzureCLI@2": azure_cli,
    "Cache@2": nothing,
    "DownloadPipelineArtifact@2": download_artifact,
    "PublishCodeCoverageResults@2": publish_coverage,
    "PublishPipelineArtifact@1": publish_artifact,
    "PublishTestResults@2": publish_results,
    "UsePythonVersion@0": use_python,
}
SERVER_TASKS: Mapping[str, ServerTask] = {
    "AzureMLJobWaitTask@1": wait_for_job,
    "ManualValidation@1": ask,
}
