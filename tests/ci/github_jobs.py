"""One job of a GitHub workflow: its steps, run in a checkout, with the actions stood in for."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from ci.github_expressions import Refused, Strict, condition, render, text
from ci.model import Job, Machine, Step, World

# What expressions of a step may name; `secrets` may not stand in its `if`.
STEP = ("github", "inputs", "vars", "needs", "strategy", "matrix", "job", "runner", "env", "steps")
# In the steps of a composite action.
COMPOSITE = ("github", "inputs", "strategy", "matrix", "job", "runner", "env", "steps")
STEP_KEYS = {
    *("name", "id", "if", "uses", "with", "run", "shell", "env", "working-directory"),
    *("continue-on-error", "timeout-minutes"),
}
SHELLS = {
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
}
LONGEST = 900.0  # seconds of a step here, whatever it may take there
# The inputs that the actions have and the workflows may use; another action is refused.
INPUTS = {
    "actions/checkout": {"ref", "fetch-depth", "persist-credentials", "path"},
    "actions/setup-python": {"python-version", "cache", "cache-dependency-path"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found", "retention-days"},
    "actions/download-artifact": {"name", "path"},
    "azure/login": {"client-id", "tenant-id", "subscription-id"},
    "github/codeql-action/init": {"languages", "build-mode", "queries"},
    "github/codeql-action/analyze": {"category"},
}


@dataclass
class Doing:
    """A job while it runs.

    Attributes:
        contexts: what its expressions may name; `env` and `steps` grow.
        commit: of the workflow, which `$/` refers to.
        permissions: what its token may, by scope.
        limit: the seconds that it may take, as it says.
        folder: the default working directory of its commands.
        lost: files of this many artifacts that were asked for, and are not there.
    """

    world: World
    machine: Machine
    job: Job
    contexts: dict[str, Any]
    commit: str
    permissions: Mapping[str, str]
    fork: bool
    run_id: str
    limit: float = LONGEST
    folder: str = "."
    shell: str | None = None
    path: list[str] = field(default_factory=list)

    def status(self) -> dict[str, Callable[[], Any]]:
        """The functions of a step's condition."""
        failed = any(step.result == "failure" for step in self.job.steps)
        return {
            "success": lambda: not failed,
            "failure": lambda: failed,
            "always": lambda: True,
            "cancelled": lambda: False,
            "hashfiles": self.hash_files,
        }

    def hash_files(self, *patterns: Any) -> str:
        found = [
            path
            for pattern in patterns
            for path in sorted(self.machine.work.glob(text(pattern)))
            if path.is_file()
        ]
        return sha256(b"".join(path.read_bytes() for path in found)).hexdigest() if found else ""


def run_steps(doing: Doing, steps: list[dict[str, Any]], known: tuple[str, ...] = STEP) -> None:
    """Run steps, those of a job or of a composite action, and note them in the job."""
    for number, step in enumerate(steps):
        unknown = {*step} - STEP_KEYS
        if unknown or ("run" in step) == ("uses" in step):
            raise Refused(f"{doing.job.file}: {step} is no step: {unknown or 'run or uses'}")
        what = text(step.get("uses") or step.get("run")).strip().partition("\n")[0]
        contexts = {key: doing.contexts[key] for key in known}
        own = dict(doing.contexts["env"]) | _texts(render(step.get("env", {}), contexts))
        contexts["env"] = own
        held = condition(step.get("if"), contexts, doing.status())
        noted = Step(text(render(step["name"], contexts)) if "name" in step else what, "skipped")
        if held:
            _do(doing, step, contexts, own, noted, number)
        if step.get("continue-on-error") and noted.result == "failure":
            noted.result = "success"
        doing.job.steps.append(noted)
        if step.get("id"):
            doing.contexts["steps"][step["id"]] = Strict(
                outputs=noted.outputs, outcome=noted.result, conclusion=noted.result
            )


def _do(
    doing: Doing,
    step: dict[str, Any],
    contexts: dict[str, Any],
    env: dict[str, str],
    noted: Step,
    number: int,
) -> None:
    """Run one step whose condition holds."""
    if known_secret(doing, step):
        contexts["secrets"] = secrets(doing)
    functions = {"hashfiles": doing.hash_files}
    if "uses" in step:
        given = _texts(render(step.get("with", {}), contexts, functions))
        try:
            _use(doing, step["uses"], given, env, noted)
            noted.result = noted.result if noted.result == "failure" else "success"
        except ActionFailed as error:
            noted.log, noted.result = f"{noted.log}::error::{error}\n", "failure"
    else:
        script = text(render(step["run"], contexts, functions))
        where = render(step.get("working-directory", doing.folder), contexts)
        shell = step.get("shell", doing.shell)
        minutes = step.get("timeout-minutes")
        limit = min(doing.limit, float(minutes) * 60 if minutes else LONGEST)
        _command(doing, script, doing.machine.work / where, shell, env, noted, number, limit)
    doing.job.log += f"# {noted.name}\n{noted.log}"


class ActionFailed(Exception):  # noqa: N818 - the step has
    """An action ends with an error."""


def known_secret(doing: Doing, step: dict[str, Any]) -> bool:
    """Return whether a step names a secret, which one of a fork's pull request does not get."""
    names = "secrets." in json.dumps(step)
    if names and doing.fork:
        raise Refused(f"{doing.job.file}: a fork's pull request gets no secrets: {step}")
    return names


def secrets(doing: Doing) -> dict[str, Any]:
    return Strict(doing.world.secrets, GITHUB_TOKEN=doing.contexts["github"]["token"])


def _command(
    doing: Doing,
    script: str,
    folder: Path,
    shell: str | None,
    env: Mapping[str, str],
    noted: Step,
    number: int,
    limit: float,
) -> None:
    """Run a script, and read what it has written to the files of the runner."""
    if shell not in SHELLS:
        raise Refused(f"{doing.job.file}: there is no shell {shell} here")
    if not folder.is_dir():
        noted.log, noted.result = f"There is no folder {folder.name}.\n", "failure"
        return
    machine = doing.machine
    place = (
        machine.scratch / f"{len(doing.job.steps)}-{number}-{len(list(machine.scratch.iterdir()))}"
    )
    place.mkdir()
    path = place / "script.sh"
    path.write_text(script, encoding="utf-8")
    files = {name: place / name.lower() for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")}
    for file in files.values():
        file.touch()
    variables = machine.variables | default_variables(doing) | dict(env)
    variables |= {f"GITHUB_{name}": str(file) for name, file in files.items()}
    if doing.path:
        variables["PATH"] = ":".join([*reversed(doing.path), variables["PATH"]])
    done = machine.run([*SHELLS[shell], str(path)], folder, variables, limit)
    noted.log += done.stdout
    if "::set-output" in done.stdout or "::save-state" in done.stdout:
        raise Refused(f"{doing.job.file}: GitHub has switched ::set-output and ::save-state off")
    noted.outputs |= assignments(files["OUTPUT"].read_text(encoding="utf-8"))
    doing.contexts["env"].update(assignments(files["ENV"].read_text(encoding="utf-8")))
    doing.path += files["PATH"].read_text(encoding="utf-8").split("\n")[:-1]
    summary = files["STEP_SUMMARY"].read_text(encoding="utf-8")
    if summary:
        noted.log += f"::summary::\n{summary}\n"
    noted.result = "failure" if done.returncode else "success"
    if done.returncode:
        noted.log += f"::error::Process completed with exit code {done.returncode}.\n"


def assignments(written: str) -> dict[str, str]:
    """Read a file of `name=value` lines, and of `name<<END` with the lines up to END."""
    found: dict[str, str] = {}
    lines = iter(written.splitlines())
    for line in lines:
        name, sign, value = line.partition("=")
        here, heredoc, end = line.partition("<<")
        if heredoc and (not sign or len(here) < len(name)):
            name, value = here, "\n".join(iter(lambda end=end: next(lines), end))
        elif not sign:
            raise Refused(f"Invalid format {line!r} in GITHUB_OUTPUT or GITHUB_ENV")
        found[name] = value
    return found


def default_variables(doing: Doing) -> dict[str, str]:
    """Return what GitHub sets in the environment of every command."""
    github, machine = doing.contexts["github"], doing.machine
    event = machine.scratch / "event.json"
    event.write_text(json.dumps(github["event"]), encoding="utf-8")
    names = (
        *("actor", "api_url", "base_ref", "event_name", "head_ref", "job", "ref", "ref_name"),
        *("ref_type", "repository", "repository_owner", "run_attempt", "run_id", "run_number"),
        *("server_url", "sha", "workflow"),
    )
    found = {f"GITHUB_{name.upper()}": text(github[name]) for name in names}
    temp = machine.scratch / "temp"
    temp.mkdir(exist_ok=True)
    return found | {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_WORKSPACE": str(machine.work),
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(temp),
    }


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: text(value) for name, value in values.items()}


# Actions


def _use(
    doing: Doing, reference: str, given: dict[str, str], env: dict[str, str], noted: Step
) -> None:
    """Do what an action does."""
    if reference.startswith(("$/", "./")):
        _composite(doing, reference, given, env, noted)
        return
    action, _, commit = reference.partition("@")
    if action not in INPUTS or not commit:
        raise Refused(f"There is no action {reference} here")
    unknown = {*given} - INPUTS[action]
    if unknown:
        raise Refused(f"{action} has no input {', '.join(sorted(unknown))}")
    ACTIONS[action](doing, given, noted)


def _composite(
    doing: Doing, reference: str, given: dict[str, str], env: dict[str, str], noted: Step
) -> None:
    """Run an action of the repository: at the workflow's commit (`$/`), or as checked out."""
    own = reference[2:]
    if reference.startswith("./"):
        found = doing.machine.work / own / "action.yml"
        source = found.read_text(encoding="utf-8") if found.is_file() else None
    else:
        source = doing.world.read(doing.commit, own).get(f"{own}/action.yml")
    if source is None:
        raise Refused(f"There is no {own}/action.yml: check out first, or name it rightly")
    action = yaml.safe_load(source)
    declared = action.get("inputs") or {}
    unknown = {*given} - {*declared}
    if unknown:
        raise Refused(f"{own} has no input {', '.join(sorted(unknown))}")
    inputs = Strict()
    for name, facts in declared.items():
        if name not in given and facts.get("required") and "default" not in facts:
            raise Refused(f"{own} needs its input {name}")
        inputs[name] = given.get(name, text(facts.get("default")))
    if action["runs"]["using"] != "composite":
        raise Refused(f"{own} is no composite action")
    steps = action["runs"]["steps"]
    if any("run" in step and "shell" not in step for step in steps):
        raise Refused(f"{own}: a command of a composite action names its shell")
    inner_job = Job(doing.job.name, doing.job.file, "success")
    contexts = doing.contexts | {"inputs": inputs, "steps": Strict(), "env": dict(env)}
    inner = Doing(
        *(doing.world, doing.machine, inner_job, contexts, doing.commit, doing.permissions),
        *(doing.fork, doing.run_id, doing.limit),
        path=doing.path,
    )
    run_steps(inner, steps, COMPOSITE)
    noted.log += inner_job.log
    noted.outputs |= {
        name: text(render(facts["value"], contexts))
        for name, facts in (action.get("outputs") or {}).items()
    }
    if any(step.result == "failure" for step in inner_job.steps):
        noted.result = "failure"


def _check_out(doing: Doing, given: dict[str, str], noted: Step) -> None:
    if doing.permissions.get("contents") not in ("read", "write"):
        raise ActionFailed("repository not found: the job's token may not read its contents")
    branch = given.get("ref") or doing.contexts["github"]["sha"]
    world: Any = doing.world
    known = len(branch) == 40 and not {*branch} - {*"0123456789abcdef"}
    commit = branch if known else world.commit_of(branch)
    machine: Any = doing.machine
    machine.check_out(
        commit,
        given.get("path", "."),
        whole=given.get("fetch-depth") == "0",
        persist=given.get("persist-credentials", "true") == "true",
    )
    noted.log += f"HEAD is now at {commit}\n"


def _set_python_up(doing: Doing, given: dict[str, str], noted: Step) -> None:
    """The one that the machine has stands for every version."""
    pins = given.get("cache-dependency-path", "")
    if given.get("cache") and not [*doing.machine.work.glob(pins)]:
        raise ActionFailed(f"No file in {doing.machine.work} matched to [{pins}]")
    noted.outputs["python-version"] = given["python-version"]


def _upload(doing: Doing, given: dict[str, str], noted: Step) -> None:
    pattern = given["path"].rstrip("/")
    found = [
        path
        for path in sorted(doing.machine.work.glob(pattern))
        if path.is_file() or any(each.is_file() for each in path.rglob("*"))
    ]
    if not found:
        if given.get("if-no-files-found", "warn") == "error":
            raise ActionFailed(f"No files were found with the provided path: {pattern}")
        return
    place = doing.world.artifacts / doing.run_id / given.get("name", "artifact")
    if place.exists():
        raise ActionFailed(f"an artifact with the name {place.name} already exists on the run")
    place.mkdir(parents=True)
    for path in found:
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True)
        else:
            shutil.copy2(path, place)
    noted.log += f"Artifact {place.name} has been uploaded\n"


def _download(doing: Doing, given: dict[str, str], noted: Step) -> None:
    place = doing.world.artifacts / doing.run_id / given["name"]
    if not place.is_dir():
        raise ActionFailed(f"Artifact not found for name: {given['name']}")
    target = doing.machine.work / given.get("path", ".")
    shutil.copytree(place, target, dirs_exist_ok=True)
    noted.log += f"Artifact {place.name} has been downloaded\n"


def _log_in_to_azure(doing: Doing, given: dict[str, str], noted: Step) -> None:
    if doing.fork or doing.permissions.get("id-token") != "write":
        raise ActionFailed(
            "Please make sure to give write permissions to id-token in the workflow."
        )
    missing = [name for name in sorted(INPUTS["azure/login"]) if not given.get(name)]
    if missing:
        raise ActionFailed(f"Login failed: {', '.join(missing)} not given")
    doing.machine.log_in(given["client-id"], given["tenant-id"], given["subscription-id"])
    noted.log += "Login successful.\n"


def _start_codeql(doing: Doing, given: dict[str, str], noted: Step) -> None:
    """Nothing is looked for here: the action is GitHub's own, and needs its network."""
    noted.log += f"CodeQL looks at {given['languages']}.\n"
    doing.contexts["env"]["CODEQL_LANGUAGES"] = given["languages"]


def _end_codeql(doing: Doing, given: dict[str, str], noted: Step) -> None:
    if "CODEQL_LANGUAGES" not in doing.contexts["env"]:
        raise ActionFailed("The CodeQL database was not initialised")
    if doing.permissions.get("security-events") != "write" and not doing.fork:
        raise ActionFailed("Resource not accessible by integration")


ACTIONS: dict[str, Callable[[Doing, dict[str, str], Step], None]] = {
    "actions/checkout": _check_out,
    "actions/setup-python": _set_python_up,
    "actions/upload-artifact": _upload,
    "actions/download-artifact": _download,
    "azure/login": _log_in_to_azure,
    "github/codeql-action/init": _start_codeql,
    "github/codeql-action/analyze": _end_codeql,
}
