"""The conversation of the verb `monitor`: what was found, its page, and the exit code."""

import json
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from seedling.config import Project, span
from seedling.errors import OptionError, ProjectError
from seedling.monitoring import sent_on, verdicts, watched, windows
from seedling.monitoring.findings import Findings
from seedling.monitoring.watched import Asked
from seedling.registry.traffic import champion_of
from seedling.wording import counted, listed

FAILED_ON = 3  # the exit code of --fail-on
MOST_REASONS = 8  # that are printed; the page has all


class Options(NamedTuple):
    """The options of the verb, see its help."""

    model: str | None = None
    version: str | None = None
    since: str | None = None
    until: str | None = None
    window: str | None = None
    fail_on: str | None = None
    as_json: bool = False
    open_page: bool = False


def monitor(project: Project, options: Options) -> int:
    """Look at one model or at all, write a page for each, and return the exit code.

    Raises:
        ProjectError: an option does not fit, or what `watched.watch` raises.
    """
    models = watched.models(project, options.model)
    if options.version and len(models) > 1:
        raise ProjectError("Name the model whose version that is.")
    now = datetime.now(UTC)
    end = moment(options.until, now) if options.until else now
    start = moment(options.since, end) if options.since else None
    if start is not None and start >= end:
        raise OptionError(f"--since {options.since} is not before --until.")
    if options.window:
        try:
            windows.of_text(options.window)
        except ValueError as error:
            raise OptionError(f"--window: {error}, nor a number of rows.") from None
    found = []
    for name in models:
        asked = Asked(name, options.version, start, end, options.window)
        one = watched.watch(project, asked)
        # The rules of retrain and the page of the project's life are about what answers now.
        trial = _trial(project, options)
        is_latest = not trial and one.version == champion_of(project, name).version
        if trial:
            one.remarks.append(f"A look by {trial}: retrain and home go by the last one without.")
        page = _written(project, one, is_latest)
        found.append(one)
        if not options.as_json:
            _show(one, page)
        if page and options.open_page:
            webbrowser.open(page.resolve().as_uri())
    if options.as_json:
        shown = [msgspec.to_builtins(each) for each in found]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    return _code(found, options.fail_on)


def moment(text: str, now: datetime) -> datetime:
    """Return the moment that a text names: a day, a day with a time, or a length of time ago.

    Raises:
        OptionError: it names none.
    """
    try:
        return now - span(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.astimezone()
    except (ValueError, OverflowError):
        raise OptionError(
            f"{text!r} is no moment: say 2026-03-01, 2026-03-01T12:00, or 30d for as long ago."
        ) from None


def _trial(project: Project, options: Options) -> str:
    """Return the options by which this is another look than the regular one, as words."""
    window = options.window if options.window != str(project.config.monitoring.window) else None
    given = {"--since": options.since, "--until": options.until, "--window": window}
    return listed([name for name, value in given.items() if value])


def _written(project: Project, found: Findings, is_latest: bool) -> Path | None:
    """Write the page of findings that have rows, and send what is asked for where it is wanted."""
    if not found.windows:
        return None
    page = watched.write(project, found, is_latest)
    for warning in sent_on.send(project, found):
        click.echo(f"Warning: {warning}", err=True)
    return page


def _show(found: Findings, page: Path | None) -> None:
    if page is None:
        for remark in found.remarks:
            click.echo(f"{found.model}: {remark}")
        return
    click.echo(f"{found.verdict}: {verdicts.headline(found)}")
    for reason in found.reasons[:MOST_REASONS]:
        click.echo(f"  {reason}")
    for remark in found.remarks:
        click.echo(f"  Note: {remark}")
    rows = f"{counted(found.rows, 'row')} in {counted(len(found.windows), 'window')}"
    if found.simulated:
        rows += f", {found.simulated:,} of them simulated"
    click.echo(f"  {rows}. {found.cut}")
    click.echo(f"  {page}")


def _code(found: Sequence[Findings], fail_on: str | None) -> int:
    failed = fail_on is not None and any(each.is_at_least(fail_on) for each in found)
    return FAILED_ON if failed else 0
