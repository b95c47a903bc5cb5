"""The conversation of the verb `compare`."""

import json

import click
from msgspec import to_builtins

from seedling.config import Project
from seedling.lifecycle import comparing, comparison, comparison_page
from seedling.lifecycle.sequence import BETTER, EQUAL, WORSE


def compare(project: Project, model: str | None, as_json: bool) -> None:
    """Print what is known of the challengers of a model, or of all models.

    Raises:
        ProjectError: there is no such model, or the prediction log cannot be read.
    """
    if model:
        project.config.trained_model(model)
    beside = dict.fromkeys(each.model for each in project.config.models if not each.is_champion)
    chosen = [model] if model else [*beside]
    found = [each for name in chosen for each in comparing.compare(project, name)]
    if as_json:
        shown = [to_builtins(each) | {"words": each.words} for each in found]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(each.words)
        version = f"{each.model} --version {each.challenger}"
        if each.is_reason:
            click.echo(f"  promote {version} makes it the champion.")
        elif each.verdict == BETTER:
            click.echo(f"  promote {version} --why REASON makes it the champion all the same.")
        elif each.verdict in (EQUAL, WORSE):
            click.echo(f"  retire {version} stops it.")
    for name in dict.fromkeys(each.model for each in found):
        click.echo(comparison.folder_of(project, name) / comparison_page.PAGE)
    if not found:
        which = f"of {model} " if model else ""
        click.echo(
            f"No version {which}answers beside the champion: traffic MODEL --version N --shadow "
            "lets one answer to the log only, and compare then says which is better."
        )
