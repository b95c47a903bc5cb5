"""The list of the verb `audit`: every change of what answers."""

import json

import click
from msgspec import to_builtins

from seedling.config import Project
from seedling.registry import audit
from seedling.registry.audit import Entry

NOTHING = "No change of what answers was noted yet."


def show(project: Project, model: str | None, as_json: bool) -> int:
    """Print the changes of a model or of all, the oldest first; return the exit code.

    It is 1 where the file of the audit is not as it was written.
    """
    if model:
        project.config.trained_model(model)
    found, faults = audit.entries(project, model), audit.faults(project)
    if as_json:
        shown = [to_builtins(entry) for entry in found]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    elif found:
        _show(found)
    else:
        click.echo(NOTHING)
    for fault in faults:
        click.echo(f"{fault}.", err=True)
    return bool(faults)


def _show(found: list[Entry]) -> None:
    """Print two lines for each change: what it was, and below it why."""
    for entry in found:
        when = entry.time[:19].replace("T", " ")
        versions = f"{entry.from_version or '-'} -> {entry.to_version or '-'}"
        click.echo(f"{when}  {entry.by}  {_action(entry)}  {entry.model}  {versions}")
        if entry.why:
            click.echo(f"    {entry.why}")


def _action(entry: Entry) -> str:
    share = entry.roles.get(entry.to_version)
    return f"{entry.action} {share:.0%}" if isinstance(share, float) else entry.action
