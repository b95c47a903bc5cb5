"""A runner for Azure Pipelines: what an event starts, with stages, jobs, conditions and variables.

Steps run truly, in a checkout on a machine of the world; tasks are the stand-ins of azure_tasks.py.
Where the real system would go on with an empty text, `Refused` is raised instead.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ci.azure_expressions import Names, Refused, evaluate, text_of, truth_of
from ci.azure_repos import PROJECT, REPOSITORY, TOKEN, AzureRepos, serve
from ci.azure_tasks import SERVER_TASKS, TASKS, Outcome, checkout, script
from ci.azure_templates import FOLDER, Compiler, load
from ci.model import NO_ANSWERS, Answer, Event, Job, Machine, Run, Step, World

MACRO = re.compile(r"\$\(([\w.-]+)\)")
RUNTIME = re.compile(r"\$\[(.*)\]", re.DOTALL)
COMMAND = re.compile(r"^##vso\[([\w.]+)([^\]]*)\](.*)$", re.MULTILINE)
ESCAPES = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%AZP25": "%"}
SILENT_COMMANDS = ("task.uploadsummary", "task.logissue", "task.logdetail", "build.addbuildtag")
DONE = ("success", "failure", "skipped", "cancelled")
MINUTES = 60.0  # of a job that says no limit of its own
REASONS = {
    "pull_request": "PullRequest",
    "push": "IndividualCI",
    "schedule": "Schedule",
    "dispatch": "Manual",
}


@dataclass
class Build:
    """One run of one pipeline.

    Attributes:
        id: its number.
        event: what has started it.
        commit: what its jobs check out.
        file: the pipeline's, without the folder.
        predefined: the variables that the system sets.
        is_of_fork: whether a fork's pull request has started it.
    """

    id: int
    event: Event
    commit: str
    file: str
    predefined: dict[str, str]
    answers: Mapping[str, Answer]
    is_of_fork: bool = False


@dataclass
class Node:
    """A stage or a job, with what its conditions ask for.

    Attributes:
        name: its identifier.
        needs: the names of those that it depends on.
        result: how it ended; None before.
        outputs: by job for a stage (`Job.step.NAME`), of its steps for a job (`step.NAME`).
    """

    name: str
    document: dict[str, Any]
    needs: list[str]
    result: str | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, "Node"] = field(default_factory=dict)


@dataclass
class Context:
    """What the steps of a job share.

    Attributes:
        variables: those that steps may ask for, and set for the steps after them.
        secret: the names of those that are not in the environment of a step by themselves.
    """

    build: Build
    machine: Machine
    variables: dict[str, str]
    secret: set[str]
    job: Job
    limit: float
    succeeded: bool = True
    seen: list[str] = field(default_factory=list)

    def macros(self, value: Any) -> Any:
        """Replace `$(name)` in texts."""
        if isinstance(value, dict):
            return {key: self.macros(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.macros(each) for each in value]
        if not isinstance(value, str):
            return value
        return _macros(value, self.variables)

    def environment(self) -> dict[str, str]:
        """Return the variables as a process finds them."""
        shown = {
            re.sub(r"[. ]", "_", name).upper(): value
            for name, value in self.variables.items()
            if name not in self.secret
        }
        return {**self.machine.variables, **shown, "TF_BUILD": "True"}


class AzurePipelines:
    """Runs the pipelines of a repository in Azure Repos.

    Attributes:
        repos: its pull requests, and the comments on them.
        provider: `GitHub` for a repository that is there, and built here.
        connections: the service connections that the project has; None for every one that is asked.
        waits: the jobs of the server that have waited, each with the limit that it has.
    """

    #: what a job may have; anything else is misspelled
    KEYS: ClassVar[dict[str, set[str]]] = {
        "pipeline": set(
            "trigger pr schedules variables pool stages jobs steps lockBehavior name".split()
        ),
        "stage": set("stage displayName dependsOn condition variables jobs lockBehavior".split()),
        "job": set(
            "job deployment displayName dependsOn condition variables steps strategy pool "
            "timeoutInMinutes environment".split()
        ),
        "step": set(
            "task script checkout name displayName condition inputs env timeoutInMinutes "
            "continueOnError enabled workingDirectory fetchDepth persistCredentials clean".split()
        ),
    }

    def __init__(self, world: World, provider: str = "TfsGit") -> None:
        self.world, self.provider = world, provider
        self.connections: set[str] | None = None
        self.waits: list[tuple[str, float]] = []
        self.repos: AzureRepos = serve(getattr(world, "origin", None))

    def close(self) -> None:
        """Stop answering for Azure Repos."""
        self.repos.close()

    def run(self, event: Event, answers: Mapping[str, Answer] = NO_ANSWERS) -> Run:
        """Execute every pipeline that the event starts."""
        commit, base = self._commits(event)
        found = Run()
        files = {
            path: text
            for path, text in self.world.read(commit, FOLDER).items()
            if path.endswith((".yml", ".yaml"))
        }
        for path in sorted(files):
            file = path.rpartition("/")[2]
            if "/templates/" in path or (event.file and event.file != file):
                continue
            document = load(files[path])
            if not _starts(document, event, self.world.changed(commit, base) if base else None):
                continue
            self.world.build += 1
            build = self._build(event, commit, file, document, answers)
            compiler = Compiler(files, build.predefined, self.world.variables)
            whole = compiler.pipeline(path, event.inputs)
            self._pipeline(whole, build, found)
        return found

    def _commits(self, event: Event) -> tuple[str, str]:
        """Return the commit to check out, and the one that it is compared with; empty for none."""
        if event.name == "pull_request":
            merge = self.world.merge_of(event.branch, event.base)
            return merge, self.world.commit_of(event.base)
        commit = self.world.commit_of(event.branch)
        if event.name != "push":
            return commit, ""
        with suppress(Exception):  # a first commit has none before it
            return commit, self.world.commit_of(f"{commit}~1")
        return commit, ""

    def _build(
        self,
        event: Event,
        commit: str,
        file: str,
        document: Mapping[str, Any],
        answers: Mapping[str, Answer],
    ) -> Build:
        number = self.world.build
        is_asked = event.name == "pull_request"
        branch = "refs/pull/1/merge" if is_asked else f"refs/heads/{event.branch}"
        reason = REASONS[event.name]
        trigger = document.get("trigger")
        if event.name == "push" and isinstance(trigger, dict) and trigger.get("batch") == "true":
            reason = "BatchedCI"
        predefined = {
            "Build.BuildId": str(number),
            "Build.BuildNumber": f"{self.world.now:%Y%m%d}.{number}",
            "Build.DefinitionName": file.removesuffix(".yml"),
            "Build.Reason": reason,
            "Build.Repository.ID": REPOSITORY,
            "Build.Repository.Name": REPOSITORY,
            "Build.Repository.Provider": self.provider,
            "Build.RequestedFor": "Ada",
            "Build.SourceBranch": branch,
            "Build.SourceBranchName": branch.rpartition("/")[2],
            "Build.SourceVersion": commit,
            "System.CollectionUri": self.repos.address,
            "System.TeamProject": PROJECT,
            "System.TeamProjectId": PROJECT,
        }
        if is_asked:
            start = "refs/heads/" if self.provider == "TfsGit" else ""
            predefined |= {
                "System.PullRequest.IsFork": str(event.fork),
                "System.PullRequest.PullRequestId": "1",
                "System.PullRequest.SourceBranch": f"{start}{event.branch}",
                "System.PullRequest.TargetBranch": f"{start}{event.base}",
                "System.PullRequest.TargetBranchName": event.base.rpartition("/")[2],
            }
        return Build(number, event, commit, file, predefined, answers, event.fork)

    def _pipeline(self, document: dict[str, Any], build: Build, found: Run) -> None:
        _refuse_unknown(document, self.KEYS["pipeline"], build.file)
        named = "stages" in document
        if not named:
            inner = {key: document.pop(key) for key in ("jobs", "steps") if key in document}
            if "steps" in inner:
                inner = {"jobs": [{"job": "Job", **inner}]}
            document["stages"] = [{"stage": "__default", **inner}]
        variables = self._variables(document.get("variables", {}), build.predefined, {}, {})
        stages = _nodes(document["stages"], "stage", chained=True)
        for stage in _in_order(stages):
            _refuse_unknown(stage.document, self.KEYS["stage"], stage.name)
            self._stage(stage, stages, document, variables, build, found, named)

    def _stage(
        self,
        stage: Node,
        stages: dict[str, Node],
        document: dict[str, Any],
        variables: dict[str, str],
        build: Build,
        found: Run,
        named: bool,
    ) -> None:
        before = {name: stages[name] for name in stage.needs}
        outputs = {
            name: {
                "result": _result_word(each),
                "outputs": Names(each.outputs, f"output of the stage {name}", _empty),
            }
            for name, each in before.items()
        }
        contexts = {
            "variables": Names({**build.predefined, **variables}, missing=_unset),
            "dependencies": Names(outputs, "stage in dependsOn"),
        }
        runs = _holds(stage, stages, contexts)
        stage_dependencies = {
            name: Names(
                {
                    job: {
                        "result": _result_word(node),
                        "outputs": Names(node.outputs, f"output of {name}.{job}", _empty),
                    }
                    for job, node in each.jobs.items()
                },
                f"job of the stage {name}",
            )
            for name, each in before.items()
        }
        known = {"stageDependencies": Names(stage_dependencies, "stage in dependsOn")}
        own = self._variables(stage.document.get("variables", {}), build.predefined, variables, {})
        jobs = _nodes(stage.document["jobs"], "job", chained=False)
        stage.jobs = jobs
        for job in _in_order(jobs):
            _refuse_unknown(job.document, self.KEYS["job"], job.name)
            shown = stage.document.get("displayName", stage.name) if named else ""
            at = f"{stage.name}.{job.name}" if named else job.name
            pool = job.document.get("pool", document.get("pool"))
            if pool is None:
                raise Refused(f"{at}: no pool is named")
            self._job(job, jobs, own, known, build, found, at, shown, runs, pool)
        for name, job in jobs.items():
            stage.outputs |= {f"{name}.{key}": value for key, value in job.outputs.items()}
        results = [job.result for job in jobs.values()]
        if not runs or all(result == "skipped" for result in results):
            stage.result = "skipped"
        else:
            stage.result = "failure" if "failure" in results else "success"

    def _job(
        self,
        job: Node,
        jobs: dict[str, Node],
        variables: dict[str, str],
        known: Mapping[str, Any],
        build: Build,
        found: Run,
        at: str,
        stage: str,
        runs: bool,
        pool: Any,
    ) -> None:
        before = {
            name: {
                "result": _result_word(jobs[name]),
                "outputs": Names(jobs[name].outputs, f"output of {name}", _empty),
            }
            for name in job.needs
        }
        contexts = {
            **known,
            "dependencies": Names(before, "job in dependsOn"),
            "variables": Names({**build.predefined, **variables}, missing=_unset),
        }
        runs = runs and _holds(job, jobs, contexts)
        results = []
        for label, values in _slices(job.document):
            title = _macros(job.document.get("displayName", job.name), {**variables, **values})
            one = Job(title, build.file, "skipped", stage=stage)
            found.jobs[f"{build.file}/{at}{f' ({label})' if label else ''}"] = one
            if runs:
                declared = job.document.get("variables", {})
                own = self._variables(declared, build.predefined, variables, contexts)
                self._steps(one, job, {**own, **values}, build, pool)
                prefix = f"{label}." if label else ""
                if "deployment" in job.document:
                    prefix = f"{job.name}."
                job.outputs |= {f"{prefix}{key}": value for key, value in one.outputs.items()}
            results.append(one.result)
        job.result = "failure" if "failure" in results else results[0]

    def _steps(
        self, one: Job, job: Node, variables: dict[str, str], build: Build, pool: Any
    ) -> None:
        steps = job.document.get("steps")
        if "deployment" in job.document:
            steps = job.document["strategy"]["runOnce"]["deploy"]["steps"]
            variables = {**variables, "Environment.Name": job.document["environment"]}
            if build.answers.get(one.name) in ("reject", "time out"):  # a check of the environment
                one.result = "failure"
                return
        minutes = float(job.document.get("timeoutInMinutes", MINUTES))
        if pool == "server":
            self._wait(one, steps, variables, build, minutes)
            return
        machine = self.world.machine()
        at = machine.work
        places = {
            "Agent.BuildDirectory": at,
            "Agent.OS": "Linux",
            "Agent.TempDirectory": machine.scratch,
            "Build.SourcesDirectory": at / "s",
            "Pipeline.Workspace": at,
            "System.DefaultWorkingDirectory": at / "s",
            "System.JobAttempt": "1",
            "System.JobName": job.name,
        }
        (at / "s").mkdir(exist_ok=True)
        shown = {name: str(value) for name, value in places.items()}
        every = {**build.predefined, **shown, **_resolved({**build.predefined, **variables})}
        every["System.AccessToken"] = "" if build.is_of_fork else TOKEN
        context = Context(build, machine, every, {"System.AccessToken"}, one, minutes * 60)
        # Without a checkout of its own, a job of steps begins with one; a deployment does not.
        if "deployment" not in job.document and not any("checkout" in step for step in steps):
            raise Refused(f"{job.name}: say `checkout`, or the token stays in the checkout")
        one.result = "success"
        for step in steps:
            self._step(step, context)
        one.result = "success" if context.succeeded else "failure"
        one.log = "\n".join(step.log for step in one.steps)

    def _step(self, step: dict[str, Any], context: Context) -> None:
        _refuse_unknown(step, self.KEYS["step"], context.job.name)
        kind = next(key for key in ("task", "script", "checkout") if key in step)
        title = context.macros(step.get("displayName", step[kind]))
        made = Step(title, "skipped")
        context.job.steps.append(made)
        status = {
            "succeeded": lambda: context.succeeded,
            "failed": lambda: not context.succeeded,
            "succeededorfailed": lambda: True,
            "always": lambda: True,
            "canceled": lambda: False,
        }
        names = {"variables": Names(context.variables, missing=_unset)}
        if step.get("enabled") == "false":
            return
        if not truth_of(evaluate(step.get("condition", "succeeded()"), names, status)):
            return
        # The value of a secret is in the environment only where `env` puts it.
        given = context.environment() | context.macros(step.get("env", {}))
        limit = min(context.limit, float(step.get("timeoutInMinutes", MINUTES * 100)) * 60)
        if kind == "checkout":
            outcome = checkout(self, step, context)
        elif kind == "script":
            text = context.macros(step["script"])
            place = context.macros(step.get("workingDirectory", ""))
            outcome = script(text, context, given, limit, place)
        else:
            if step["task"] not in TASKS:
                raise Refused(f"{context.job.name}: there is no stand-in for {step['task']}")
            inputs = context.macros(step.get("inputs", {}))
            outcome = TASKS[step["task"]](self, inputs, context, given, limit)
        context.seen.append(step[kind])
        made.log = outcome.log
        is_good = outcome.is_good and self._obey(outcome, step, context, made)
        made.result = "success" if is_good else "failure"
        if not is_good and step.get("continueOnError") != "true":
            context.succeeded = False

    def _obey(
        self, outcome: Outcome, step: Mapping[str, Any], context: Context, made: Step
    ) -> bool:
        """Do what a step says to the system; return False where it says that it has failed."""
        is_good = True
        for command, given, value in COMMAND.findall(outcome.log):
            properties = dict(
                part.strip().split("=", 1) for part in given.split(";") if part.strip()
            )
            if command == "task.setvariable":
                name, value = properties["variable"], _unescaped(value)
                if name in context.build.predefined:
                    raise Refused(f"{name} cannot be set")
                if properties.get("isOutput", "").lower() == "true":
                    if "name" not in step:
                        raise Refused(f"{made.name} gives out {name}, and has no name")
                    context.job.outputs[f"{step['name']}.{name}"] = value
                    made.outputs[name] = value
                    name = f"{step['name']}.{name}"
                context.variables[name] = value
                if properties.get("isSecret", "").lower() == "true":
                    context.secret.add(name)
            elif command == "task.complete":
                is_good = properties.get("result") != "Failed"
            elif command not in SILENT_COMMANDS:
                raise Refused(f"there is no logging command {command}")
        return is_good

    def _wait(
        self,
        one: Job,
        steps: Iterable[dict[str, Any]],
        variables: dict[str, str],
        build: Build,
        minutes: float,
    ) -> None:
        """Run a job of the server: it has no machine, and may wait for days."""
        every = _resolved({**build.predefined, **variables})
        self.waits.append((one.name, minutes))
        one.result = "success"
        for step in steps:
            if step.get("task") not in SERVER_TASKS:
                raise Refused(f"{one.name}: a job of the server has no agent for {step}")
            inputs = {key: _macros(text, every) for key, text in step.get("inputs", {}).items()}
            answer = build.answers.get(one.name) or build.answers.get(one.stage)
            outcome = SERVER_TASKS[step["task"]](self, inputs, answer)
            title = step.get("displayName", step["task"])
            good = outcome.is_good
            one.steps.append(Step(title, "success" if good else "failure", outcome.log))
            one.log += outcome.log
            if not good:
                one.result = "failure"
                return

    @staticmethod
    def _variables(
        declared: Any,
        predefined: Mapping[str, str],
        before: Mapping[str, str],
        contexts: Mapping[str, Any],
    ) -> dict[str, str]:
        """Return these variables, and those before them; `$[ ]` is evaluated."""
        pairs = declared.items() if isinstance(declared, dict) else _pairs(declared)
        found = dict(before)
        for name, value in pairs:
            if name.lower() in {each.lower() for each in predefined}:
                raise Refused(f"{name} is a variable of the system")
            runtime = RUNTIME.fullmatch(value)
            if not runtime and "$[" in value:
                raise Refused(f"{name}: an expression is the whole of a value, not {value!r}")
            if runtime:
                names = Names({**predefined, **found}, missing=_unset)
                value = text_of(evaluate(runtime[1], {**contexts, "variables": names}))
            found[name] = value
        return found


def _pairs(declared: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for each in declared:
        yield each["name"], each["value"]


def _macros(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(name)`; where it is not known, a shell would take it for a command."""
    names = Names(variables)
    return MACRO.sub(lambda found: names.find(found[1]), text)


def _resolved(variables: Mapping[str, str]) -> dict[str, str]:
    """Replace `$(name)` in the values of variables."""
    return {
        name: MACRO.sub(lambda found: Names(variables).find(found[1]), value)
        for name, value in variables.items()
    }


def _unset(name: str) -> None:
    """Return what a variable is that is not set: conditions may ask for it."""


def _empty(name: str) -> None:
    """Return what an output is that no step has set."""


def _unescaped(value: str) -> str:
    for escape, character in ESCAPES.items():
        value = value.replace(escape, character)
    return value


def _refuse_unknown(document: Mapping[str, Any], known: set[str], what: str) -> None:
    if unknown := set(document) - known:
        raise Refused(f"{what}: there is no {', '.join(sorted(unknown))}")


def _nodes(documents: Sequence[dict[str, Any]], key: str, chained: bool) -> dict[str, Node]:
    """Return stages, each after the one before unless it says otherwise, or jobs."""
    found: dict[str, Node] = {}
    last: list[str] = []
    for document in documents:
        name = document.get(key) or document.get("deployment") or ""
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in found:
            raise Refused(f"{name!r} is no name for a {key}, or another one has it")
        needs = document.get("dependsOn", last if chained else [])
        found[name] = Node(name, document, [needs] if isinstance(needs, str) else list(needs))
        last = [name]
    for node in found.values():
        if missing := set(node.needs) - set(found):
            raise Refused(f"{node.name} depends on {missing}, which is not there")
    return found


def _in_order(nodes: dict[str, Node]) -> Iterator[Node]:
    """Yield each after those that it depends on."""
    left = list(nodes.values())
    while left:
        ready = [each for each in left if all(nodes[need] not in left for need in each.needs)]
        if not ready:
            raise Refused(f"{', '.join(each.name for each in left)} wait for each other")
        left.remove(ready[0])
        yield ready[0]


def _above(node: Node, nodes: dict[str, Node]) -> dict[str, Node]:
    """Return all that a node depends on, directly or not."""
    found: dict[str, Node] = {}
    left = [*node.needs]
    while left:
        name = left.pop()
        found[name] = nodes[name]
        left += nodes[name].needs
    return found


def _holds(node: Node, nodes: dict[str, Node], contexts: Mapping[str, Any]) -> bool:
    """Return whether the condition of a stage or a job is true."""
    above = _above(node, nodes)

    def results(names: Sequence[str]) -> list[str | None]:
        if missing := set(names) - set(node.needs):
            raise Refused(f"{node.name} asks for {missing}, and does not depend on it")
        return [nodes[name].result for name in names] or [each.result for each in above.values()]

    functions = {
        "succeeded": lambda *names: all(each == "success" for each in results(names)),
        "failed": lambda *names: "failure" in results(names),
        "succeededorfailed": lambda *names: all(
            each in ("success", "failure") for each in results(names)
        ),
        "always": lambda: True,
        "canceled": lambda: False,
    }
    condition = node.document.get("condition", "succeeded()")
    return truth_of(evaluate(condition, contexts, functions))


def _result_word(node: Node) -> str:
    words = {"success": "Succeeded", "failure": "Failed", "skipped": "Skipped"}
    return words.get(node.result or "", "")


def _slices(document: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Return (name, variables) of each job that a matrix makes of one."""
    matrix = document.get("strategy", {}).get("matrix")
    return [*matrix.items()] if matrix else [("", {})]


def _starts(document: Mapping[str, Any], event: Event, changed: Sequence[str] | None) -> bool:
    """Return whether an event starts a pipeline."""
    if event.name == "dispatch":
        return bool(event.file)
    if event.name == "schedule":
        schedules = document.get("schedules", [])
        return any(_meant(each.get("branches"), event.branch) for each in schedules)
    key, branch = ("pr", event.base) if event.name == "pull_request" else ("trigger", event.branch)
    trigger = document.get(key, {"branches": {"include": ["*"]}})
    if trigger == "none":
        return False
    if isinstance(trigger, list):
        trigger = {"branches": {"include": trigger}}
    paths = trigger.get("paths")
    touched = not paths or changed is None or any(_meant(paths, path) for path in changed)
    return touched and _meant(trigger.get("branches"), branch)


def _meant(lists: Any, name: str) -> bool:
    """Return whether the lists `include` and `exclude` mean a branch or a path."""
    lists = lists or {}
    included = lists.get("include", ["*"])
    return _matches(included, name) and not _matches(lists.get("exclude", []), name)


def _matches(patterns: Iterable[str], name: str) -> bool:
    return any(
        fnmatch.fnmatchcase(name, pattern.removeprefix("refs/heads/").lstrip("/"))
        or name.startswith(pattern.strip("/") + "/")
        for pattern in patterns
    )
