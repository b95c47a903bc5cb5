"""The proposal for an own table on the terminal, and the questions about it."""

from collections.abc import Callable

import click
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seedling.config import questions
from seedling.data import cells
from seedling.data.infer_schema import Proposal
from seedling.wording import counted

WIDTH = 120  # where the output is no terminal


def show(proposal: Proposal, count: int) -> None:
    """Print what each column is taken for and why, then the cells that do not fit.

    Args:
        proposal: of a table.
        count: its number of rows.
    """
    entry = proposal.entry
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    title = f"{entry['name']}: {counted(count, 'row')}, {entry['task']}"
    table = Table(title=Text(title), box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "type", "example"):
        table.add_column(heading, overflow="fold")
    for heading in ("gaps", "misfits"):
        table.add_column(heading, justify="right")
    table.add_column("recognised from", overflow="fold", ratio=1)
    for line in proposal.lines:
        numbers = [f"{number:,}" if number else "" for number in (line.gaps, line.misfits)]
        words = [line.name, line.kind, line.example, *numbers, line.seen]
        table.add_row(*(Text(word) for word in words))
    console.print(table)
    report(proposal.misfits)


def report(misfits: list[cells.Misfit]) -> None:
    """Print the cells that became missing values, a line for each column."""
    for of_column in cells.by_column(misfits):
        click.echo(f"  {cells.misfit_words(of_column)}: missing values")


def accepts(doubt: str) -> bool:
    """Ask whether a column is of a type although many of its cells do not fit."""
    return questions.confirm(f"{doubt}. Take these as missing values?")


def choose(rows: pd.DataFrame) -> Callable[[list[str]], str]:
    """Return what asks for the target among the likeliest columns, and takes any other's name."""
    names = [str(name) for name in rows.columns]

    def ask(likely: list[str]) -> str:
        for number, name in enumerate(likely, 1):
            click.echo(f"  {number}  {name}")
        numbered = {str(number): name for number, name in enumerate(likely, 1)}
        question = "Which column is to be predicted? Its number or name"
        while True:
            answer = questions.ask(question, default=likely[0] if likely else None)
            if answer in names:
                return str(answer)
            if answer in numbered:
                return numbered[answer]
            click.echo(f"There is no column {answer!r}; there are {', '.join(names)}.")

    return ask
