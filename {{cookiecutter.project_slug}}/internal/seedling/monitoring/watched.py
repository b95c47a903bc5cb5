"""Look at a version's part of the prediction log: drift and performance, window by window.

`watch` neither prints nor writes; the verb `monitor` and the steps on Azure ML call it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seedling.config import Dataset, Monitoring, Project
from seedling.data import datasets
from seedling.errors import ProjectError
from seedling.monitoring import (
    cutting,
    drift,
    expected,
    findings,
    logged,
    report,
    shapes,
    spending,
    verdicts,
    windows,
)
from seedling.monitoring.by_truth import ByTruth
from seedling.monitoring.cutting import Reading
from seedling.monitoring.findings import Findings, Window
from seedling.monitoring.logged import Page
from seedling.monitoring.profiles import Profile, Profiler
from seedling.monitoring.watched_version import Watched, find
from seedling.monitoring.windows import Cut
from seedling.serving import log_texts
from seedling.wording import counted, listed

PARTS = ("drift", "performance")


class Asked(NamedTuple):
    """The part of the log that is looked at; None for the default.

    Attributes:
        model: a folder of models/.
        version: the champion's unless given.
        start, end: the first moment, and the moment after the last; `end` is now unless given.
        window: a length of time, or a number of rows; that of model.yaml unless given.
        parts: of PARTS.
    """

    model: str
    version: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    window: str | int | None = None
    parts: tuple[str, ...] = PARTS


def watch(project: Project, asked: Asked) -> Findings:
    """Compare what a version was sent and answered, and the truth, with its reference.

    Raises:
        ProjectError: there is no such version, its files are gone, or the log cannot be read.
    """
    settings = project.config.monitoring
    version = find(project, asked.model, asked.version)
    end = asked.end or datetime.now(UTC)
    reference, words = _reference(project, version)
    found = Findings(
        project.config.name,
        asked.model,
        version.version,
        version.dataset.name,
        version.dataset.target.name,
        datetime.now(UTC).isoformat(timespec="seconds"),
        reference=words,
        moderate=settings.drift.moderate,
        severe=settings.drift.severe,
        remarks=[*version.remarks],
    )
    looking = _Looking(project, version, reference, settings, asked)
    read = looking.reading(end)
    found.cut = read.cut.words
    counting = looking.count(read)
    for number, each in sorted(counting.items()):
        found.windows.append(looking.judged(each, read.cut, number))
    if looking.unread:
        records = counted(len(looking.unread), "record")
        found.remarks.append(f"{records} of the log left out, no JSON: {looking.unread[0]}.")
    if counting:
        last = counting[max(counting)].profiler.finish()
        found.shapes = shapes.of(reference, last)
        if looking.by_truth is not None:
            found.together = looking.by_truth.together()
            found.remarks += looking.by_truth.matched()
    else:
        found.remarks.append(looking.nothing(read.start, end))
    return verdicts.judged(found)


def _reference(project: Project, version: Watched) -> tuple[Profile, str]:
    """Return the profile that windows are compared with, and a sentence about it."""
    if version.profile is not None:
        rows = counted(version.profile.rows, "row")
        return version.profile, f"Compared with the {rows} that it was trained and measured on."
    table = datasets.load(project, project.config.dataset(version.dataset.name))
    counting = Profiler(version.dataset)
    counting.add(table[[each.name for each in version.dataset.raw if each.name in table]])
    return counting.finish(), (
        f"Version {version.version} has no profile, it is from before there were any: compared "
        f"with the {counted(len(table), 'row')} of {version.dataset.name}, without its answers."
    )


class _Counting:
    """The rows of one window while pages of the log are read."""

    def __init__(self, dataset: Dataset, reference: Profile) -> None:
        self.profiler = Profiler(dataset, reference)
        self.rows = self.simulated = 0
        self.first: pd.Timestamp | None = None
        self.last: pd.Timestamp | None = None
        self.answered: list[Page] = []  # for performance

    def add(self, page: Page, kept: Page | None) -> None:
        """Count rows; those to keep are for performance."""
        self.profiler.add(page.sent, page.answers)
        self.rows += len(page.records)
        self.simulated += int(page.records["simulated"].sum())
        times = page.records["time"]
        self.first, self.last = self.first or times.iloc[0], times.iloc[-1]
        if kept is not None:
            self.answered.append(kept)

    def page(self) -> Page:
        """Return all rows that were kept, as one page."""
        parts = (
            pd.concat(tables, ignore_index=True) for tables in zip(*self.answered, strict=True)
        )
        return Page(*parts)


class _Looking:
    """One look at the log of a version."""

    def __init__(
        self,
        project: Project,
        version: Watched,
        reference: Profile,
        settings: Monitoring,
        asked: Asked,
    ) -> None:
        self._project, self._version, self._reference = project, version, reference
        self._settings, self._asked = settings, asked
        self.by_truth: ByTruth | None = None
        if "performance" in asked.parts:
            self.by_truth = ByTruth(project, version.dataset, reference, settings)
        self.unread: list[str] = []  # ids of records

    def reading(self, end: datetime) -> Reading:
        """Return how the log is cut into windows, and its pages."""
        given = self._asked.window or self._settings.window
        is_chosen = bool(self._asked.window or "window" in self._settings.model_fields_set)

        def pages(start: datetime) -> Iterator[Page]:
            found = logged.logged(
                self._project,
                self._asked.model,
                start,
                end,
                version=self._version.version,
                role=self._version.role,
                dataset=self._version.dataset,
                unread=self.unread,
            )
            # What the log has in the place of texts says nothing of how they move.
            kept = self._project.config.serving.logged_texts
            lost = log_texts.lost(kept, self._version.dataset)
            return (page._replace(sent=page.sent.drop(columns=lost)) for page in found)

        return cutting.reading(given, is_chosen, self._asked.start, end, pages)

    def count(self, read: Reading) -> dict[int, _Counting]:
        """Return the windows that have rows, by their number."""
        found: dict[int, _Counting] = {}
        before = 0
        for page in read.pages:
            for number, part in windows.parts(read.cut, page, before):
                if number not in found:
                    found[number] = _Counting(self._version.dataset, self._reference)
                found[number].add(part, self.by_truth.kept(part) if self.by_truth else None)
            before += len(page.records)
        return found

    def judged(self, counting: _Counting, cut: Cut, number: int) -> Window:
        """Compare the rows of one window with the reference."""
        alpha = self._settings.drift.alpha
        if cut.length is None:
            alpha = spending.alpha_by_look(alpha, number + 1)
        else:
            alpha = spending.alpha_by_time(alpha, cut.length)
        assert counting.first is not None
        assert counting.last is not None
        found = Window(
            counting.first.isoformat(),
            counting.last.isoformat(),
            counting.rows,
            counting.simulated,
            alpha,
        )
        if "drift" in self._asked.parts:
            given = self._settings.drift
            limits = drift.DriftSettings(alpha, given.moderate, given.severe)
            window = counting.profiler.finish()
            by_itself = expected.of(self._version.dataset)
            found.drifts = drift.drifts(self._reference, window, limits, by_itself)
            found.verdict = drift.worst(found.drifts)
        if self.by_truth is not None:
            self.by_truth.measure(found, counting.page())
            counting.answered.clear()
        return found

    def nothing(self, start: datetime, end: datetime) -> str:
        """Say that the version has answered nothing, and what to do."""
        version, model = self._version.version, self._asked.model
        since = f"since {start.astimezone():%Y-%m-%d %H:%M}"
        others = {
            each.version: None
            for each in logged.records(self._project, model, start, end)
            if each.version != version
        }
        if others:
            return (
                f"Version {version} of {model} has answered nothing {since}; version "
                f"{listed([*others])} has: monitor {model} --version {[*others][-1]}."
            )
        return (
            f"No answer of {model} is in the prediction log {since}: serve it (predict-all), "
            "and ask again."
        )


def write(project: Project, found: Findings, is_latest: bool = True) -> Path:
    """Write page and findings into a new folder, and return the page.

    Args:
        project: of the model.
        found: the findings.
        is_latest: note them as the latest about the model; not those about another time or version.
    """
    folder = findings.new_folder(project, found)
    page = report.write(found, folder)
    if is_latest:
        findings.note_latest(project, found)
    return page


def models(project: Project, model: str | None) -> list[str]:
    """Return the models that are looked at: this one, or all that are registered.

    Raises:
        ProjectError: there is no such model, or none is registered.
    """
    registered = [entry.model for entry in project.config.models if entry.is_champion]
    if model is not None:
        project.config.trained_model(model)
        if model not in registered:
            raise ProjectError(f"No version of {model} is registered: run train --model {model}.")
        return [model]
    if not registered:
        raise ProjectError("No model is registered: run train.")
    return registered
