"""A repository of some files, and machines with this one's bash: for what a runner decides."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


class SmallMachine:
    """A machine that checks out the repository's files, and a file `commit`.

    Attributes:
        files: those of the repository.
        logged_in: client, tenant and subscription of each login that holds; the client of the last
            one is in the file `login` at home.
    """

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.files = files
        self.work, self.home, self.scratch = (folder / name for name in ("work", "home", "scratch"))
        for each in (self.work, self.home, self.scratch):
            each.mkdir(parents=True)
        self.variables = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        self.logged_in: list[tuple[str, ...]] = []

    def check_out(self, commit: str, folder: str = ".", **options: bool) -> Path:
        place = self.work / folder
        subprocess.run(["git", "init", "-q", place], check=True)
        subprocess.run(["git", "remote", "add", "origin", "x"], cwd=place, check=True)
        for path, text in {**self.files, "commit": commit}.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        return place

    def log_in(self, *identity: str) -> None:
        self.logged_in.append(identity)
        (self.home / "login").write_text(identity[0], encoding="utf-8")

    def log_out(self) -> None:
        self.logged_in.clear()
        (self.home / "login").unlink(missing_ok=True)

    def run(
        self, command: list[str], folder: Path, variables: Mapping[str, str], limit: float
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(variables),
            timeout=limit,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


class SmallWorld:
    """A repository of some files, the same on each branch.

    Attributes:
        files: by their paths.
        paths: what a commit has changed.
        first: a folder of programs that machines find before their own.
    """

    def __init__(self, folder: Path, files: Mapping[str, str], first: Path | None = None) -> None:
        self.folder, self.files, self.first = folder, dict(files), first
        self.artifacts = folder / "artifacts"
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        self.build = 0
        self.paths = ["README.md"]
        self.machines: list[SmallMachine] = []

    def commit_of(self, branch: str) -> str:
        return f"commit-of-{branch}"

    def merge_of(self, branch: str, base: str) -> str:
        return f"{branch}-into-{base}"

    def read(self, commit: str, folder: str) -> dict[str, str]:
        return {path: text for path, text in self.files.items() if path.startswith(folder)}

    def changed(self, commit: str, base: str) -> list[str]:
        return self.paths

    def machine(self) -> SmallMachine:
        folder = self.folder / "machines" / str(len(self.machines))
        machine = SmallMachine(folder, self.files)
        if self.first:
            machine.variables["PATH"] = f"{self.first}{os.pathsep}{machine.variables['PATH']}"
        self.machines.append(machine)
        return machine
