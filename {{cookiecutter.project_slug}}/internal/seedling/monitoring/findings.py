"""Findings of one look at a version's log, as JSON beside their page."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.monitoring.drift import ORDER, Drift
from seedling.monitoring.performance import Estimate, Performance

FILE, LATEST = "findings.json", "latest.json"
TOO_FEW = "too few rows"
VERDICTS = ("steady", "moved, harmless", "moderate", "severe")  # the worst last


class Shape(msgspec.Struct, omit_defaults=True):
    """The distribution of one column, then and now, in few enough bars to be drawn.

    Attributes:
        name: of the column.
        part: feature or output.
        labels: of the bars: a range of numbers, or a value.
        then, now: the share of the known cells that each bar has.
    """

    name: str
    part: str
    labels: list[str]
    then: list[float]
    now: list[float]


class Window(msgspec.Struct, omit_defaults=True):
    """The rows of one window, compared with the reference.

    Attributes:
        start, end: its first and last moment (ISO 8601, UTC).
        rows: that were answered in it.
        simulated: of them.
        parts: the number of windows that it has been made of.
        alpha: the probability of a false alarm about its data.
        verdict: about its data.
        drifts: by column.
        performance: None where truth was not asked for.
        estimate: of what truth will say; None where it was not asked for.
    """

    start: str
    end: str
    rows: int
    simulated: int = 0
    alpha: float = 0.0
    parts: int = 1
    verdict: str = TOO_FEW
    drifts: list[Drift] = []
    performance: Performance | None = None
    estimate: Estimate | None = None


class Findings(msgspec.Struct, omit_defaults=True):
    """All windows of one version that were looked at, with the verdict about the last of them.

    Attributes:
        made: when (ISO 8601, UTC).
        cut: how the windows were cut, as a sentence.
        reference: what they were compared with, as a sentence.
        moderate, severe: the effects from which a column that has moved is called so.
        windows: with rows, the oldest first.
        together: the newest windows as one, if the truth of the last one is too thin; its
            `performance` only is set.
        shapes: the columns' distributions in the last window.
        verdict: one of VERDICTS, or TOO_FEW: the worse of data and performance.
        reasons: for the verdict, as sentences, the most important first.
        remarks: what else a reader has to know.
        own_rule: whether the team's monitoring/severity.py has judged.
    """

    project: str
    model: str
    version: str
    dataset: str
    target: str
    made: str
    cut: str = ""
    reference: str = ""
    moderate: float = 0.0
    severe: float = 0.0
    windows: list[Window] = []
    together: Window | None = None
    shapes: list[Shape] = []
    verdict: str = TOO_FEW
    reasons: list[str] = []
    remarks: list[str] = []
    own_rule: bool = False

    @property
    def last(self) -> Window | None:
        """Return the window that the verdict about the data is of."""
        return self.windows[-1] if self.windows else None

    @property
    def drifts(self) -> list[Drift]:
        """Return the columns of the last window."""
        return self.last.drifts if self.last else []

    @property
    def measured(self) -> Window | None:
        """Return the newest windows, together if need be, whose truth allows a verdict.

        Where none does, these are all windows with truth as one.
        """
        known = [each for each in self.windows if each.performance and each.performance.rows]
        found = [*known, *([self.together] if self.together else [])]
        judged = [each for each in found if each.performance.verdict != TOO_FEW]  # type: ignore[union-attr]
        return next(iter([*judged[-1:], *found[-1:]]), None)

    @property
    def performance(self) -> Performance | None:
        """Return the performance of `measured`; of the last window where none has truth."""
        window = self.measured or self.last
        return window.performance if window else None

    @property
    def estimate(self) -> Estimate | None:
        """Return the estimate of the last window."""
        return self.last.estimate if self.last else None

    @property
    def rows(self) -> int:
        """Return the rows of all windows."""
        return sum(each.rows for each in self.windows)

    @property
    def simulated(self) -> int:
        """Return the rows that simulate-month has made up."""
        return sum(each.simulated for each in self.windows)

    def is_at_least(self, verdict: str) -> bool:
        """Return whether the verdict is this one of VERDICTS, or worse."""
        return self.verdict != TOO_FEW and (VERDICTS.index(self.verdict) >= VERDICTS.index(verdict))


def worst(verdicts: list[str]) -> str:
    """Return the worst of some verdicts; too few rows only where there is no other."""
    assert {*VERDICTS} <= {*ORDER}
    found = [each for each in verdicts if each != TOO_FEW]
    return max(found, key=VERDICTS.index, default=TOO_FEW)


def joined(one: Findings, other: Findings) -> Findings:
    """Return findings about drift with the performance that another look at the log has found."""
    reasons = [*dict.fromkeys([*one.reasons, *other.reasons])]
    verdict = worst([one.verdict, other.verdict])
    return msgspec.structs.replace(one, together=other.measured, verdict=verdict, reasons=reasons)


def folder_of(project: Project, model: str = "") -> Path:
    """Return the folder of all looks at a model, or at all models."""
    return project.assets / "reports" / "monitor" / model


def new_folder(project: Project, findings: Findings) -> Path:
    """Return the folder of one look, named by its time."""
    made = datetime.fromisoformat(findings.made).astimezone(UTC)
    return folder_of(project, findings.model) / made.strftime("%Y-%m-%dT%H-%M-%SZ")


def read(path: Path) -> Findings:
    """Read findings.

    Raises:
        ProjectError: they are not there, or are those of another release.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Findings)
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise ProjectError(f"{path} has no findings of monitor: {error}.") from None


def as_json(findings: Findings) -> str:
    """Return findings as an indented text."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2).decode() + "\n"


def write(folder: Path, findings: Findings) -> Path:
    """Write findings into a folder, and return the file."""
    write_text(folder / FILE, as_json(findings))
    return folder / FILE


def note_latest(project: Project, findings: Findings) -> None:
    """Note findings as the latest about their model."""
    write_text(folder_of(project, findings.model) / LATEST, as_json(findings))


def latest(project: Project, model: str) -> Findings | None:
    """Return the last findings about a model; None if there are none, or of another release."""
    path = folder_of(project, model) / LATEST
    try:
        return read(path) if path.exists() else None
    except ProjectError:
        return None
