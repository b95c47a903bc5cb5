"""Answers of a registered version in the prediction log, for tests of what is made of them."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from seedling.config import Project
from seedling.data.scalars import plain
from seedling.serving import log_lines, models, stores
from seedling.serving.encoding import ENCODER
from seedling.serving.records import records_of

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def copied(trained: Project, folder: Path) -> Project:
    """Return a copy of a project that has trained, which a test may change; its log is empty."""
    ignored = shutil.ignore_patterns("spool", "predictions.db*")
    shutil.copytree(trained.root, folder / "project", ignore=ignored)
    return Project(folder / "project")


def over(days: float, count: int, end: datetime = NOW) -> list[datetime]:
    """Return n moments, evenly spread over the days before `end`."""
    return [end - timedelta(days=days) * (1 - (at + 0.5) / count) for at in range(count)]


def log_answers(
    project: Project,
    rows: pd.DataFrame,
    times: Sequence[datetime],
    model: str | None = None,
    request: str = "",
) -> list[str]:
    """Have the champion answer n rows, keep them in the project's log, and return the ids."""
    entry = next(e for e in project.config.models if e.is_champion and model in (None, e.model))
    version = models.load(project, entry)
    names = [column.name for column in version.dataset.raw]
    records = []
    for at, row in enumerate(rows.to_dict("records")):
        sent = {name: plain(cell) for name, cell in row.items() if not pd.isna(cell)}
        values = models.as_values(sent, version.dataset.raw)
        raw = dict(zip(names, values, strict=True))
        line = {
            "id": log_lines.new_id(),
            "request_id": request,
            "time": times[at].timestamp(),
            "route": "/predict",
            "rows": [{**sent, **raw}],
            "features": names,
            "by_row": version.task.by_row,
            "model": entry.model,
            "version": version.version,
            "outputs": dict(version.answer(version.derivation.values([values]))),
        }
        records += records_of(ENCODER.encode(line))
    settings = stores.log_settings(project.config)
    assert settings is not None
    stores.open_store(project.root, settings).add(records)
    return [record.id for record in records]
