"""Executes the workflows that an event starts, as GitHub Actions does, on machines of a World."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ci.github_expressions import Refused, Strict, condition, render, text
from ci.github_jobs import LONGEST, STEP, Doing, run_steps, secrets
from ci.model import NO_ANSWERS, Answer, Event, Job, Result, Run, World
from ci.world import github_token

FOLDER = ".github/workflows"
REPOSITORY, OWNER = "team/project", "team"
DEFAULT_BRANCH = "main"
SCOPES = (
    *("actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token"),
    *("issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses"),
)
LEVELS = {"none": 0, "read": 1, "write": 2}
# What expressions may name, by where they stand: "context availability" in GitHub's documentation.
PLACES = {
    "concurrency": ("github", "inputs", "vars"),
    "env": ("github", "inputs", "vars", "secrets"),
    "job.concurrency": ("github", "needs", "strategy", "matrix", "inputs", "vars"),
    "job.env": ("github", "needs", "strategy", "matrix", "inputs", "vars", "secrets"),
    "job.environment": ("github", "needs", "strategy", "matrix", "inputs", "vars"),
    "job.if": ("github", "needs", "inputs", "vars"),
    "job.name": ("github", "needs", "strategy", "matrix", "inputs", "vars"),
    "job.outputs": (*STEP, "secrets"),
    "job.strategy": ("github", "needs", "inputs", "vars"),
    "job.with": ("github", "needs", "strategy", "matrix", "inputs", "vars"),
}
JOB_KEYS = {
    *("name", "needs", "if", "runs-on", "permissions", "environment", "concurrency", "outputs"),
    *("env", "defaults", "steps", "timeout-minutes", "strategy", "continue-on-error"),
    *("uses", "with"),
}
MATRIX = "${{ matrix"
Contexts = dict[str, Any]


@dataclass
class Workflow:
    """A workflow file that runs.

    Attributes:
        name: of the file, or the files that call each other: `release.yml/deploy`.
        allowed: the most that its jobs' tokens may, by scope; of a called one by its caller.
        held: the groups of `concurrency` of those that call it.
    """

    name: str
    file: str
    document: dict[str, Any]
    contexts: Contexts
    commit: str
    fork: bool
    run_id: str
    allowed: Mapping[str, str]
    answers: Mapping[str, Answer]
    held: tuple[str, ...] = ()
    jobs: dict[str, list[Job]] = field(default_factory=dict)

    def at(self, place: str, **more: Any) -> Contexts:
        """Return the contexts that expressions may name at a place."""
        known = self.contexts | more
        return {name: known[name] for name in PLACES[place] if name in known}


class GitHubActions:
    """A `Runner` of model.py.

    Attributes:
        reviewed: the environments that have required reviewers.
        groups: the group of `concurrency` that each workflow or job ran in, and whether a newer run
            cancels it.
    """

    def __init__(self, world: World, reviewed: frozenset[str] = frozenset({"production"})) -> None:
        self.world, self.reviewed = world, reviewed
        self.groups: dict[str, tuple[str, bool]] = {}

    def run(self, event: Event, answers: Mapping[str, Answer] = NO_ANSWERS) -> Run:
        """Execute every workflow that the event starts; see model.py."""
        commit = self._commit(event)
        found = Run()
        for path, source in sorted(self.world.read(commit, FOLDER).items()):
            file = path.removeprefix(f"{FOLDER}/")
            if event.file and event.file != file:
                continue
            document = yaml.safe_load(source)
            inputs = self._starts(document, event, commit)
            if inputs is None:
                continue
            self.world.build += 1
            github = self._github(event, commit, document.get("name", path))
            contexts = {
                "github": github,
                "inputs": inputs,
                "vars": {} if event.fork else dict(self.world.variables),
            }
            allowed = dict.fromkeys(SCOPES, "read" if event.fork else "write")
            allowed |= {"id-token": "none"} if event.fork else {}
            run_id = str(self.world.build)
            running = Workflow(
                *(file, file, document, contexts, commit, event.fork, run_id, allowed, answers)
            )
            self._workflow(running, found)
        return found

    # Events

    def _commit(self, event: Event) -> str:
        if event.name == "pull_request":
            return self.world.merge_of(event.branch, event.base)
        return self.world.commit_of(DEFAULT_BRANCH if event.name == "schedule" else event.branch)

    def _starts(self, document: Any, event: Event, commit: str) -> Strict | None:
        """Return the inputs of a workflow that an event starts; None if it does not."""
        on = document.get(True, document.get("on"))  # YAML takes `on` for true
        listed = {on: None} if isinstance(on, str) else on
        triggers = dict.fromkeys(listed) if isinstance(listed, list) else listed
        name = "workflow_dispatch" if event.name == "dispatch" else event.name
        if name not in triggers:
            return None
        facts = triggers[name] or {}
        if name == "workflow_dispatch":
            return given_inputs(facts.get("inputs") or {}, event.inputs, event.file)
        if name == "schedule":
            return Strict() if event.file else None
        branch = event.base if name == "pull_request" else event.branch
        if not _passes(facts, "branches", [branch]):
            return None
        before = event.base if name == "pull_request" else f"{commit}~1"
        paths = {*facts} & {"paths", "paths-ignore"}
        if paths and not _passes(facts, "paths", self.world.changed(commit, before)):
            return None
        return Strict()

    def _github(self, event: Event, commit: str, workflow: str) -> Strict:
        pull = event.name == "pull_request"
        branch = DEFAULT_BRANCH if event.name == "schedule" else event.branch
        about = {"full_name": REPOSITORY, "default_branch": DEFAULT_BRANCH}
        payload: dict[str, Any] = {"repository": about}
        if pull:
            source = f"{'stranger' if event.fork else OWNER}/project"
            head = {"ref": event.branch, "repo": {"full_name": source, "fork": event.fork}}
            base = {"ref": event.base, "repo": about}
            payload |= {"number": 1, "pull_request": {"number": 1, "head": head, "base": base}}
        names = {"dispatch": "workflow_dispatch"}
        return Strict(
            actor="ada",
            api_url="https://api.github.com",
            base_ref=event.base if pull else "",
            event=payload,
            event_name=names.get(event.name, event.name),
            head_ref=event.branch if pull else "",
            job="",
            ref="refs/pull/1/merge" if pull else f"refs/heads/{branch}",
            ref_name="1/merge" if pull else branch,
            ref_type="branch",
            repository=REPOSITORY,
            repository_owner=OWNER,
            run_attempt="1",
            run_id=str(self.world.build),
            run_number=str(self.world.build),
            server_url="https://github.com",
            sha=commit,
            token="",
            workflow=workflow,
        )

    # Workflows

    def _workflow(self, workflow: Workflow, found: Run) -> None:
        """Run the jobs of a workflow, each after those that it needs."""
        document = workflow.document
        held = self._group(workflow.name, document, workflow.at("concurrency"), workflow.held)
        workflow.held = held
        for key in _in_order(document["jobs"], workflow.file):
            job = document["jobs"][key]
            unknown = {*job} - JOB_KEYS
            if unknown:
                raise Refused(f"{workflow.file}/{key}: unknown {', '.join(sorted(unknown))}")
            needs = _needs(workflow, job)
            results = [each.result for name in _listed(job) for each in workflow.jobs[name]]
            functions = _status(results, workflow, job)
            place = workflow.at("job.if", needs=needs)
            if not condition(job.get("if"), place, functions):
                name = key if MATRIX in str(job.get("name", "")) else job.get("name", key)
                shown = text(render(name, workflow.at("job.name", needs=needs)))
                self._note(found, workflow, key, "", Job(shown, workflow.file, "skipped"))
                continue
            strategy = render(job.get("strategy", {}), workflow.at("job.strategy", needs=needs))
            for matrix in _combinations(strategy.get("matrix", {})):
                more = {"needs": needs, "matrix": Strict(matrix), "strategy": Strict(strategy)}
                self._job(workflow, key, job, more, found)

    def _job(
        self, workflow: Workflow, key: str, job: dict[str, Any], more: Contexts, found: Run
    ) -> None:
        """Run one job with one combination of its matrix."""
        values = ", ".join(text(value) for value in more["matrix"].values())
        suffix = f" ({values})" if values else ""
        shown = text(render(job.get("name", key), workflow.at("job.name", **more)))
        if "uses" in job:
            self._call(workflow, key, job, more, found)
            return
        noted = Job(shown, workflow.file, "success")
        self._note(found, workflow, key, suffix, noted)
        where = f"{workflow.name}/{key}{suffix}"
        self._group(where, job, workflow.at("job.concurrency", **more), workflow.held)
        if not self._is_let_in(workflow, job, more, noted):
            return
        permissions = permitted(workflow, job)
        machine: Any = self.world.machine()
        github = Strict(workflow.contexts["github"], job=key, token=github_token(permissions))
        github["workspace"] = str(machine.work)
        contexts = workflow.contexts | more
        doing = Doing(
            *(self.world, machine, noted, contexts, workflow.commit, permissions),
            *(workflow.fork, workflow.run_id),
        )
        contexts |= {
            "github": github,
            "steps": Strict(),
            "job": Strict(status="success"),
            "runner": Strict(
                os="Linux", arch="X64", name="hosted", temp=str(machine.scratch / "temp")
            ),
            "env": {},
        }
        known = contexts if workflow.fork else contexts | {"secrets": secrets(doing)}
        for place, level in (("env", workflow.document), ("job.env", job)):
            there = {name: known[name] for name in PLACES[place] if name in known}
            env = render(level.get("env", {}), there)
            contexts["env"] |= {name: text(value) for name, value in env.items()}
        for level in (workflow.document, job):
            of_commands = level.get("defaults", {}).get("run", {})
            doing.folder = of_commands.get("working-directory", doing.folder)
            doing.shell = of_commands.get("shell", doing.shell)
        doing.limit = min(LONGEST, 60 * float(job["timeout-minutes"]))
        if not re.fullmatch(r"(ubuntu|windows|macos)-[a-z0-9.-]+", str(job["runs-on"])):
            raise Refused(f"{where}: there is no runner {job['runs-on']}")
        run_steps(doing, job["steps"])
        if any(step.result == "failure" for step in noted.steps):
            noted.result = "failure"
        there = {name: contexts[name] for name in PLACES["job.outputs"] if name in contexts}
        for name, value in job.get("outputs", {}).items():
            noted.outputs[name] = text(render(value, there))

    def _call(
        self, workflow: Workflow, key: str, job: dict[str, Any], more: Contexts, found: Run
    ) -> None:
        """Run the jobs of a reusable workflow of the same repository."""
        path = re.fullmatch(r"[.$]/(\.github/workflows/[\w.-]+)", job["uses"])
        source = self.world.read(workflow.commit, FOLDER).get(path[1] if path else "")
        if source is None or not path:
            raise Refused(f"{workflow.file}/{key}: there is no workflow {job['uses']}")
        document = yaml.safe_load(source)
        on = document.get(True, document.get("on"))
        if "workflow_call" not in on:
            raise Refused(f"{path[1]} cannot be called")
        given = render(job.get("with", {}), workflow.at("job.with", **more))
        declared = (on["workflow_call"] or {}).get("inputs") or {}
        called = Workflow(
            name=f"{workflow.name}/{key}",
            file=path[1].removeprefix(f"{FOLDER}/"),
            document=document,
            contexts=workflow.contexts | {"inputs": given_inputs(declared, given, path[1])},
            commit=workflow.commit,
            fork=workflow.fork,
            run_id=workflow.run_id,
            allowed=permitted(workflow, job),
            answers=workflow.answers,
            held=workflow.held,
        )
        self._workflow(called, found)
        inner = [each for jobs in called.jobs.values() for each in jobs]
        ended: Result = "failure" if any(each.result == "failure" for each in inner) else "success"
        workflow.jobs.setdefault(key, []).append(Job(key, workflow.file, ended))

    def _note(self, found: Run, workflow: Workflow, key: str, suffix: str, job: Job) -> None:
        found.jobs[f"{workflow.name}/{key}{suffix}"] = job
        workflow.jobs.setdefault(key, []).append(job)

    def _is_let_in(
        self, workflow: Workflow, job: dict[str, Any], more: Contexts, noted: Job
    ) -> bool:
        """Return whether the reviewers of a job's environment let it run, if it has any."""
        environment = render(job.get("environment", ""), workflow.at("job.environment", **more))
        name = environment["name"] if isinstance(environment, dict) else text(environment)
        if name not in self.reviewed:
            return True
        answer = workflow.answers.get(noted.name, "time out")
        noted.log += f"{name}: {answer}\n"
        noted.result = "success" if answer == "approve" else "failure"
        return answer == "approve"

    def _group(
        self, where: str, level: dict[str, Any], contexts: Contexts, held: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Note the group of `concurrency` of a workflow or job; it may not wait for itself."""
        given = level.get("concurrency")
        if given is None:
            return held
        facts = given if isinstance(given, dict) else {"group": given}
        group = text(render(facts["group"], contexts))
        cancels = render(facts.get("cancel-in-progress", False), contexts)
        if group in held:
            raise Refused(f"{where} waits for the group {group}, in which it runs")
        if not group or not isinstance(cancels, bool):
            raise Refused(f"{where}: concurrency of {group!r}, {cancels!r}")
        self.groups[where] = (group, cancels)
        return (*held, group)


def permitted(workflow: Workflow, job: dict[str, Any]) -> dict[str, str]:
    """Return what a job's token may: as the job says, else the workflow.

    Raises:
        Refused: neither says it, or it is more than the caller of a called workflow may.
    """
    given = job.get("permissions", workflow.document.get("permissions"))
    if not isinstance(given, dict):
        raise Refused(f"{workflow.file}: permissions are {given!r}, and not listed")
    for scope, level in given.items():
        if scope not in SCOPES or level not in LEVELS:
            raise Refused(f"{workflow.file}: there is no permission {scope}: {level}")
        most = workflow.allowed.get(scope, "none")
        if LEVELS[level] > LEVELS[most] and not workflow.fork:
            raise Refused(f"{workflow.name} asks for {scope}: {level}, and is allowed {most}")
    granted = {
        scope: min(level, workflow.allowed.get(scope, "none"), key=LEVELS.__getitem__)
        for scope, level in given.items()
    }
    return {scope: level for scope, level in granted.items() if level != "none"}


def given_inputs(declared: Mapping[str, Any], given: Mapping[str, Any], file: str) -> Strict:
    """Return the inputs of a workflow with their defaults.

    Raises:
        Refused: one is unknown, missing, of another type, or not among the options.
    """
    unknown = {*given} - {*declared}
    if unknown:
        raise Refused(f"{file} has no input {', '.join(sorted(unknown))}")
    found = Strict()
    for name, facts in declared.items():
        value = given.get(name, facts.get("default"))
        if value is None and facts.get("required"):
            raise Refused(f"{file} needs its input {name}")
        if facts.get("type") == "choice" and value not in facts["options"]:
            raise Refused(f"{file}: {name} is one of {facts['options']}, not {value!r}")
        if facts.get("type") in ("string", "choice") and not isinstance(value, str | None):
            raise Refused(f"{file}: {name} is a text, not {value!r}")
        found[name] = "" if value is None else value
    return found


def _passes(facts: Mapping[str, Any], kind: str, values: list[str]) -> bool:
    """Return whether a value is among those that a filter lets through."""
    patterns, ignored = facts.get(kind), facts.get(f"{kind}-ignore")
    if patterns is not None:
        return any(_matches(value, patterns) for value in values)
    if ignored is not None:
        return any(not _matches(value, ignored) for value in values)
    return True


def _matches(value: str, patterns: list[str]) -> bool:
    """Return whether a path or branch matches the last of the patterns that say anything of it."""
    held = False
    for pattern in patterns:
        if re.fullmatch(_expression(pattern.removeprefix("!")), value):
            held = not pattern.startswith("!")
    return held


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern: `*` is no `/`, and `**` is anything."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, re.escape(part)) for part in parts)


def _listed(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def _in_order(jobs: Mapping[str, Any], file: str) -> Iterator[str]:
    """Yield the jobs, each after those that it needs."""
    done: set[str] = set()
    for job in jobs.values():
        for name in _listed(job):
            if name not in jobs:
                raise Refused(f"{file}: there is no job {name} to need")
    while len(done) < len(jobs):
        ready = [key for key in jobs if key not in done and {*_listed(jobs[key])} <= done]
        if not ready:
            raise Refused(f"{file}: jobs need each other")
        yield from ready
        done |= {*ready}


def _needs(workflow: Workflow, job: Mapping[str, Any]) -> Strict:
    """Return the context `needs`: only the jobs that are listed, only the outputs they declare."""
    found = Strict()
    for name in _listed(job):
        ended = workflow.jobs[name]
        declared = workflow.document["jobs"][name].get("outputs", {})
        outputs = Strict(dict.fromkeys(declared, ""))
        for each in ended:
            outputs |= each.outputs
        found[name] = Strict(
            result=_together([each.result for each in ended]), outputs=Strict(outputs)
        )
    return found


def _together(results: list[Result]) -> Result:
    """Return the result of a job with a matrix."""
    return next(
        (each for each in ("failure", "cancelled", "skipped") if each in results), "success"
    )


def _status(
    results: list[Result], workflow: Workflow, job: Mapping[str, Any]
) -> dict[str, Callable[[], Any]]:
    """The functions of a job's condition; `failure` looks at all jobs before it."""
    before, open_ = set(), _listed(job)
    while open_:
        name = open_[0]
        open_ = [*open_[1:], *_listed(workflow.document["jobs"][name])]
        before.add(name)
    failed = any(each.result == "failure" for name in before for each in workflow.jobs[name])
    return {
        "success": lambda: all(result == "success" for result in results),
        "failure": lambda: failed,
        "always": lambda: True,
        "cancelled": lambda: False,
    }


def _combinations(matrix: Any) -> list[dict[str, Any]]:
    """Return the combinations of a matrix, with `include` and `exclude`."""
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    products = itertools.product(*axes.values()) if axes else ()
    found = [dict(zip(axes, values, strict=True)) for values in products]
    left_out = matrix.get("exclude", [])
    found = [each for each in found if not any(out.items() <= each.items() for out in left_out)]
    for more in matrix.get("include", []):
        own = {name: value for name, value in more.items() if name in axes}
        fitting = [each for each in found if own.items() <= each.items()]
        if fitting:
            for each in fitting:
                each.update(more)
        else:
            found.append(dict(more))
    return found or [{}]
