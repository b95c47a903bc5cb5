"""The pages of a review: Markdown for the comment of a pull request, and a page of HTML."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedling.config import Project
from seedling.data.scalars import short
from seedling.files import write_text
from seedling.lifecycle.review.notes import (
    BETTER,
    CHAMPION,
    FEW,
    SAME,
    WORSE,
    Compared,
    Review,
    Rows,
    Sample,
)
from seedling.monitoring import report
from seedling.monitoring.drift import UNJUDGED, Drift
from seedling.templating import templates
from seedling.wording import counted

FOLDER = "reports/review"  # in local_assets/
MARKER = "<!-- seedling-review{} -->"  # by which CI finds the comment of an earlier run
MARKDOWN, HTML = "review.md", "review.html"
COLOURS = {BETTER: "steady", SAME: "harmless", WORSE: "severe", FEW: "few", "": "few"}
DRIFTS = {"severe": "severe", "moderate": "moderate", "moved, harmless": "harmless"}
MOST_LINES = 60  # of a schema, and columns, that the comment shows; the page has them all


def write(project: Project, found: Review) -> tuple[Path, Path]:
    """Write both pages in the place of earlier ones; return the paths, Markdown first."""
    folder = project.assets / FOLDER
    paths = folder / MARKDOWN, folder / HTML
    write_text(paths[0], markdown(found))
    write_text(paths[1], html(found))
    return paths


def html(found: Review) -> str:
    """Return the page."""
    filters = {"number": lambda value: "-" if value is None else short(value), "signed": signed}
    return (
        templates(Path(__file__).parent, filters)
        .get_template("review.html.j2")
        .render(
            found=found,
            style=report.style(),
            headline=headline(found),
            models=[(each, COLOURS[each.verdict], sentences(each)) for each in found.models],
            metrics=metrics,
            heading=heading,
            samples=[sample_words(each) for each in found.samples],
            rows_words=rows_words,
            drift_colour=lambda drift: DRIFTS.get(drift.status, "steady"),
        )
    )


def markdown(found: Review) -> str:
    """Return the comment of a pull request; its first line tells it from other comments."""
    lines = [
        MARKER.format(found.mark),
        f"## Review of {_cell(found.project)}: {headline(found)}",
        "",
    ]
    against = f"Compared with {_cell(found.base)}" if found.base else "Compared with nothing"
    lines += [f"{against}{f': {found.remark}' if found.remark else ''}.", ""]
    lines += [f"- {sample_words(each)}" for each in found.samples]
    for one in found.models:
        lines += ["", f"### {_cell(one.here.model)}", "", *(_cell(s) for s in sentences(one))]
        rows = [(n, a, b, c) for n, a, b, c, _ in metrics(one)]
        if rows:
            lines += ["", *_table(["metric", "here", heading(one), "difference"], rows)]
    if found.data:
        lines += ["", "### What changed in the data"]
    for data in found.data:
        lines += ["", f"**{_cell(data.dataset)}**: {_cell(rows_words(data))}"]
        if data.removed or data.added:
            lines += ["", *_diff(data)]
        moved = [each for each in data.drifts if each.status in DRIFTS]
        if moved:
            head = ["column", "verdict", "effect, sd", "missing before", "missing here"]
            lines += ["", *_table(head, [_drift(each) for each in moved[:MOST_LINES]])]
    return "\n".join([*lines, ""])


def headline(found: Review) -> str:
    """Return the outcome of a review as a few words."""
    worse, failed = found.worse, [each for each in found.models if each.here.problem]
    if failed:
        return f"{counted(len(failed), 'model')} cannot be trained"
    if worse:
        return f"{counted(len(worse), 'model')} worse than before"
    better = [each for each in found.models if each.verdict == BETTER]
    if better:
        return f"{counted(len(better), 'model')} better than before, none worse"
    if not any(each.difference is not None for each in found.models):
        return f"{counted(len(found.models), 'model')} measured, with nothing to compare"
    return "no model worse than before"


def sentences(one: Compared) -> list[str]:
    """Return the verdict about a model and what it rests on, a sentence each."""
    here, before = one.here, one.before
    if here.problem:
        return [f"It cannot be trained: {here.problem}."]
    found = []
    if before is None:
        found.append("There is no model of before to compare with.")
    elif before.problem:
        found.append(f"The one of before cannot be measured: {before.problem}.")
    else:
        rows = counted(len(here.places), "held-out row")
        what = heading(one)
        if one.verdict == FEW:
            found.append(f"Measured with {what} on {rows}: too few for a verdict.")
        else:
            means = [sum(each.losses) / len(each.losses) for each in (here, before)]
            same = here.losses == before.losses
            words = {
                BETTER: f"Better than {what}",
                WORSE: f"Worse than {what}",
                SAME: f"As {what}" if same else f"No difference to {what} beyond chance",
            }[one.verdict]
            numbers = f"{here.loss} {short(means[0])} against {short(means[1])} on {rows}"
            interval = f"{signed(one.difference)} ({signed(one.low)} to {signed(one.high)})"
            found.append(f"{words}: {numbers}; difference {interval}.")
    learned = f"It learned from {counted(here.learned_rows, 'row')} in {here.seconds:.1f} s"
    if one.against == CHAMPION:
        learned += "; the champion from all those of its training"
    return [*found, f"{learned}.", *([one.remark] if one.remark else [])]


def metrics(one: Compared) -> list[tuple[str, str, str, str, str]]:
    """Return each metric's name, its value here and before, the difference, and its colour."""
    before = one.before.metrics if one.before else {}
    found = []
    for name, value in one.here.metrics.items():
        shown = f"{name} (decides)" if name == one.here.metric else name
        old = before.get(name)
        change = None if old is None else value - old
        good = change is not None and (change < 0) == (name in one.here.lower)
        colour = "none" if not change or one.verdict in (SAME, FEW, "") else "steady"
        if colour == "steady" and not good:
            colour = "moderate"
        found.append(
            (shown, short(value), "-" if old is None else short(old), signed(change), colour)
        )
    return found


def heading(one: Compared) -> str:
    """Return what a model is compared with."""
    return f"version {one.version}, the champion" if one.against == CHAMPION else "before"


def sample_words(one: Sample) -> str:
    """Say how many rows of a dataset were used."""
    of_all = f" of {one.all_rows:,}" if one.rows < one.all_rows else ""
    held_out = f"{len(one.held_out):,} of them held out"
    return f"{one.dataset}: {counted(one.rows, 'row')}{of_all}, {held_out} from all models."


def rows_words(one: Rows) -> str:
    """Say what became of a dataset."""
    words = [one.remark] if one.remark else []
    if not (one.removed or one.added) and not one.remark:
        words.append("Its schema is as before.")
    if one.same:
        words.append(f"Nothing that makes its {counted(one.rows or 0, 'row')} was changed.")
    elif one.rows is not None and one.rows_before is not None:
        change = one.rows - one.rows_before
        words.append(f"{counted(one.rows, 'row')}, {one.rows_before:,} before ({change:+,}).")
        moved = [each for each in one.drifts if each.status in DRIFTS]
        judged = [each for each in one.drifts if each.status not in UNJUDGED]
        words.append(f"{len(moved)} of {counted(len(judged), 'feature')} moved.")
    return " ".join(words)


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    return "-" if value is None else f"{value:+.3g}"


def _drift(one: Drift) -> Sequence[str]:
    shares = f"{one.missing_then:.1%}", f"{one.missing_now:.1%}"
    return one.name, one.status, short(round(one.effect, 3)), *shares


def _diff(one: Rows) -> list[str]:
    lines = [*(f"- {line}" for line in one.removed), *(f"+ {line}" for line in one.added)]
    more = [f"  {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return ["```diff", *(line.replace("```", "'''") for line in lines[:MOST_LINES]), *more, "```"]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    right = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(_cell(each) for each in row)} |" for row in (head, right, *rows)]


def _cell(text: Any) -> str:
    """Return a text that Markdown shows as it is, in a table too."""
    found = " ".join(str(text).split()).replace("\\", "\\\\")
    for each in "|<>`*_[]@#":
        found = found.replace(each, f"\\{each}") if each != "@" else found.replace("@", "@\u200b")
    return found
