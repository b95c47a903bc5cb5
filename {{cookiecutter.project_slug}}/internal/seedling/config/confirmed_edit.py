"""Shows what an edit changes in model.yaml, and writes it once a person agrees."""

from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

import click
from ruamel.yaml import YAML

from seedling.config import questions
from seedling.config.document import read_text
from seedling.config.project import Project
from seedling.config.rewriting import Layout, rewritten

COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def document(project: Project) -> Any:
    """Return model.yaml as plain dicts and lists, which may be changed."""
    return YAML(typ="safe", pure=True).load(read_text(project.config_path))


def write(project: Project, wanted: Mapping[str, Any], yes: bool, layout: Layout = dict) -> bool:
    """Show the difference of model.yaml with the wanted document, ask, and write it.

    Args:
        project: its model.yaml is edited; lines that do not differ stay byte for byte.
        wanted: the whole document, as plain dicts and lists.
        yes: write without asking.
        layout: lays out a dict that a list gets.

    Returns:
        True if model.yaml has the wanted content now; False if the answer was no.

    Raises:
        ProjectError: the file's layout does not allow the edit, or the result is invalid.
    """
    text, name = read_text(project.config_path), project.config_path.name
    after = rewritten(text, wanted, name, layout)
    if after == text:
        click.echo(f"{name} stays as it is.")
        return True
    lines = unified_diff(text.splitlines(), after.splitlines(), name, name, lineterm="", n=1)
    for line in lines:
        click.secho(line, fg=COLOURS.get(line[:1]))
    if not yes and not questions.confirm(f"Write this to {name}?", default=True):
        return False
    project.write(after)
    return True
