"""The files of another commit of this project, in a folder of their own; asks the program git."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from seedling.errors import ProjectError

USUAL = "origin/main"
LEFT_OUT = ("internal", "notebooks", "docs")  # of no use to training


class Base(NamedTuple):
    """The project of another commit.

    Attributes:
        ref: as it was asked for.
        commit: its commit.
        root: the folder with its files; None where that commit does not have this project.
    """

    ref: str
    commit: str
    root: Path | None


def take(root: Path, ref: str | None, folder: Path) -> "Base | str":
    """Put the files of a commit into a folder; return why not where the usual one is missing.

    Args:
        root: the project's folder, which may be one of a larger repository.
        ref: a git ref; `origin/main` unless given.
        folder: a new one for the files.

    Raises:
        ProjectError: there is no git, or no such ref, and one was asked for.
    """
    asked, ref = ref is not None, ref or USUAL
    git = shutil.which("git")
    if git is None or _said(git, root, "rev-parse", "--git-dir") is None:
        words = "There is no git repository" if git else "The program git is not here"
        if asked:
            raise ProjectError(f"{words}, which has {ref}: leave BASE out.")
        return f"{words}, which would have the state of before"
    commit = _said(git, root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if not commit:
        if asked:
            remote, slash, branch = ref.partition("/")
            fetch = f"git fetch {remote} {branch}" if slash else "git fetch"
            raise ProjectError(f"git has no {ref} here: {fetch} gets it, or name another BASE.")
        return f"git has no {ref} here; BASE names another state to compare with"
    prefix = _said(git, root, "rev-parse", "--show-prefix") or ""
    if _said(git, root, "cat-file", "-e", f"{commit}:{prefix}model.yaml") is None:
        return Base(ref, commit, None)
    command = [git, "-C", str(root), "archive", "--format=tar", commit, "--", "."]
    command += [f":(exclude){name}" for name in LEFT_OUT]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ProjectError(f"git cannot give the files of {ref}: {said}.")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Base(ref, commit, folder)


def _said(git: str, root: Path, *words: str) -> str | None:
    """Return what git says; None if it refuses."""
    command = [git, "-C", str(root), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    return None if done.returncode else done.stdout.strip()
