"""What a commit is checked for: secrets, notebooks with outputs, style; without the network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedling.config import Project
from seedling.config.env_files import may_hold_secrets
from seedling.registry.signatures import PUBLIC_KEY
from seedling.secret_files import ALLOWED, find
from seedling.testing import invoke, root

SIGNATURE = "sv=2024-11-04&sp=rl&sig=" + "aB3%2Bq" * 6 + "%3D"
SAS = f"https://acc.blob.core.windows.net/c/x.csv?{SIGNATURE}"
DIRTY = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "a1",
            "metadata": {},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["Tr0ub4dor-3x\n"]}],
            "source": ["print(1)"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def git(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def repository(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a repository of its own, all of it committed, with its hooks set up."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name in (".gitignore", ".pre-commit-config.yaml", "pyproject.toml"):
        (project.root / name).write_bytes((root() / name).read_bytes())
    assert git(project.root, "init", "-q").returncode == 0
    git(project.root, "add", "--all")
    assert git(project.root, "commit", "-qm", "Begin").returncode == 0
    assert invoke(project, "hooks", "--install").exit_code == 0
    return project.root


@pytest.mark.every_vertical
def test_a_fresh_project_has_no_secret() -> None:
    paths = [path for path in root().rglob("*") if ".venv" not in path.parts]
    assert find(root(), paths) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"url = '{SAS}'", "the signature of a SAS token"),
        ("url = 'postgresql://ann:x7Kq-pw@db/store'", "a URL with a password"),
        ("DB_PASSWORD = 'x7Kq-pw-9'", "Secret Keyword"),
        ("token = 'ghp_" + "8CETDszjx97MEufq" + "W1wWWRPVwRrEVQs6OKaH'", "GitHub Token"),
        ("key = '-----BEGIN EC PRIVATE KEY-----'", "a private key"),
        ("note = 'plain-horse-7'", "the secret of WAREHOUSE_PASSWORD in .env"),
        ("note = 'horse-in-json-7'", "the secret of password in azure-config.json"),
        ("url = 'postgresql://ann:${PASSWORD}@db/store'", ""),
        ("url = 'postgresql://user:password@host/store'", ""),
        (f"url = '{SAS}'  # {ALLOWED}", ""),
        ("see https://example.org/run?person_id=7 with a password: none", ""),
    ],
    ids=range(11),  # pytest puts the id into the environment
)
def test_a_secret_is_found_and_not_shown(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / ".env").write_text("WAREHOUSE_PASSWORD=plain-horse-7\n")
    (tmp_path / "azure-config.json").write_text('{"password": "horse-in-json-7"}')
    path = tmp_path / "code.py"
    path.write_text(f"import os\n\n{line}\n")
    assert find(tmp_path, [path]) == ([("code.py", 3, what)] if what else [])


def test_a_file_that_is_not_there_is_not_called_clean(project: Project) -> None:
    done = invoke(project, "check-secrets", "model.yaml", "nope.py")
    assert done.exit_code == 2
    assert done.output == "Error: There is no nope.py: name files that are there.\n"


def test_git_and_copies_leave_out_the_same_files(tmp_path: Path) -> None:
    """A public key, which signing calls *.pub, and what is for the team go into git."""
    names = {".env", ".env.local", ".env.2026", "prod.env", "a.pem", "a.key", "a.pfx", "a.p12"}
    names |= {"azure-config.json", "azure_dev_config.json"}
    kept = {".env.example", "azure-compute-config.json", PUBLIC_KEY, "keys.py", "model.yaml"}
    assert {name for name in names | kept if may_hold_secrets(name)} == names
    assert git(tmp_path, "init", "-q").returncode == 0
    (tmp_path / "deep").mkdir()
    for rules, spared in ((root() / ".gitignore", kept), (root() / ".amlignore", {PUBLIC_KEY})):
        (tmp_path / ".gitignore").write_bytes(rules.read_bytes())
        for folder in ("", "deep/"):
            asked = [f"{folder}{name}" for name in names | spared]
            found = git(tmp_path, "check-ignore", "--no-index", *asked).stdout.split()
            assert {*found} == {f"{folder}{name}" for name in names}, rules.name


def test_a_commit_with_a_secret_or_a_dirty_notebook_is_stopped(repository: Path) -> None:
    (repository / ".env").write_text("PASSWORD=Tr0ub4dor-3x\n")
    notebook = repository / "notebooks" / "mine.ipynb"
    notebook.parent.mkdir(exist_ok=True)
    notebook.write_text(json.dumps(DIRTY))
    mine = repository / "models" / "mine.py"
    mine.write_text("import sys\nimport os\nprint( os.sep,sys.path )\n")
    git(repository, "add", "--all")
    assert ".env" not in git(repository, "ls-files").stdout.splitlines()
    stopped = git(repository, "commit", "-qm", "Add")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode == 1
    assert "mine.ipynb, line" in said
    assert "the secret of PASSWORD in .env." in said
    assert "Tr0ub4dor-3x" not in said
    cleaned = json.loads(notebook.read_text())["cells"][0]
    assert cleaned["outputs"] == []
    assert mine.read_text() == "import os\nimport sys\n\nprint(os.sep, sys.path)\n"
    git(repository, "add", "--all")
    passed = git(repository, "commit", "-qm", "Add")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert invoke(Project(repository), "check-secrets").exit_code == 0


def test_hooks_of_others_stay(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    assert invoke(Project(repository), "hooks", "--install").exit_code == 0
    assert Path(sys.executable).as_posix() in hook.read_text()
    hook.write_text("#!/bin/sh\nexit 0\n")
    refused = invoke(Project(repository), "hooks", "--install")
    assert refused.exit_code == 1
    assert "is not of this project" in refused.output
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
