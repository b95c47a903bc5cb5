"""The origin of a version beside its rows: the commit, the packages, the query's text."""

import hashlib
import os
import platform
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path

from seedling.config import Dataset, Project
from seedling.data.dataset_files import note_path, query_hash
from seedling.files import read_json
from seedling.release.manifest import running_version

COMMIT, QUERY = "commit", "query_sha256"  # names among the texts below
CHANGED = "+changes"  # behind the commit of a folder with changes that are not committed
# The commit, where the working folder has no git: GitHub's, Azure DevOps', and what a job on
# Azure ML is given by the machine that submits it.
COMMITS = ("SEEDLING_COMMIT", "GITHUB_SHA", "BUILD_SOURCEVERSION")


def texts(project: Project, dataset: Dataset) -> dict[str, str]:
    """Return what a model that is trained now is made with, by name; unknown ones are left out.

    Returns:
        `commit`, `python`, `packages_sha256` of all installed packages with their versions,
        `seedling`, and `query_sha256` of the text that has yielded the dataset.
    """
    found = {
        COMMIT: commit(project.root),
        "python": platform.python_version(),
        "packages_sha256": packages(),
        "seedling": running_version(),
        QUERY: query_of(project, dataset),
    }
    return {name: text for name, text in found.items() if text}


def commit(root: Path) -> str:
    """Return the commit of a working folder; empty where it is not known."""
    given = next((os.environ[name] for name in COMMITS if os.environ.get(name)), "")
    git = shutil.which("git")
    if given or git is None:
        return given

    def said(*words: str) -> str:
        command = [git, "-C", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout.strip()

    found = said("rev-parse", "--verify", "HEAD")
    return f"{found}{CHANGED}" if found and said("status", "--porcelain", "--", ".") else found


def packages() -> str:
    """Return the hash of the names and versions of all installed packages."""
    lines = sorted({f"{each.name.lower()}=={each.version}" for each in distributions()})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def query_of(project: Project, dataset: Dataset) -> str:
    """Return the hash of the text that has yielded a dataset's file, as was noted then."""
    path = note_path(project.dataset_path(dataset))
    if path.is_file():
        noted: str = read_json(path).get(QUERY, "")
        return noted
    return query_hash(project, dataset)  # on Azure ML, where the note is not mounted
