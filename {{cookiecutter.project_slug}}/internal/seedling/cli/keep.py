"""The section Keep: tests, checks, pinned versions, MLflow's pages."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from seedling.cli.section import Section, find_project, port_option
from seedling.wording import counted

section = Section("Keep")


@section.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: Sequence[str]) -> None:
    """Run the tests; ARGUMENTS are pytest's."""
    from seedling.cli.development import run

    sys.exit(run(find_project(), ["pytest", *arguments]))


@section.command()
def coverage() -> None:
    """Run the tests; list the lines they did not run.

    For CI the results are below local_assets/reports too: tests.xml (JUnit) and coverage.xml
    (Cobertura).
    """
    from seedling.cli.development import coverage as measure

    sys.exit(measure(find_project()))


@section.command()
@click.option("--fix", is_flag=True, help="Format the code and mend what can be mended.")
def lint(fix: bool) -> None:
    """Check style, formatting, types and imports."""
    from seedling.cli.development import lint as check

    sys.exit(check(find_project(), fix))


@section.command("check-secrets")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def check_secrets(files: Sequence[Path]) -> None:
    """Look for secrets in what git keeps, or in FILES."""
    from seedling.cli.development import check_secrets as check

    sys.exit(check(find_project(), files))


@section.command()
@click.option("--install", is_flag=True, help="Let git run them before each commit.")
@click.option("--staged", is_flag=True, help="Look only at what is to be committed.")
def hooks(install: bool, staged: bool) -> None:
    """Run the checks of a commit on all files."""
    from seedling.cli.development import install_hooks, run_hooks

    if install:
        install_hooks(find_project())
    else:
        sys.exit(run_hooks(find_project(), staged))


@section.command()
def lock() -> None:
    """Resolve the newest dependencies into constraints.txt.

    It says which versions have changed.
    """
    from seedling.cli.development import lock as resolve

    sys.exit(resolve(find_project()))


@section.command("mlflow-ui")
@port_option(5000)
def mlflow_ui(port: int) -> None:
    """Open runs and versions in MLflow's own pages."""
    from seedling.cli.development import mlflow_ui as open_ui

    sys.exit(open_ui(find_project(), port))


@section.command("add-part")
@click.argument("part", required=False)
@click.option(
    "--ci-root",
    metavar="FOLDER",
    help="The repository's root, such as .., where CI files go; git says it unless given.",
)
def add_part(part: str | None, ci_root: str | None) -> None:
    """Add a part of the project; without a name, list them.

    With --ci-root, the CI files of a part that is there move to that root.
    """
    from seedling.scaffold import add_part as adding
    from seedling.scaffold import in_repository, part_files
    from seedling.scaffold.parts import PARTS

    project = find_project()
    if part is None:
        for name, purpose in PARTS.items():
            click.echo(f"{'on ' if name in project.config.parts else 'off'} {name:14}{purpose}")
        return
    slug = project.config.slug
    path = in_repository.path_of(project.root, slug, ci_root)
    facts = part_files.of_project(project.config, path)
    if ci_root and part in in_repository.FIRST and part in project.config.parts:
        before = facts._replace(path=in_repository.path_of(project.root, slug, part=part))
        for file in adding.move(project.root, part, before, facts):
            click.echo(file)
        return
    changed = adding.add(project.root, part, facts)
    files = counted(len(changed), "file")
    click.echo(f"Added {part}, with new lines in {files}; git shows which.")
    words = in_repository.remark(project.root, part, slug)
    if words:
        click.echo(words)


@section.command("check-internal")
def check_internal() -> None:
    """Fail if internal/ differs from its version."""
    from seedling.release import manifest

    internal = find_project().root / "internal"
    found = manifest.differences(internal)
    for difference in found:
        click.echo(difference)
    if not found:
        click.echo(f"internal/ is Seedling {manifest.version_of(internal)}, unedited.")
    sys.exit(bool(found))


@section.command("update-internal")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Take the same or an older version as well.")
@click.option("--yes", is_flag=True, help="Replace edited files without asking.")
def update_internal(file: Path, force: bool, yes: bool) -> None:
    """Replace internal/ by a released version of it."""
    from seedling.config import questions
    from seedling.release import update

    planned = update.plan(find_project().root, file, force)
    for edit in planned.edits:
        click.echo(edit)
    if planned.edits and not yes:
        questions.confirm("Replace these files? Copies of them are kept.", abort=True)
    update.carry_out(planned, click.echo)
