"""Several projects in one git repository: CI files stand where the system reads them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.scaffold import add_part, finish, in_repository, part_files
from seedling.testing import invoke


@pytest.fixture
def second(tmp_path: Path, project: Project) -> Project:
    """A project whose folder stands in a repository with another one."""
    (tmp_path / "ours" / ".git").mkdir(parents=True)
    return Project(project.root.rename(tmp_path / "ours" / "second"))


def slug_of(project: Project) -> str:
    return project.config.slug


def test_git_says_where_ci_files_go_unless_it_is_said(second: Project) -> None:
    slug = slug_of(second)
    assert in_repository.path_of(second.root, slug) == "second"
    assert in_repository.path_of(second.root, slug, ".") == ""
    assert in_repository.path_of(second.root, slug, "..") == "second"
    assert in_repository.path_of(second.root, slug, "../..") == "ours/second"
    with pytest.raises(ProjectError, match="CI_ROOT=docs"):
        in_repository.path_of(second.root, slug, "docs")


def test_a_folder_that_ci_files_cannot_name_is_refused(second: Project) -> None:
    renamed = second.root.rename(second.root.with_name("the second: one"))
    with pytest.raises(ProjectError, match="cannot name the folder 'the second: one'"):
        in_repository.path_of(renamed, "second")


def test_only_ci_files_leave_the_project() -> None:
    root = Path("/ours/projects/second")

    def at(relative: str, path: str = "projects/second") -> str:
        return in_repository.place(root, Path(relative), "slug", path).as_posix()

    assert at(".github/workflows/ci.yml") == "/ours/.github/workflows/slug-ci.yml"
    assert at(".github/actions/set-up/a.yml") == "/ours/.github/actions/slug-set-up/a.yml"
    assert at(".github/dependabot.yml") == "/ours/.github/dependabot.yml"
    assert at(".pipelines/templates/t.yml") == "/ours/.pipelines/templates/slug/t.yml"
    assert at("docs/azure.md") == "/ours/projects/second/docs/azure.md"
    assert at(".pipelines/ci.yml", "") == "/ours/projects/second/.pipelines/ci.yml"


def test_a_project_of_its_own_has_no_line_about_its_place() -> None:
    facts = part_files.Facts("slug", "cats", {"tree": "cats.parquet"}, "data")
    text = "a: @in@b\n  @paths@\n  @there@\nc: @of@d\n"
    assert part_files._with(text, facts) == "a: b\nc: d\n"
    placed = part_files._with(text, facts._replace(path="projects/second"))
    assert placed.splitlines()[0] == "a: projects/second/b"
    assert placed.splitlines()[2:] == ["  workingDirectory: projects/second", "c: slug-d"]


def test_what_git_alone_shows_is_said_with_the_verb_that_mends_it(second: Project) -> None:
    words = in_repository.remark(second.root, "github", "second")
    assert words.endswith("make add-part PART=github CI_ROOT=.. puts its CI files there.")
    assert "\n" not in words
    assert "PART=azure_devops" in in_repository.remark(second.root, "azure_devops", "second")
    assert in_repository.remark(second.root, "containers", "second") == ""
    placed = second.root.parent / ".github" / "workflows" / "second-ci.yml"
    placed.parent.mkdir(parents=True)
    placed.touch()
    assert in_repository.remark(second.root, "github", "second") == ""


@pytest.mark.parametrize("of_its_own", [True, False])
def test_a_project_of_its_own_gets_no_remark(project: Project, of_its_own: bool) -> None:
    if of_its_own:
        (project.root / ".git").mkdir()
        assert in_repository.remark(project.root, "github", "x") == ""
    elif not any((folder / ".git").exists() for folder in project.root.parents):
        assert in_repository.remark(project.root, "github", "x") == ""


def test_generation_says_so(
    second: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (second.root / "README.md").write_text(f"# Name\n\n{finish.UNFINISHED}: run ...\n\n", "utf-8")
    monkeypatch.setattr(finish.add_part, "add", lambda *_, **__: [])
    finish.finish(second.root, [], ["github"])
    assert capsys.readouterr().out.endswith("CI_ROOT=.. puts its CI files there.\n")


@pytest.fixture
def without_ci(second: Project) -> Project:
    """That project without a part of CI, and with the pages that a part's lines are for."""
    second.edit(lambda document: document.update(parts=["containers", "azure"]))
    return second


def below(root: Path) -> set[str]:
    found = (*root.glob(".github/**/*"), *root.glob(".pipelines/**/*"))
    return {path.relative_to(root).as_posix() for path in found if path.is_file()}


@pytest.mark.parametrize("system", ["github", "azure_devops"])
def test_a_part_of_ci_goes_to_the_root_and_moves(without_ci: Project, system: str) -> None:
    root, slug = without_ci.root, slug_of(without_ci)
    done = invoke(without_ci, "add-part", system)
    assert done.exit_code == 0, done.output
    assert not below(root)
    placed = below(root.parent)
    first = {"github": ".github/workflows", "azure_devops": ".pipelines"}[system]
    assert f"{first}/{slug}-ci.yml" in placed
    texts = [(root.parent / name).read_text(encoding="utf-8") for name in placed]
    assert not [text for text in texts if "@in@" in text or "@there@" in text]
    moved = invoke(Project(root), "add-part", system, "--ci-root", ".")
    assert moved.exit_code == 0, moved.output
    assert not below(root.parent)
    assert f"{first}/ci.yml" in below(root)
    back = invoke(Project(root), "add-part", system, "--ci-root", "..")
    assert back.exit_code == 0, back.output
    assert below(root.parent) == placed


def test_an_edited_file_is_not_moved(without_ci: Project) -> None:
    root, slug = without_ci.root, slug_of(without_ci)
    assert invoke(without_ci, "add-part", "github").exit_code == 0
    path = root.parent / ".github" / "workflows" / f"{slug}-ci.yml"
    path.write_text(path.read_text(encoding="utf-8") + "# ours\n", encoding="utf-8")
    refused = invoke(Project(root), "add-part", "github", "--ci-root", ".")
    assert refused.exit_code == 1
    assert f"{slug}-ci.yml is edited: move it by hand" in refused.stderr
    assert not below(root)


def test_files_of_another_project_are_never_written_over(
    without_ci: Project, add: Callable[..., object]
) -> None:
    root, slug = without_ci.root, slug_of(without_ci)
    other = root.parent / ".github" / "workflows" / f"{slug}-ci.yml"
    other.parent.mkdir(parents=True)
    other.write_text('paths: ["another/second/**"]\n', encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(ProjectError, match="another project with the slug"):
            add(overwrite=overwrite)
    assert other.read_text(encoding="utf-8") == 'paths: ["another/second/**"]\n'
    other.unlink()
    shared = root.parent / ".github" / "dependabot.yml"
    shared.write_text("version: 2\nupdates: []\n", encoding="utf-8")
    add()
    text = shared.read_text(encoding="utf-8")
    assert text.startswith("version: 2\nupdates: []\n")
    assert "directories: [/second, /second/s2i]" in text


@pytest.fixture
def add(without_ci: Project) -> Callable[..., object]:
    """`add(overwrite=False)`: adds the part github at the root of the repository."""

    def add(overwrite: bool = False) -> object:
        facts = part_files.of_project(without_ci.config, "second")
        return add_part.add(without_ci.root, "github", facts, overwrite=overwrite)

    return add
