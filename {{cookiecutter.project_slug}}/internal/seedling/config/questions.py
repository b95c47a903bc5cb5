"""Questions to the person at the terminal; what follows an answer begins on a line of its own."""

import sys
from typing import Any

import click


def confirm(question: str, default: bool = False, abort: bool = False) -> bool:
    """Ask for yes or no.

    Args:
        question: without the question's choices.
        default: what an empty answer means.
        abort: raise where the answer is no.

    Raises:
        click.Abort: the input ends before an answer.
    """
    try:
        return click.confirm(question, default=default, abort=abort)
    finally:
        _end_line()


def ask(question: str, default: str | None) -> Any:
    """Ask for a text.

    Raises:
        click.Abort: the input ends before an answer.
    """
    try:
        return click.prompt(question, default=default)
    finally:
        _end_line()


def _end_line() -> None:
    """End the line of a question whose answer came from a pipe, and so without an echo."""
    if not sys.stdin.isatty():
        click.echo()
