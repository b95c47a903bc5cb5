"""Several projects in one git repository: what a CI system does not see is said."""

from pathlib import Path

import pytest

from seedling.config import Project
from seedling.scaffold import finish, in_repository
from seedling.testing import invoke


@pytest.fixture
def second(tmp_path: Path, project: Project) -> Project:
    """A project whose folder stands in a repository with another one."""
    (tmp_path / "ours" / ".git").mkdir(parents=True)
    return Project(project.root.rename(tmp_path / "ours" / "second"))


def test_github_reads_no_workflow_of_a_folder(second: Project) -> None:
    words = in_repository.remark(second.root, "github")
    assert "move second/.github/workflows/ there" in words
    assert "working-directory: second" in words
    assert "\n" not in words
    pipelines = in_repository.remark(second.root, "azure_devops")
    assert "workingDirectory: second" in pipelines
    assert in_repository.remark(second.root, "containers") == ""


@pytest.mark.parametrize("of_its_own", [True, False])
def test_a_project_of_its_own_is_not_told(project: Project, of_its_own: bool) -> None:
    if of_its_own:
        (project.root / ".git").mkdir()
        assert in_repository.remark(project.root, "github") == ""
    elif not any((folder / ".git").exists() for folder in project.root.parents):
        assert in_repository.remark(project.root, "github") == ""


def test_generation_and_add_part_say_so(
    second: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (second.root / "README.md").write_text(f"# Name\n\n{finish.UNFINISHED}: run ...\n\n", "utf-8")
    monkeypatch.setattr(finish.add_part, "add", lambda *_, **__: [])
    monkeypatch.setattr(finish.part_files, "as_generated", lambda *_: None)
    finish.finish(second.root, [], ["github"])
    words = in_repository.remark(second.root, "github")
    assert capsys.readouterr().out == f"{words}\n"
    monkeypatch.setattr("seedling.scaffold.part_files.of_project", lambda *_: None)
    assert words in invoke(second, "add-part", "github").output
