"""The verb `propose-lock`: a pull request with another constraints.txt.

The commit is made beside the checkout, which stays as it is: on a branch, and with what is not
committed yet.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from seedling.config import Project
from seedling.errors import OptionError, ProjectError
from seedling.pull_requests import azure_devops
from seedling.scaffold import in_repository, model_yaml, parts
from seedling.wording import counted

FILE = "constraints.txt"
BRANCH = "dependencies"
TITLE = "Update the dependencies"
AUTHOR = {"NAME": "Seedling", "EMAIL": "seedling@localhost"}
MORE = "Lint and tests have passed with these versions."


def propose(project: Project, file: Path) -> str:
    """Open a pull request with a file's versions; return what was done, as a sentence.

    Its branch is written anew each time, so that there is one such pull request at most.

    Args:
        project: its repository has the commit that the pull request is based on checked out.
        file: the constraints.txt to be.

    Raises:
        OptionError: there is no such file.
        ProjectError: git or Azure DevOps refuses, or this is no build.
    """
    if not file.is_file():
        raise OptionError(f"There is no {file}: name the constraints.txt to be.")
    text = file.read_text(encoding="utf-8")
    changes = [*changed((project.root / FILE).read_text(encoding="utf-8"), text)]
    if not changes:
        return f"{FILE} has the newest versions: there is nothing to propose."
    repository, target = azure_devops.of_build(), azure_devops.branch_of_build()
    commit = _commit(project.root, text)
    header = {"http.extraheader": f"AUTHORIZATION: bearer {repository.token}"}
    branch = branch_of(project.root)
    _git(project.root, ["push", "--force", "origin", f"{commit}:refs/heads/{branch}"], header)
    described = "\n".join([MORE, "", *(f"- {line}" for line in changes)])[:4000]
    number, is_new = repository.open_pull_request(branch, target, TITLE, described)
    done = "is open" if is_new else "was open, and is up to date"
    return f"Pull request {number} {done}: {counted(len(changes), 'version')}."


def branch_of(root: Path) -> str:
    """Return the name of the branch; with the slug where the project is one of a repository's."""
    if in_repository.top(root) == root.resolve():
        return BRANCH
    return f"{model_yaml.slug((root / parts.FILE).read_text(encoding='utf-8'))}-{BRANCH}"


def changed(before: str, after: str) -> Iterator[str]:
    """Yield a line for each package that two texts of constraints.txt pin differently."""
    old, new = _pins(before), _pins(after)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name, 'none')} -> {new.get(name, 'none')}"


def _pins(text: str) -> dict[str, str]:
    """Return the versions by package; where it depends on the platform, all of them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, is_pin, version = line.partition("==")
        if is_pin and not line.startswith("#"):
            found.setdefault(name.strip(), []).append(version.strip())
    return {name: ", ".join(versions) for name, versions in found.items()}


def _commit(root: Path, text: str) -> str:
    """Return a commit on top of the one that is checked out, with this constraints.txt."""
    prefix = _git(root, ["rev-parse", "--show-prefix"])
    blob = _git(root, ["hash-object", "-w", "--stdin"], text=text)
    with TemporaryDirectory() as folder:
        variables = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _git(root, ["read-tree", "HEAD"], variables=variables)
        entry = ["--add", "--cacheinfo", f"100644,{blob},{prefix}{FILE}"]
        _git(root, ["update-index", *entry], variables=variables)
        tree = _git(root, ["write-tree"], variables=variables)
    return _git(root, ["commit-tree", tree, "-p", "HEAD", "-m", TITLE], variables=_author())


def _author() -> dict[str, str]:
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in AUTHOR.items()
    }


def _git(
    root: Path,
    words: list[str],
    settings: dict[str, str] | None = None,
    variables: dict[str, str] | None = None,
    text: str | None = None,
) -> str:
    """Run git and return what it prints.

    Settings go by the environment: what stands on a command line, other processes can read.
    """
    given = {"GIT_CONFIG_COUNT": str(len(settings or {}))}
    for number, (name, value) in enumerate((settings or {}).items()):
        given |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    git = shutil.which("git")
    if git is None:
        raise ProjectError("git is not installed.")
    done = subprocess.run(
        [git, *words],
        cwd=root,
        env=os.environ | given | (variables or {}),
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise ProjectError(f"git {words[0]}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()
