"""The conversation of the verb `simulate-month`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.lifecycle import shifts, simulated_month
from seedling.lifecycle.simulated_month import Month, Simulation
from seedling.processes import free_port
from seedling.serving import background_service, unnamed
from seedling.serving.client import Client
from seedling.wording import counted


def simulate(
    project: Project,
    model: str | None,
    texts: Sequence[str],
    rows: int | None,
    seed: int | None,
) -> None:
    """Simulate a month of requests, and say what it was and what to do next.

    Args:
        project: the project.
        model: the one that is asked; the best unless given.
        texts: the shifts, as they are typed; the usual ones where there are none.
        rows: their number, unless as many as usual.
        seed: of what is drawn; another one each time unless given.
    """
    simulated_month.refuse_production(project)
    name = model or unnamed.here(project, project.config)
    if name is None:
        raise ProjectError("No model is registered: run train.")
    dataset = project.config.dataset(project.config.trained_model(name).dataset)
    wanted = shifts.of_texts(texts, dataset) if texts else shifts.usual(dataset)
    with simulated_month.one_at_a_time(project):
        simulation = Simulation(project, name, wanted, rows, seed)
        with _service(project) as client, _bar(simulation.month.rows) as sent:
            simulation.send(client, sent)
    for line in _lines(simulation.month, said=bool(texts)):
        click.echo(line)


@contextmanager
def _service(project: Project) -> Iterator[Client]:
    """Yield the client of the service in the background, or of one started for the block."""
    if background_service.state(project):
        yield background_service.client(project)
        return
    with background_service.serving(project, free_port()) as client:
        yield client


@contextmanager
def _bar(rows: int) -> Iterator[Any]:
    """Yield a function that is called with the number of rows sent; on stderr, as a bar."""
    made: Any = click.progressbar(length=rows, label="Sending a month", file=sys.stderr)
    with made as bar:
        yield bar.update


def _lines(month: Month, said: bool) -> list[str]:
    shifted = ", ".join(month.shifts) or "nothing"
    usual = "" if said else "; --shift feature:0.5sd (SHIFT=feature:0.5sd) chooses"
    lines = [
        f"Simulated {counted(month.rows, 'row')} of {month.dataset}, sent to {month.model} "
        f"(seed {month.seed}). Shifted: {shifted}{usual}.",
        f"Made up, and marked: the prediction log has them as simulated-{month.name}-d01 to "
        f"-d{simulated_month.DAYS}"
        + (f", under {month.key} {month.keys[0]} to {month.keys[1]}." if month.key else "."),
    ]
    if not month.unseen:
        lines.append(
            "The model has learned from most of them: it looks better on them than it is, and "
            "nothing is promoted by them alone."
        )
    late = month.rows - month.with_truth
    where = f"local_assets/simulated/{month.name}/{simulated_month.LATE}"
    lines.append(
        f"The truth of {counted(month.with_truth, 'row')} was added. That of the last "
        f"{simulated_month.LATE_DAYS} days, {counted(late, 'row')}, is late: add-truth {where}"
    )
    return [*lines, f"Next: monitor {month.model}"]
