"""The tables of the verb `runs`: all of them, or two side by side."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from seedling.errors import ProjectError
from seedling.wording import counted

if TYPE_CHECKING:
    from seedling.config import Project
    from seedling.training.listed import Listed

SHOWN_HASH = 7  # digits
PLACES = {"holdout_": "holdout", "cv_": "validated"}
INTERVAL = "_interval"
NOTHING = "Nothing was trained yet: run train."


def show(project: "Project", numbers: Sequence[int], model: str | None, as_json: bool) -> None:
    """Print the runs and versions of a project, or two of them side by side.

    Args:
        project: the project.
        numbers: those of two runs; empty for all.
        model: only those of this model.
        as_json: as JSON instead of a table.

    Raises:
        ProjectError: there is no such run or model, or the runs cannot be read.
    """
    from seedling.training import listed

    found = listed.of_project(project, model)
    if numbers:
        known = {each.run: each for each in found}
        missing = [str(number) for number in numbers if number not in known]
        if missing:
            raise ProjectError(f"There is no run {missing[0]}: runs without a number lists them.")
        found = [known[number] for number in numbers]
    if as_json:
        shown = [listed.as_json(each) for each in found]
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    elif not found:
        click.echo(f"Nothing was trained of {model} yet." if model else NOTHING)
    elif numbers:
        _show_two(*found)
    else:
        _show_all(found, {dataset.name: dataset.metric for dataset in project.config.datasets})


def _show_all(found: "Sequence[Listed]", wanted: Mapping[str, str]) -> None:
    """Print all runs, the best of each dataset below; `wanted` has each dataset's metric."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from seedling.training.listed import age

    datasets = [*dict.fromkeys(each.dataset for each in found)]
    table = Table(title="Runs", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in ("run", "model", "version", "holdout", "validated", "data", "age"):
        whole = heading == "model"
        table.add_column(heading, overflow="fold", min_width=len(heading), no_wrap=whole)
    for each in found:
        failed = each.status.lower() if each.status != "FINISHED" else "-"
        table.add_row(
            "-" if each.run is None else str(each.run),
            each.model,
            "smoke check" if each.smoke else _version(each),
            failed if each.value is None else f"{each.metric} {each.value:.4f}",
            "{:.4f} ± {:.2g}".format(*each.validated) if each.validated else "-",
            _data(each, len(datasets) > 1),
            age(each.begun),
            style="bold" if each.is_best else None,
        )
    Console().print(table)
    for each in found:
        if each.is_best:
            where = f"run {each.run}" if each.run else "no run of this machine"
            which = f"version {each.version}" if each.version else "not registered"
            words = ", ".join(filter(None, [where, each.model, which, each.role]))
            metric = wanted[each.dataset]
            other = "" if each.best_by == metric else f" Not every champion has {metric} measured."
            click.echo(f"The best by {each.best_by} on {each.dataset}: {words}.{other}")
    for name in datasets:
        files = {each.data["sha256"] for each in found if each.dataset == name and each.data}
        if len(files) > 1:
            click.echo(
                f"The runs of {name} were measured on rows of {len(files)} files: the best may "
                "have had the easiest. The gate compares on the same rows."
            )


def _show_two(one: "Listed", other: "Listed") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Runs {one.run} and {other.run}")
    for heading in ("", f"run {one.run}", f"run {other.run}", "difference"):
        table.add_column(heading, overflow="fold", min_width=len(heading))
    for name, *texts in [*_facts(one, other), *_settings(one, other)]:
        table.add_row(name, *texts, "" if len({*texts}) == 1 else "other")
    for name in dict.fromkeys([*one.metrics, *other.metrics]):
        place = next((words for start, words in PLACES.items() if name.startswith(start)), "")
        if not place or name.endswith(INTERVAL):
            continue
        values = [each.metrics[name] for each in (one, other) if name in each.metrics]
        difference = f"{values[1] - values[0]:+.3g}" if len(values) > 1 else ""
        shown = name.partition("_")[2]
        table.add_row(f"{shown}, {place}", _metric(one, name), _metric(other, name), difference)
    Console().print(table)
    for each, rest in ((one, other), (other, one)):
        more = [name for name in each.features if name not in rest.features]
        if more and rest.features:
            click.echo(f"Only run {each.run} has the features {', '.join(more)}.")


def _version(one: "Listed") -> str:
    return ", ".join(filter(None, [one.version or "-", one.role]))


def _metric(one: "Listed", name: str) -> str:
    value, half = one.metrics.get(name), one.metrics.get(f"{name}{INTERVAL}")
    if value is None:
        return "-"
    return f"{value:.4g}" if half is None else f"{value:.4g} ± {half:.2g}"


def _facts(one: "Listed", other: "Listed") -> list[tuple[str, ...]]:
    """Return names and values of model, version, data and arguments, for both."""
    from seedling.training.listed import age

    both = one, other
    facts: list[tuple[str, ...]] = [
        ("model", *(each.model for each in both)),
        ("version", *("smoke check" if each.smoke else each.version or "-" for each in both)),
        ("age", *(age(each.begun) for each in both)),
        ("dataset", *(each.dataset for each in both)),
        ("its version", *(each.data.get("version", "-") for each in both)),
        ("its rows", *(_rows(each) for each in both)),
        ("its file", *(each.data.get("sha256", "-")[:SHOWN_HASH] for each in both)),
    ]
    for name in dict.fromkeys([*one.arguments, *other.arguments]):
        facts.append((name, *(each.arguments.get(name, "-") for each in both)))
    return facts


def _settings(one: "Listed", other: "Listed") -> list[tuple[str, ...]]:
    """Return names and values of the settings by which the metrics are to be understood."""
    names = dict.fromkeys([*one.settings, *other.settings])
    return [(name, *(each.settings.get(name, "-") for each in (one, other))) for name in names]


def _data(one: "Listed", with_name: bool) -> str:
    name = one.dataset if with_name or not one.data else ""
    if not one.data:
        return name
    rows = counted(int(one.data["rows"]), "row")
    return f"{name} {rows}, {one.data['sha256'][:SHOWN_HASH]}".strip()


def _rows(one: "Listed") -> str:
    return f"{int(one.data['rows']):,}" if "rows" in one.data else "-"
