"""What a build of Azure DevOps says on a pull request, and the one that it opens."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ci.azure_repos import TOKEN, AzureRepos, azure_repos
from click.testing import CliRunner, Result

from seedling import testing
from seedling.cli.main import main
from seedling.config import Project
from seedling.pull_requests import review_comment, upgrade
from seedling.scaffold import parts

MARK = review_comment.MARK


@pytest.fixture
def repos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureRepos]:
    """Azure Repos, and the environment of a step that has the build's token."""
    with azure_repos(tmp_path / "there") as found:
        of_build = {"SYSTEM_ACCESSTOKEN": TOKEN, "BUILD_SOURCEBRANCH": "refs/heads/main"}
        for name, value in (found.variables() | of_build).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("SYSTEM_PULLREQUEST_PULLREQUESTID", "17")
        yield found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project below the root of its repository, and a remote one with its branch."""
    root = tmp_path / "here" / "deep"
    root.mkdir(parents=True)
    settings = (testing.root() / "model.yaml").read_text(encoding="utf-8")
    settings = parts.with_part(settings, "azure_devops")
    (root / "model.yaml").write_text(settings, encoding="utf-8")
    (root / "constraints.txt").write_text("click==8.1.0\nold==1\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "there")
    git(root.parent, "init", "--quiet", "--initial-branch=main")
    git(root.parent, "remote", "add", "origin", str(tmp_path / "there"))
    git(root.parent, "add", ".")
    git(root.parent, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one")
    git(root.parent, "push", "--quiet", "origin", "main")
    git(tmp_path / "there", "config", "http.receivepack", "true")
    monkeypatch.chdir(root)
    return root


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def write_report(project: Path, text: str) -> None:
    path = project / review_comment.REPORT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{MARK}\n{text}", encoding="utf-8")


def ask(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_second_build_writes_over_the_comment_of_the_first(repos: AzureRepos, project: Path):
    repos.threads["17"] = [{"id": 1, "comments": [{"id": 1, "content": "Why?"}]}]
    write_report(project, "| 0.7 |")
    assert ask("comment-review").output == "Pull request 17 has a new comment with the review.\n"
    write_report(project, "| 0.8 |")
    assert ask("comment-review").output == "Pull request 17 has its comment with the review.\n"
    assert repos.comments("17") == ["Why?", f"{MARK}\n| 0.8 |"]
    assert repos.threads["17"][1]["status"] == "closed"


def test_a_report_that_is_too_long_for_a_comment_is_cut(repos: AzureRepos, project: Path):
    write_report(project, "x" * 200_000)
    ask("comment-review")
    (comment,) = repos.comments("17")
    assert len(comment) == review_comment.LONGEST
    assert comment.endswith("in the artifact `review` of this build.\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SYSTEM_ACCESSTOKEN", "give it to the step, as $(System.AccessToken)."),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "this is no build of a pull request of Azure"),
        ("SYSTEM_COLLECTIONURI", "this is no build of Azure Pipelines."),
    ],
)
def test_outside_of_a_build_the_verb_says_what_is_missing(
    name: str, words: str, repos: AzureRepos, project: Path, monkeypatch: pytest.MonkeyPatch
):
    write_report(project, "")
    monkeypatch.delenv(name)
    done = ask("comment-review")
    assert done.exit_code == 1
    assert f"Error: {name} is not set: " in done.output
    assert words in done.output


def test_without_a_report_the_verb_says_what_writes_one(repos: AzureRepos, project: Path):
    done = ask("comment-review")
    assert done.output == f"Error: There is no {review_comment.REPORT}: run review first.\n"


def test_a_refusal_says_which_right_is_missing(
    repos: AzureRepos, project: Path, monkeypatch: pytest.MonkeyPatch
):
    write_report(project, "")
    repos.may_contribute = False
    assert "give the project's build service `Contribute to pull" in ask("comment-review").output
    monkeypatch.setenv("SYSTEM_ACCESSTOKEN", "another")
    done = ask("comment-review")
    assert "(203)" in done.output
    assert "another" not in done.output


def test_other_words_of_azure_devops_are_shown(
    repos: AzureRepos, project: Path, monkeypatch: pytest.MonkeyPatch
):
    write_report(project, "")
    monkeypatch.setenv("BUILD_REPOSITORY_ID", "other")
    expected = "Error: Azure DevOps: No api-version, or no such repository. (400)\n"
    assert ask("comment-review").output == expected
    monkeypatch.setenv("SYSTEM_COLLECTIONURI", "http://127.0.0.1:9/")
    assert "Error: Azure DevOps does not answer: " in ask("comment-review").output


def test_new_versions_become_one_pull_request(repos: AzureRepos, project: Path, tmp_path: Path):
    """By the build's token alone, which git is given for the push; also where there are edits that
    are not committed: they stay, and are not in it."""
    git(project, "remote", "set-url", "origin", repos.git_address)
    with (project / "model.yaml").open("a", encoding="utf-8") as settings:
        settings.write("# edited\n")
    wanted = tmp_path / "constraints.txt"
    wanted.write_text("click==8.2.0\nnew==2 ; python_version < '3.12'\n", encoding="utf-8")
    done = ask("propose-lock", str(wanted))
    assert done.output == "Pull request 1 is open: 3 versions.\n"
    wanted.write_text("click==8.3.0\nold==1\n", encoding="utf-8")
    done = ask("propose-lock", str(wanted))
    assert done.output == "Pull request 1 was open, and is up to date: 1 version.\n"
    (one,) = repos.pull_requests
    slug = Project(project).config.slug
    branch = f"{slug}-{upgrade.BRANCH}"  # the repository may have other projects
    assert one["sourceRefName"] == f"refs/heads/{branch}"
    assert one["targetRefName"] == "refs/heads/main"
    assert one["description"].endswith("- click: 8.1.0 -> 8.3.0")
    there = tmp_path / "there"
    shown = git(there, "show", "--format=%s", "--name-only", branch).split()
    assert shown == [*upgrade.TITLE.split(), "deep/constraints.txt"]
    assert git(there, "show", f"{branch}:deep/constraints.txt") == "click==8.3.0\nold==1\n"
    assert git(project, "branch", "--show-current") == "main\n"
    assert git(project, "status", "--short") == " M model.yaml\n"


def test_where_nothing_is_newer_there_is_no_pull_request(repos: AzureRepos, project: Path):
    done = ask("propose-lock", "constraints.txt")
    assert done.output == "constraints.txt has the newest versions: there is nothing to propose.\n"
    assert repos.pull_requests == []


def test_a_push_that_git_refuses_is_one_line(repos: AzureRepos, project: Path, tmp_path: Path):
    git(project, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    (tmp_path / "new.txt").write_text("click==9\n", encoding="utf-8")
    done = ask("propose-lock", str(tmp_path / "new.txt"))
    assert done.exit_code == 1
    assert done.output.startswith("Error: git push: ")
    assert done.output.count("\n") == 1


def test_a_file_that_is_not_there_is_refused(repos: AzureRepos, project: Path):
    done = ask("propose-lock", "nowhere.txt")
    assert done.output == "Error: There is no nowhere.txt: name the constraints.txt to be.\n"
