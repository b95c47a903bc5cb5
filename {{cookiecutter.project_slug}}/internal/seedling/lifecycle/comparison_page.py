"""The page of a model's comparisons: one self-contained HTML file, the verdicts first."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from seedling.config import Project
from seedling.data.scalars import short
from seedling.files import write_text
from seedling.lifecycle.comparison import PAIRED, Comparison, folder_of
from seedling.lifecycle.sequence import BETTER, EQUAL, NOT_YET, WORSE
from seedling.monitoring import drawings, report
from seedling.templating import templates

PAGE = "report.html"
COLOURS = {BETTER: "steady", EQUAL: "harmless", WORSE: "moderate", NOT_YET: "few"}
ORDER = (WORSE, BETTER, EQUAL, NOT_YET)  # what asks for something is first


def write(project: Project, model: str, found: Sequence[Comparison]) -> Path:
    """Write the page of a model's challengers in the place of the earlier one; return its path.

    Args:
        project: of the model.
        model: a folder of models/.
        found: at least one.
    """
    path = folder_of(project, model) / PAGE
    write_text(path, text(project.config.name, found))
    return path


def text(project: str, found: Sequence[Comparison]) -> str:
    """Return the page."""
    order = sorted(found, key=lambda one: (not one.is_harmful, ORDER.index(one.verdict)))
    filters = {"number": lambda value: "-" if value is None else short(value), "signed": _signed}
    return (
        templates(Path(__file__).parent, filters)
        .get_template("comparison.html.j2")
        .render(
            project=project,
            model=order[0].model,
            made=_minute(order[0].made),
            style=report.style(),
            shown=[(one, *_head(one), _next(one), _drawn(one)) for one in order],
            paired=PAIRED,
            minute=_minute,
        )
    )


def _head(one: Comparison) -> tuple[str, str, str]:
    """Return the verdict's colour, its word, and what it rests on as sentences."""
    word = "harmful" if one.is_harmful else one.verdict
    return ("severe" if one.is_harmful else COLOURS[one.verdict]), word, one.words


def _next(one: Comparison) -> str:
    """Return the verb that acts on a verdict; empty where one waits."""
    version = f"MODEL={one.model} VERSION={one.challenger}"
    if one.verdict == BETTER:
        return f"make promote {version}"
    return f"make retire {version}" if one.verdict in (EQUAL, WORSE) else ""


def _drawn(one: Comparison) -> str:
    if not one.course:
        return ""
    is_by_day = len({step.time[:10] for step in one.course}) == len(one.course)
    steps = [
        drawings.Step(
            f"{datetime.fromisoformat(each.time):%d %b}" if is_by_day else f"{each.rows:,} rows",
            each.difference,
            each.low,
            each.high,
        )
        for each in one.course
    ]
    words = f"Difference of version {one.challenger} to version {one.champion} over time"
    return drawings.sequence(steps, one.margin, words)


def _minute(text: str) -> str:
    """Return a time to the minute; where both versions are as old as their log, words."""
    found = datetime.fromisoformat(text)
    return f"{found:%Y-%m-%d %H:%M} UTC" if found.year > 1970 else "the beginning of the log"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3g}"
