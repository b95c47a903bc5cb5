"""The verb `batch-score`: score files on this machine, with the code of the batch deployment."""

import sys
from pathlib import Path

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.serving.score_files import Scorer, refuse_target, tables

STEPS = 1_000  # of the progress bar for each file


def score(project: Project, source: Path, target: Path, model: str | None = None) -> list[str]:
    """Write the predictions for a file, or for all files of a folder, to one CSV.

    Args:
        project: the project of the model.
        source: a CSV or Parquet file, or a folder of them.
        target: the CSV to write; it replaces an older one only when every file is scored.
        model: the model's name; the first registered one unless given.

    Returns:
        One message for each file that could not be scored; no row of it is written.

    Raises:
        ProjectError: there is no file to score, the target is one of them, no model is registered,
            or every file is faulty.
    """
    files = tables(source)
    refuse_target(source, target)
    scorer = Scorer(project, model)
    problems: list[str] = []
    with replacing(target) as aside:
        length = STEPS * len(files)
        with (
            aside.open("w", encoding="utf-8", newline="") as stream,
            click.progressbar(length=length, label="Scoring", file=sys.stderr) as bar,
        ):
            for number, path in enumerate(files):
                start = stream.tell()
                try:
                    for text, read in scorer.lines(path):
                        if stream.tell() == 0 or read:  # one line of column names is enough
                            stream.write(text)
                        bar.update(round((number + read) * STEPS) - bar.pos)
                except ProjectError as error:
                    problems.append(str(error))
                    stream.seek(start)
                    stream.truncate()
        if len(problems) == len(files):
            raise ProjectError(" ".join(problems))
    return problems
