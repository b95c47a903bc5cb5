"""The section Watch: drift, performance, and the life of registered versions."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from seedling.cli.reading_options import reading_options, said
from seedling.cli.section import Section, find_project

section = Section("Watch")


@section.command()
@click.argument("model", required=False)
@click.option("--version", help="The version whose answers are looked at; the champion's.")
@click.option("--since", help="From when on: a day, a moment, or as long ago as 30d.")
@click.option("--until", help="Up to when; now unless given.")
@click.option("--window", help="A length of time such as 7d, or a number of rows.")
@click.option(
    "--fail-on",
    type=click.Choice(["moderate", "severe"]),
    help="Exit with 3 if the verdict is this or worse.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--open", "open_page", is_flag=True, help="Open the report in the browser.")
def monitor(**options: Any) -> None:
    """Say whether data or performance have changed.

    MODEL: a folder of models/; every model that is registered unless given.
    """
    from seedling.cli import monitor as watching

    sys.exit(watching.monitor(find_project(), watching.Options(**options)))


@section.command("add-truth")
@click.argument("source", metavar="FROM")
@click.option("--dataset", help="The dataset whose target it has; needed where there are several.")
@click.option(
    "--on",
    multiple=True,
    metavar="COLUMN[=NAME]",
    help="A column that the log has too; prediction_id or the entity key unless given; repeat.",
)
@click.option("--target", help="Its column of truth, where that has not the target's name.")
@reading_options
def add_truth(
    source: str, dataset: str | None, on: Sequence[str], target: str | None, **reading: Any
) -> None:
    """Add what became true of past predictions.

    FROM: a table with the target: a file, a query below dataset_creation/, or a SQL URL with
    #table. What monitor and compare measure by; the value that was added last counts.
    """
    from seedling.cli import add_truth as adding
    from seedling.monitoring.add_truth import Wanted

    adding.add_truth(find_project(), dataset, Wanted(source, on, target, said(reading)))


@section.command()
@click.option("--no-open", is_flag=True, help="Write the page and print its path only.")
def home(no_open: bool) -> None:
    """Open the page of the project's life."""
    from seedling.cli import home

    home.show(find_project(), not no_open)


@section.command("simulate-month")
@click.option("--model", help="The model that is asked; the best unless given.")
@click.option(
    "--shift",
    "shifts",
    multiple=True,
    metavar="FEATURE:AMOUNT",
    help="Such as age:0.5sd, or occupation:30% of rows with another value; none for no shift.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, 1_000_000),
    help="How many, 1,000,000 at most; 1,000 or fewer unless given.",
)
@click.option("--seed", type=click.IntRange(0), help="Of what is drawn; another each time.")
def simulate_month(
    model: str | None, shifts: Sequence[str], rows: int | None, seed: int | None
) -> None:
    """Send a month of made-up requests, marked so.

    Rows of the dataset, shifted, go through the service into the prediction log; their truth is
    added, but for the last week's. Where nothing is said of a shift, two features are shifted.
    """
    from seedling.cli import simulate

    simulate.simulate(find_project(), model, shifts, rows, seed)


@section.command()
@click.option("--model", "models", multiple=True, help="Only this model; may be given again.")
@click.option("--dry-run", is_flag=True, help="Only say what each rule gives, with its numbers.")
@click.option("--force", is_flag=True, help="Train without a reason, whatever the cool-down.")
@click.option(
    "--where",
    type=click.Choice(["here", "azure"]),
    help="On this machine or on Azure ML; AML_PIPELINE_EXEC_MODE says it unless given.",
)
@click.option(
    "--logged-rows", is_flag=True, help="Learn also from logged rows whose truth is known."
)
@click.option("--simulated", is_flag=True, help="And from those of simulate-month: for a trial.")
def retrain(models: Sequence[str], dry_run: bool, **options: Any) -> None:
    """Train again if a rule of model.yaml says so.

    The rules are monitoring.retrain of model.yaml; the gate decides what becomes the champion. It
    exits with 4 if another one runs.
    """
    from seedling.cli import retrain as retraining

    sys.exit(retraining.retrain(find_project(), models, dry_run, options))
