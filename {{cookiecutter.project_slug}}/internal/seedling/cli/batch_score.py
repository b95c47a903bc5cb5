"""The conversation of the verb `batch-score`: what it reads and writes, and its summary."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import click

from seedling.config import Project
from seedling.data import blobs
from seedling.errors import ProjectError
from seedling.processes import interrupted
from seedling.scoring import assemble, database, formats, inputs, plan, tasks
from seedling.scoring.run import LOCAL, Outcome, Run, Stopped, Wanted
from seedling.wording import counted, listed


class Options(NamedTuple):
    """The options of the verb, see its help."""

    model: str | None = None
    strict: bool = False
    workers: int | None = None
    restart: bool = False
    backend: str = LOCAL


def score(project: Project, source: str, output: str, options: Options) -> int:
    """Score files on this machine, and print a summary.

    Args:
        project: the project of the model.
        source: a file, a folder of files, a pattern, a blob, a query file, or a SQL URL with its
            table.
        output: the file to write, a folder if it ends with a slash, or a SQL URL with its table.
        options: of the verb.

    Returns:
        The exit code: 1 if a row or a file was not scored.

    Raises:
        ProjectError: there is no file to score, the output is one of them, no model is registered,
            another run writes the output, or every file is faulty.
    """
    target, form, table = _output(project, source, output)
    folder = plan.folder_of(target)
    is_here = _is_here(source)
    found = inputs.find(source) if is_here else []
    left = inputs.left_out(source) if is_here else []
    with plan.held(folder, output):
        if options.restart:
            plan.clear(folder)
        wanted = Wanted(
            target, form, options.model, options.strict, options.workers, table, options.backend
        )
        run = Run(project, wanted, _say)
        if not is_here:
            run.load()  # what is missing is said before rows are read
            place = folder / plan.SNAPSHOT
            if blobs.is_blob(source):
                found, left = inputs.download(source, place)
            else:
                found, remark = database.rows_of(project, source, place, tasks.PART_ROWS)
                _say(remark)
        if left:
            names = listed([path.name for path in left])
            _say(f"Not scored, as no file of text or rows: {names} in {source}.")
        try:
            outcome = run.complete(found)
        except Stopped as error:
            _say(str(error))
            return interrupted.CODE
    for problem in outcome.problems:
        click.echo(f"Error: {problem}", err=True)
    for line in lines(outcome, target, table.words if table else str(target)):
        click.echo(line)
    return int(bool(outcome.problems or outcome.rejected))


def _is_here(source: str) -> bool:
    """Return whether a source is files of this machine."""
    return not (database.is_database(source) or blobs.is_blob(source))


def _output(
    project: Project, source: str, output: str
) -> tuple[Path, formats.Format, database.Table | None]:
    """Return the file or folder to write, its format, and the table that is written instead."""
    if blobs.is_blob(output):
        raise ProjectError(f"{output} is not written: name a file of this machine, and upload it.")
    if database.is_database(output):
        table = database.table_of(output)
        mark = hashlib.sha256(table.url.encode()).hexdigest()[:8]
        target = project.assets / "batch_scoring" / f"{table.name}-{mark}"
        return target, formats.ARROW, table
    is_folder = output.endswith(("/", os.sep))
    target = Path(output)
    if _is_here(source):
        inputs.find(source)  # what is missing is said first
        inputs.refuse_target(source, target, is_folder)
    elif target.is_dir() and not is_folder:
        raise ProjectError(f"{target} is a folder: name the file to write.")
    return target, formats.FOLDER if is_folder else formats.of(target), None


def _say(words: str) -> None:
    if words:
        click.echo(words, err=True)


def lines(outcome: Outcome, target: Path, place: str) -> list[str]:
    """Say how many rows were scored by what, where the predictions are, and how many have none."""
    total = outcome.scored + outcome.rejected
    now = total - outcome.before
    rate = f"{now / max(outcome.seconds, 1e-3):,.0f} rows/s"
    before = f", {outcome.before:,} of them before" if outcome.before else ""
    rows = counted(total, "row")
    done = (
        f"{rows}{before}, in {outcome.seconds:.1f} s ({rate}) by {listed(outcome.versions)}; "
        f"checksum {outcome.checksum}, in {assemble.manifest_path(target)}."
    )
    where = f"The predictions are in {place}"
    if outcome.rejected:
        have = "has" if outcome.rejected == 1 else "have"
        where += f"; {outcome.rejected:,} of {rows} {have} none: "
        where += f"{assemble.rejects_path(target)} says why"
    copies = f"{counted(outcome.copies, 'text')} copied to {outcome.copies_path}."
    return [done, f"{where}.", *([copies] if outcome.copies_path else [])]
