"""The verb `batch-score`: files scored on this machine, with the code of the batch deployment."""

import sys
from pathlib import Path

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import replacing
from seedling.serving.score_files import Scorer, tables

STEPS = 1_000  # of the bar, for a file


def score(project: Project, source: Path, target: Path, model: str | None = None) -> list[str]:
    """Write the answers for a file, or for a folder's files, to one CSV.

    Args:
        project: whose model answers.
        source: a CSV or Parquet file, or a folder of them.
        target: the file to write; it takes its place when all is scored.
        model: the model's name; the first unless given.

    Returns:
        What is wrong with the files that could not be scored; nothing of them is written.

    Raises:
        ProjectError: there is nothing to score, no model to do it, or every file is faulty.
    """
    files = tables(source)
    if target.is_dir():
        raise ProjectError(f"{target} is a folder: name the file to write.")
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
