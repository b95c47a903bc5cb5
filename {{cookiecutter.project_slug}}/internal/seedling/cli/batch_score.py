"""The verb `batch-score`: score files on this machine, with the code of the batch deployment."""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.serving.score_files import REJECT_COLUMNS, Scorer, refuse_target, tables
from seedling.wording import counted

STEPS = 1_000  # of the progress bar for each file


class Outcome(NamedTuple):
    """The rows that were scored, those that were rejected, and a message for each faulty file."""

    scored: int
    rejected: int
    problems: list[str]

    def words(self, target: Path) -> str:
        """Say where the predictions are, and how many rows have none."""
        if not self.rejected:
            return f"The predictions are in {target}."
        rows = counted(self.scored + self.rejected, "row")
        return (
            f"The predictions are in {target}; {self.rejected:,} of {rows} have none: "
            f"{rejects_path(target)} says why."
        )


def rejects_path(target: Path) -> Path:
    """Return where the rows stand that were not scored: `out.rejects.csv` beside `out.csv`."""
    return target.with_suffix(".rejects.csv")


def score(
    project: Project, source: Path, target: Path, model: str | None = None, strict: bool = False
) -> Outcome:
    """Write the predictions for a file, or for all files of a folder, to one CSV.

    Rows that cannot be scored stand in a CSV beside it, with the reasons.

    Args:
        project: the project of the model.
        source: a file, or a folder of them.
        target: the CSV to write; it replaces an older one only when a file is scored.
        model: the model's name; the best unless given.
        strict: refuse a file with such a row: nothing of it is written.

    Returns:
        What was written; nothing is of a file that has a message.

    Raises:
        ProjectError: there is no file to score, the target is one of them, no model is registered,
            or every file is faulty.
    """
    files = tables(source)
    refuse_target(source, target)
    scorer = Scorer(project, model)
    problems: list[str] = []
    rejects = rejects_path(target)
    done = rejected = 0
    with replacing(target) as aside, replacing(rejects) as rejects_aside:
        length = STEPS * len(files)
        with (
            aside.open("w", encoding="utf-8", newline="") as stream,
            rejects_aside.open("w", encoding="utf-8", newline="") as rejects_stream,
            click.progressbar(length=length, label="Scoring", file=sys.stderr) as bar,
        ):
            writer = csv.writer(rejects_stream, lineterminator="\n")
            writer.writerow(REJECT_COLUMNS)
            for number, path in enumerate(files):
                before = done, rejected, stream.tell(), rejects_stream.tell()
                try:
                    for part in scorer.scored(path):
                        if stream.tell() == 0 or part.read:  # one line of column names is enough
                            stream.write(part.text)
                        if strict and part.rejects:
                            raise part.rejects[0].error(path)
                        writer.writerows([path.name, *reject] for reject in part.rejects)
                        done, rejected = done + part.rows, rejected + len(part.rejects)
                        bar.update(round((number + part.read) * STEPS) - bar.pos)
                except ProjectError as error:
                    problems.append(str(error))
                    done, rejected, *places = before
                    for written, place in zip((stream, rejects_stream), places, strict=True):
                        written.seek(place)
                        written.truncate()
        if len(problems) == len(files):
            raise ProjectError(" ".join(problems))
    if not rejected:
        rejects.unlink()
    return Outcome(done, rejected, problems)
