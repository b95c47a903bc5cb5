"""The conversation of the verb `tune`: what is searched, its progress, and what is written."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedling.errors import ProjectError
from seedling.processes import interrupted
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Project, TrainedModel
    from seedling.training.tuning import Found


def tune(
    project: "Project", model: str | None, trials: int | None, minutes: float | None, yes: bool
) -> int:
    """Search, show what was found, and write the best into model.yaml on confirmation.

    Args:
        project: its model.yaml has the model's `search`, or gets a ready model's.
        model: its name; the only one of model.yaml unless given.
        trials, minutes: the limits that a person gave.
        yes: write without asking.

    Returns:
        The exit code.
    """
    from seedling.processes import attended, end_soon
    from seedling.training import search_space, tuned
    from seedling.training.show_search import Bar, sentence, show
    from seedling.training.tuning import Limits, Search

    end_soon()
    entry = _with_search(project, _chosen(project, model), yes)
    space = search_space.of(entry)
    if trials is None and minutes is None:
        trials = search_space.trials(space)
    search = Search(project, entry.name)
    done, metric = len(search.study.tried()), search.dataset.metric
    rows = counted(len(search.table.rows), "row")
    click.echo(f"{entry.name}: {', '.join(space)}, by {metric} on {search.folds} folds of {rows}.")
    if search.study.changed:
        click.echo(f"Begins anew: {', '.join(search.study.changed)} changed since the last search.")
    elif done:
        click.echo(f"Goes on after {counted(done, 'trial')}.")
    limits, best = Limits(trials, minutes), search.study.ranking()[:1]
    with attended.family(), Bar(metric, limits, done, best[0] if best else None) as bar:
        found = search.run(limits, bar)
    show(found, metric)
    click.echo(sentence(found, metric, search.lower))
    if found.stopped == "person":
        click.echo(_how_to_go_on(found, trials))
        return interrupted.CODE
    if found.stopped == "time":
        click.echo("The time is over: the same command goes on.")
    if not found.ranking and found.tried:
        raise ProjectError(f"No trial of {entry.name} was complete: {_fault(found)}")
    if found.better is None:
        return 0
    try:
        written = tuned.write(project, entry.name, found.better.values, yes)
    except click.Abort:  # nobody is there to answer
        written = False
    if written:
        click.echo(f"Now train --model {entry.name}: the gate measures it on the held-out rows.")
    else:
        click.echo("Nothing was written. The same command asks again; --yes does not ask.")
    return 0


def _chosen(project: "Project", model: str | None) -> "TrainedModel":
    names = [entry.name for entry in project.config.training.models]
    if model is None and len(names) > 1:
        raise ProjectError(f"Which model? Name it by --model: {', '.join(names)}.")
    return project.config.trained_model(model or names[0])


def _with_search(project: "Project", entry: "TrainedModel", yes: bool) -> "TrainedModel":
    """Return a model's entry with `search`, which is that of the ready model unless it has one.

    Raises:
        ProjectError: it has none, and is no ready model, or the person declined.
    """
    from seedling.training import search_space, tuned

    if entry.search:
        return entry
    source = Path(project.root / "models" / entry.name / "train.py")
    text = source.read_text(encoding="utf-8") if source.is_file() else ""
    proposal = search_space.proposal(entry, project.config.dataset(entry.dataset), text)
    if not proposal:
        raise ProjectError(search_space.missing(entry))
    click.echo(f"model.yaml does not say what to search for {entry.name}; this is usual:")
    if not tuned.write_search(project, entry.name, proposal, yes):
        raise ProjectError("Nothing was written: say it in `search` under training.models.")
    return project.config.trained_model(entry.name)


def _how_to_go_on(found: "Found", trials: int | None) -> str:
    of = f" of {trials}" if trials else ""
    done = len(found.tried)
    words = f"Stopped after {done}{of}: the same command goes on"
    return (
        f"{words}; --trials {done} (TRIALS={done}) ends it here." if found.better else f"{words}."
    )


def _fault(found: "Found") -> str:
    return next((each.fault for each in found.tried if each.fault), "all were given up early.")
