"""One repository, the machines that its jobs run on, and what they reach: no network but loopback.

Jobs run their commands truly: git clones, make, the project's verbs, HTTP. Stand-ins are the
programs `az`, `gh` and `docker` (programs/), and the Azure of tests/full/azureml.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from baking import environment
from ci.environments import borrow, hand_out

PROGRAMS = Path(__file__).with_name("programs")
BRANCHES = ("main", "develop", "app-dev", "prod")
# The project of a world, unless a test wants another one; tests/full/conftest.py adds the other
# system's files.
ANSWERS = {"vertical": "hello_world", "project_name": "Hello CI", "models": "linear_regression"}
GROUPS = "train,serve,dev,aml,webapp,sbom,lock"
WRAPPER = """#!/bin/sh
export WORLD_NOTES='{notes}' WORLD_PYTHON='{python}' WORLD_ORIGIN='{origin}'
export WORLD_OUTSIDE='{outside}'
exec '{interpreter}' '{program}' "$@"
"""
PERSON = {"NAME": "Ada", "EMAIL": "ada@example.org"}
OUTSIDE = "file:///no/credentials/are/kept"


class Left(NamedTuple):
    """What a command leaves that is not run: what it prints, and files by their paths."""

    output: str = ""
    files: Mapping[str, str] = MappingProxyType({})


# What the checks of a checkout leave, for those who take them as done: GitHub's jobs run them, on
# the same files (tests/full/test_ci_github.py).
REPORTS = {
    "local_assets/reports/coverage.xml": '<coverage line-rate="1"/>',
    "local_assets/reports/tests.xml": "<testsuites><testcase/><testcase/></testsuites>",
}
CHECKED = {
    "make lint": Left(),
    "make coverage": Left(files=REPORTS),
    "make check-internal": Left(),
    "make check-secrets": Left(),
}


class World:
    """As the protocol in model.py, and what a test asks and does.

    Attributes:
        once: commands that take long and change nothing outside of the checkout, by the text of
            their script: the first job truly runs one, the others get its output and its files.
        assumed: commands that are not run here at all, since another test runs them or another job
            has, by the text of their script, and what each leaves.
    """

    def __init__(
        self,
        folder: Path,
        repository: Path,
        prepared: Path,
        azure: Any = None,
        projects: Sequence[str] = (".",),
    ) -> None:
        """
        Args:
            folder: a new one, for all that is made here.
            repository: the files of the first commit: a project, or what has projects in it.
            prepared: the `.venv` of an initialised project with the same pins.
            azure: the emulator of tests/full/azureml, if the jobs have one.
            projects: the folders of the projects in the repository.
        """
        self.folder, self.prepared, self.azure, self.projects = folder, prepared, azure, projects
        self.origin, self.desk = folder / "origin.git", folder / "desk"
        self.artifacts, self.notes = folder / "artifacts", folder / "notes"
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.now = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
        self.build = 0
        self.once = {"make lint", "make coverage", "make demo"}
        self.assumed: dict[str, Left] = {}
        self.machines: list[Machine] = []
        self._known: dict[str, tuple[str, Path]] = {}
        for each in (self.artifacts, self.notes):
            each.mkdir(parents=True)
        self.python = borrow(prepared, folder / "plain")
        self._publish(repository)
        if azure:
            azure.web.pushed = self.notes / "pushed"
            azure.web.images = self.notes / "images"
            azure.web.python = self.python

    # What runners ask.

    def commit_of(self, branch: str) -> str:
        return self._git("rev-parse", branch, folder=self.origin)

    def merge_of(self, branch: str, base: str) -> str:
        ours, theirs = self.commit_of(base), self.commit_of(branch)
        git = self._git
        tree = git("merge-tree", "--write-tree", ours, theirs, folder=self.origin).splitlines()[0]
        parents = ("-p", ours, "-p", theirs)
        merge = git("commit-tree", tree, *parents, "-m", "Merge", folder=self.origin)
        git("update-ref", "refs/pull/1/merge", merge, folder=self.origin)
        return merge

    def read(self, commit: str, folder: str) -> dict[str, str]:
        listed = self._git("ls-tree", "-r", "--name-only", commit, folder, folder=self.origin)
        return {
            path: self._git("show", f"{commit}:{path}", folder=self.origin, strip=False)
            for path in listed.splitlines()
        }

    def changed(self, commit: str, base: str) -> list[str]:
        return self._git("diff", "--name-only", base, commit, folder=self.origin).splitlines()

    def machine(self) -> "Machine":
        machine = Machine(self, self.folder / "machines" / str(len(self.machines)))
        self.machines.append(machine)
        return machine

    # What a test does.

    def commit(self, branch: str, files: Mapping[str, str], message: str = "A change") -> str:
        """Push a commit with these files to a branch, which is made from main if it is new."""
        known = self._git("branch", "--list", branch, folder=self.origin)
        self._git("fetch", "-q", "origin")
        self._git("checkout", "-q", "-B", branch, f"origin/{branch if known else 'main'}")
        _write(self.desk, files)
        self._git("add", "--all")
        self._git("commit", "-q", "--allow-empty", "-m", message)
        self._git("push", "-q", "origin", branch)
        return self._git("rev-parse", "HEAD")

    def merge(self, branch: str, base: str) -> str:
        """Merge a pull request: the base gets a merge commit, which is returned."""
        merge = self.merge_of(branch, base)
        self._git("update-ref", f"refs/heads/{base}", merge, folder=self.origin)
        return merge

    def text(self, branch: str, path: str) -> str:
        """A file as it stands on a branch."""
        return self._git("show", f"{branch}:{path}", folder=self.origin, strip=False)

    def has(self, branch: str, path: str) -> bool:
        """Whether a branch has a file."""
        return bool(self._git("ls-tree", branch, path, folder=self.origin))

    def edit(self, branch: str, path: str, old: str, new: str, source: str = "main") -> str:
        """Push a commit that replaces something in one file."""
        known = self._git("branch", "--list", branch, folder=self.origin)
        text = self.text(branch if known else source, path)
        assert text.count(old) == 1, (path, old, text.count(old))
        return self.commit(branch, {path: text.replace(old, new)})

    def noted(self, program: str) -> list[Any]:
        """What `az`, `gh` or `docker` was asked so far."""
        path = self.notes / f"{program}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def comments(self) -> list[str]:
        """The comments on the pull request on GitHub, as they are now."""
        path = self.notes / "hub.json"
        hub = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"comments": []}
        return [one["body"] for one in hub["comments"]]

    @property
    def pushed(self) -> list[str]:
        """The images that were pushed, in order."""
        path = self.notes / "pushed"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def close(self) -> None:
        """Remove the machines; the rest is the test's folder."""
        shutil.rmtree(self.folder / "machines", ignore_errors=True)
        shutil.rmtree(self.notes / "layers", ignore_errors=True)

    # What machines ask.

    def remembered(self, text: str, folder: Path, run: Callable[[], "Done"]) -> "Done":
        """Run a command of `once` the first time only; its output and new files each time."""
        if text in self.assumed:
            left = self.assumed[text]
            _write(folder, left.files)
            return subprocess.CompletedProcess([text], 0, f"(assumed: {text})\n{left.output}\n")
        if text not in self.once:
            return run()
        if text in self._known:
            output, files = self._known[text]
            shutil.copytree(files, folder, dirs_exist_ok=True)
            return subprocess.CompletedProcess([text], 0, f"(as in an earlier job)\n{output}")
        began = time.time()
        done = run()
        if done.returncode == 0:
            files = self.notes / "once" / str(len(self._known))
            _keep_new(folder, files, began)
            self._known[text] = done.stdout, files
        return done

    def cloud(self) -> dict[str, str]:
        """Where a machine finds Azure: what the network tells a hosted one."""
        if not self.azure:
            return {}
        own = dict(self.azure.settings())
        kept = ("ARM_CLOUD_METADATA_URL", "REGISTRY_DISCOVERY_ENDPOINT_URL", "REQUESTS_CA_BUNDLE")
        found = {name: own[name] for name in (*kept, "AZUREML_RUN_POLLING_INTERVAL_MIN")}
        certificate = str(self.azure.certificate)
        there = {"AZURE_RESOURCE_MANAGER": self.azure.address, "SSL_CERT_FILE": certificate}
        return found | there | self.azure.network

    def _publish(self, repository: Path) -> None:
        left_out = shutil.ignore_patterns(".venv", "local_assets", "__pycache__", ".git", ".*cache")
        shutil.copytree(repository, self.desk, ignore=left_out)
        self.folder.joinpath("gitconfig").write_text("")
        self._git("init", "-q", "-b", "main")
        self._git("add", "--all")
        self._git("commit", "-q", "-m", "The first commit")
        self._git("init", "-q", "--bare", "-b", "main", str(self.origin))
        self._git("config", "uploadpack.allowAnySHA1InWant", "true", folder=self.origin)
        self._git("remote", "add", "origin", f"file://{self.origin}")
        for branch in BRANCHES:
            self._git("push", "-q", "origin", f"main:{branch}")

    def _git(self, *words: str, folder: Path | None = None, strip: bool = True) -> str:
        people = {
            f"GIT_{who}_{key}": PERSON[key] for who in ("AUTHOR", "COMMITTER") for key in PERSON
        }
        own = {"PATH": os.defpath, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *words],
            cwd=folder or self.desk,
            env=own | people,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip() if strip else done.stdout


Done = subprocess.CompletedProcess[str]


class Machine:
    """As the protocol in model.py."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.work, self.home, self.scratch = folder / "work", folder / "home", folder / "scratch"
        programs = folder / "bin"
        for each in (self.work, self.home, self.scratch, programs):
            each.mkdir(parents=True)
        base = Path(world.prepared / "bin" / "python").resolve()
        for name in ("python", "python3"):
            (programs / name).symlink_to(base)
        for program in PROGRAMS.glob("*.py"):
            path = programs / program.stem
            parts = {"notes": world.notes, "python": world.python, "program": program}
            parts |= {"origin": world.origin, "outside": OUTSIDE}
            path.write_text(WRAPPER.format(interpreter=sys.executable, **parts), encoding="utf-8")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.variables = {
            "PATH": os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CONTAINER_ENGINE": str(programs / "docker"),
            "OMP_WAIT_POLICY": "PASSIVE",
            "MYPY_CACHE_DIR": environment()["MYPY_CACHE_DIR"],  # it reads packages for long
            # There is no package index here: an init that has something to install fails at once.
            "PIP_NO_INDEX": "1",
            **world.cloud(),
        }

    def check_out(
        self, commit: str, folder: str = ".", *, whole: bool = False, persist: bool = False
    ) -> Path:
        place = self.work / folder
        place.mkdir(parents=True, exist_ok=True)
        git = self.world._git
        git("init", "-q", "-b", "main", folder=place)
        git("remote", "add", "origin", f"file://{self.world.origin}", folder=place)
        depth = ["+refs/heads/*:refs/remotes/origin/*"] if whole else ["--depth", "1"]
        git("fetch", "-q", "--no-tags", "origin", *depth, commit, folder=place)
        git("checkout", "-q", "--detach", commit, folder=place)
        if not persist:
            git("remote", "set-url", "origin", OUTSIDE, folder=place)
        for project in self.world.projects:
            if (place / project / "internal").is_dir():
                hand_out(self.world.prepared, place / project)
        return place

    def log_in(self, client: str, tenant: str, subscription: str) -> None:
        account = {"client": client, "tenant": tenant, "subscription": subscription}
        path = self.home / ".azure" / "login.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(account), encoding="utf-8")

    def log_out(self) -> None:
        (self.home / ".azure" / "login.json").unlink(missing_ok=True)

    def run(
        self, command: list[str], folder: Path, variables: Mapping[str, str], limit: float
    ) -> Done:
        text = _script_of(command)
        return self.world.remembered(text, folder, lambda: _run(command, folder, variables, limit))


def github_token(permissions: Mapping[str, str]) -> str:
    """The token of a job, which `gh` reads its permissions from."""
    return "ghs_" + "+".join(f"{scope}:{level}" for scope, level in sorted(permissions.items()))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _script_of(command: Sequence[str]) -> str:
    """The text of a script that a shell is to run, or the command itself."""
    last = Path(command[-1])
    with suppress(OSError):
        if last.is_file() and len(command) > 1:
            lines = last.read_text(encoding="utf-8").strip().splitlines()
            return "\n".join(line for line in lines if not line.startswith("#!"))
    return " ".join(command)


def _run(command: list[str], folder: Path, variables: Mapping[str, str], limit: float) -> Done:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit)
    finally:
        with suppress(ProcessLookupError):  # what it has left running, or itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output)


def _keep_new(folder: Path, copy: Path, began: float) -> None:
    """Copy the files that were written since then: reports, coverage."""
    copy.mkdir(parents=True)
    for at, folders, names in os.walk(folder):
        folders[:] = [
            each for each in folders if each not in (".venv", ".git", "__pycache__", ".mypy_cache")
        ]
        for name in names:
            path = Path(at, name)
            if path.is_file() and path.stat().st_mtime >= began:
                target = copy / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)
