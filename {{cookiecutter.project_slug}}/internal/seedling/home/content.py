"""All that the page shows, for its template."""

from typing import Any

from seedling.config import Project
from seedling.home import chart, facts, watched
from seedling.registry import audit
from seedling.registry.audit import Entry
from seedling.tasks import measuring
from seedling.training import listed
from seedling.training.listed import Listed

MOST_RUNS, SHOWN_RUNS = 1_000, 20  # in the page, and without unfolding the rest
MOST_CHANGES, MOST_REPORTS = 40, 40
MOST_EVIDENCE = 300  # characters


def of(project: Project) -> dict[str, Any]:
    """Return the values of the template's names.

    Raises:
        ProjectError: the runs or the registered versions cannot be read.
    """
    runs = listed.of_project(project)
    numbered = [one for one in runs if one.run is not None]
    changes = audit.entries(project)
    answering = facts.answering(project, runs, watched.since(changes))
    models = [model.name for model in project.config.training.models]
    monitored = watched.worst_first({name: watched.monitored(project, name) for name in models})
    compared = watched.worst_first({name: watched.compared(project, name) for name in models})
    data = facts.data(project, runs)
    return {
        "config": project.config,
        "data": data,
        "answering": answering,
        "best": next((one for one in answering if one.is_best), None),
        "elsewhere": len(project.registered_elsewhere),
        "monitored": monitored,
        "compared": compared,
        "charts": _charts(project, numbered[-MOST_RUNS:], changes),
        "runs": [(one, facts.pages(project, one)) for one in reversed(numbered[-MOST_RUNS:])],
        "shown_runs": SHOWN_RUNS,
        "older_runs": max(0, len(numbered) - MOST_RUNS),
        "changes": [
            (one, watched.seconds(one.time), _evidence(one))
            for one in reversed(changes[-MOST_CHANGES:])
        ],
        "is_edited": audit.faults(project),
        "older_changes": max(0, len(changes) - MOST_CHANGES),
        "reports": watched.reports(project)[:MOST_REPORTS],
        "next": _next(bool(data), bool(answering), bool(monitored)),
    }


def _evidence(entry: Entry) -> str:
    """Return what a change rests on, and its reason does not say, as one short line."""
    texts = {name.replace("_", " "): _text(value) for name, value in entry.evidence.items()}
    found = ", ".join(f"{name} {text}" for name, text in texts.items() if text not in entry.why)
    return f"{found[:MOST_EVIDENCE]} ..." if len(found) > MOST_EVIDENCE else found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _charts(project: Project, runs: list[Listed], changes: list[Entry]) -> list[chart.Chart]:
    moved = watched.champions(changes)
    found = [
        chart.drawn(
            dataset.name,
            dataset.metric,
            dataset.metric in measuring.lower_is_better(dataset),
            runs,
            moved,
        )
        for dataset in project.config.datasets
    ]
    return [each for each in found if each]


def _next(has_data: bool, has_models: bool, is_watched: bool) -> list[tuple[str, str]]:
    """Return what to type next in a project that lacks something: verbs, and what each does."""
    if not has_data:
        return [
            ("make create-local-datasets", "creates the dataset, of sample data at first"),
            ("make create-local-datasets FROM=your_table.csv", "makes it of a table of yours"),
            ("make train", "trains, evaluates and registers the models"),
        ]
    if not has_models:
        return [("make train", "trains, evaluates and registers the models")]
    if not is_watched:
        return [
            ("make serve-local", "answers over HTTP, and logs what it answered"),
            ("make monitor", "compares what was asked with what the models learned from"),
        ]
    return []
