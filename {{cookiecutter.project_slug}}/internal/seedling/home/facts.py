"""Data, and the versions that answer, as the page shows them: read from files of this machine."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from seedling.config import NamedDataset, Project, RegisteredModel
from seedling.data.dataset_files import note_path
from seedling.files import read_json
from seedling.serving import unnamed
from seedling.training.listed import Listed

REPORT, CARD, HELD_OUT = "report.html", "model_card.md", "holdout_predictions.csv"


class Data(NamedTuple):
    """A file of a dataset that was created, or that runs have learned from.

    Attributes:
        version: the dataset's in model.yaml at that time.
        rows: their number; None if it was not noted.
        sha256: of the file.
        since: when it was first seen, in seconds since 1970; None if that is unknown.
        runs: how many learned from it.
        is_here: whether it is the file that is there now.
    """

    dataset: str
    version: str
    rows: int | None
    sha256: str
    since: float | None
    runs: int
    is_here: bool


class Answering(NamedTuple):
    """A version that the service answers with.

    Attributes:
        answers: the callers that it answers.
        is_best: whether it answers where a request names no model.
        metric, value: of its dataset, on the holdout; None if it was not measured.
        since: when it was registered or got its role, in seconds since 1970; None if unknown.
        pages: links to its report and its other pages, by their words.
    """

    model: str
    version: str
    answers: str
    is_best: bool
    metric: str
    value: float | None
    since: float | None
    pages: dict[str, str]


def data(project: Project, runs: Sequence[Listed]) -> list[Data]:
    """List the files of each dataset of model.yaml, the newest first."""
    found = []
    for dataset in project.config.named_datasets:
        own = [one for one in runs if one.dataset == dataset.name and one.data.get("sha256")]
        noted = _noted(project, dataset, own)
        known = {noted.sha256} if noted else set()
        files = [noted] if noted else []
        for one in reversed(own):
            if one.data["sha256"] not in known:
                known.add(one.data["sha256"])
                files.append(_learned(one, own))
        found += files
    return found


def answering(
    project: Project, runs: Sequence[Listed], since: dict[tuple[str, str], float]
) -> list[Answering]:
    """List the versions that answer on this machine, in the order of model.yaml.

    Args:
        project: its registered versions.
        runs: as `listed.of_project` lists them.
        since: when a version of a model got its role, by both names, where that was noted.
    """
    best = unnamed.here(project, project.config)
    found = []
    for entry in project.config.models:
        one = next((one for one in reversed(runs) if _is(one, entry)), None)
        found.append(
            Answering(
                entry.model,
                entry.version,
                _answers(project.config.models, entry),
                entry.is_champion and entry.model == best,
                one.metric if one else "",
                one.value if one else None,
                since.get((entry.model, entry.version)) or (one.begun if one else None),
                pages(project, one) if one else {},
            )
        )
    return found


def pages(project: Project, one: Listed) -> dict[str, str]:
    """Return the pages of a run that are on this machine: links from the reports' folder."""
    folder = project.assets / "reports"
    own = folder / one.pipeline / one.model
    if not one.pipeline:
        return {}
    named = {"report": REPORT, "card": CARD, "rows": HELD_OUT}
    return {
        words: link(folder, own / name) for words, name in named.items() if (own / name).is_file()
    }


def link(folder: Path, path: Path) -> str:
    """Return the address of a file from a page in `folder`, which holds it."""
    from urllib.parse import quote

    return quote(path.relative_to(folder).as_posix())


def _noted(project: Project, dataset: NamedDataset, runs: Sequence[Listed]) -> Data | None:
    """Return the file of a dataset that is there now; None if it was not created."""
    note = note_path(project.dataset_path(dataset))
    try:
        noted, made = read_json(note), note.stat().st_mtime
        version, rows, sha256 = noted["version"], noted["rows"], noted["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    own = [one for one in runs if one.data["sha256"] == sha256]
    times = [one.begun for one in own if one.begun is not None]
    return Data(
        dataset.name, str(version), int(rows), str(sha256), min([*times, made]), len(own), True
    )


def _learned(last: Listed, runs: Iterable[Listed]) -> Data:
    """Return a file that is gone, by the last run that learned from it."""
    own = [one for one in runs if one.data["sha256"] == last.data["sha256"]]
    rows = last.data.get("rows", "")
    return Data(
        last.dataset,
        last.data.get("version", ""),
        int(rows) if rows.isdecimal() else None,
        last.data["sha256"],
        own[0].begun,
        len(own),
        False,
    )


def _is(one: Listed, entry: RegisteredModel) -> bool:
    return (one.model, one.version) == (entry.model, entry.version)


def _answers(entries: Sequence[RegisteredModel], entry: RegisteredModel) -> str:
    if entry.shadow:
        return "the log only: a shadow"
    if entry.share is not None:
        return f"{entry.share:.0%} of the entities"
    others = sum(each.share or 0 for each in entries if each.model == entry.model)
    return "all: the champion" if not others else f"{1 - others:.0%}: the champion"
