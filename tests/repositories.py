"""Repositories of git for tests: the template as it stands, and as it was."""

import shutil
import tarfile
from pathlib import Path

from baking import ROOT, call, run


def template_now(folder: Path) -> Path:
    """Commit the working tree of the template to a repository in `folder`, as all that it has."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch", "main")
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    for name in listed.rstrip("\0").split("\0"):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    commit(folder)
    return folder


def committed(repository: Path, version: str, folder: Path) -> Path:
    """Commit what a repository had at a commit to a new one in `folder`."""
    folder.mkdir(parents=True)
    archive = folder.parent / "archive.tar"
    run(["git", "archive", "--output", archive, version], repository)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder)
    return folder


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--message", "a version")


def git(repository: Path, *words: str) -> None:
    author = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    run(["git", *author, *words], repository)


def find_nothing(repository: Path) -> None:
    """Look whether linters of GitHub's workflows find anything, with no rule switched off."""
    assert "zizmor:" not in "".join(
        path.read_text(encoding="utf-8") for path in repository.rglob(".github/**/*.yml")
    )
    done = call(["actionlint", "-color=false"], repository)
    assert (done.returncode, done.stdout) == (0, "")
    options = ["--persona", "auditor", "--strict-collection", "--quiet", "--color", "never"]
    done = call(["zizmor", "--offline", *options, ".github"], repository)
    assert (done.returncode, done.stdout.strip()) == (0, "No findings to report. Good job!")
