"""The findings of `compare` about a challenger and its champion, as they are kept and said."""

import math
from pathlib import Path

import msgspec

from seedling.config import Project
from seedling.files import write_text
from seedling.lifecycle.sequence import BETTER, EQUAL, NOT_YET, WORSE
from seedling.wording import counted

PAIRED, SPLIT = "paired", "split"
LATEST = "latest.json"


class Step(msgspec.Struct, frozen=True):
    """The difference by the rows that were answered up to a time.

    Attributes:
        time: ISO 8601, UTC.
        rows: as in Comparison, of answers up to then whose truth is known now.
        difference, low, high: as in Comparison.
    """

    time: str
    rows: int
    difference: float
    low: float
    high: float


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """A comparison of two versions' losses on rows whose truth is known.

    Attributes:
        model: a folder of models/.
        champion, challenger: the versions.
        way: `paired`, of a shadow that answered the same rows; `split`, of a version that answers
            a share of the entities.
        made, since: the time of the comparison, and of the first row, as ISO 8601.
        verdict: about the challenger: better, worse, equal, or not yet.
        loss: the name of the losses; lower is better.
        rows: with truth, that were compared.
        challenger_rows: those of them that the challenger answered; all where they are paired.
        champion_loss, challenger_loss: their means.
        difference: the challenger's less the champion's, with its interval `low` to `high`.
        margin: of the difference, within which two versions are equal.
        alpha: the probability that a verdict is ever wrong, however often one looks.
        needed: about how many more rows a verdict takes; None if that cannot be said.
        without_truth: rows that the challenger answered and whose truth is not known yet.
        simulated: compared rows that simulate-month has sent.
        learned: of these, those of months with rows that the champion had learned from: where
            there are any, nothing is promoted on this evidence alone.
        course: how the difference became what it is, day by day.
    """

    model: str
    champion: str
    challenger: str
    way: str
    made: str
    since: str
    verdict: str = NOT_YET
    loss: str = ""
    rows: int = 0
    challenger_rows: int = 0
    champion_loss: float | None = None
    challenger_loss: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float = 0.0
    alpha: float = 0.05
    needed: int | None = None
    without_truth: int = 0
    simulated: int = 0
    learned: int = 0
    course: list[Step] = []

    @property
    def is_harmful(self) -> bool:
        """Return whether the challenger is worse by more than the margin for sure."""
        return self.verdict == WORSE and (self.low or 0) > self.margin and not self.learned

    @property
    def is_reason(self) -> bool:
        """Return whether the challenger is better, on rows that say so also of others."""
        return self.verdict == BETTER and not self.learned

    @property
    def words(self) -> str:
        """Return the verdict and what it rests on, as sentences."""
        both = f"version {self.challenger} of {self.model}", f"version {self.champion}"
        if self.verdict == BETTER:
            head = f"{both[0]} is better than {both[1]}"
        elif self.verdict == WORSE:
            harm = "harmful, stop it now: " if self.is_harmful else ""
            head = f"{harm}{both[0]} is worse than {both[1]}"
        elif self.verdict == EQUAL:
            head = f"{both[0]} is equal to {both[1]} within a margin of {self.margin:.2g}"
        else:
            head = f"not yet: {both[0]} is neither better nor worse than {both[1]} for sure"
        return f"{head[0].upper()}{head[1:]}. {self._numbers()}{self._remarks()}"

    def _numbers(self) -> str:
        if not self.rows or self.challenger_loss is None or self.champion_loss is None:
            return "No row that both can be measured on has its truth yet: run add-truth."
        rows = counted(self.rows, "row")
        if self.way == PAIRED:
            where = f"on {rows} that both answered"
        else:
            own = counted(self.challenger_rows, "row")
            where = f"on {own} of its own against {self.rows - self.challenger_rows:,}"
        found = f"{self.loss}: {self.challenger_loss:.4g} against {self.champion_loss:.4g} {where}"
        if self.low is None or self.high is None or math.isinf(self.low):
            return f"{found[0].upper()}{found[1:]}."
        interval = f"{self.difference:+.2g} ({self.low:+.2g} to {self.high:+.2g})"
        return f"{found[0].upper()}{found[1:]}; difference {interval}."

    def _remarks(self) -> str:
        found = ""
        if self.verdict == NOT_YET and self.rows:
            if self.needed is None:
                found += " No number of rows would decide it soon."
            else:
                found += f" About {counted(self.needed, 'more row')} with truth would decide it."
        if self.without_truth:
            found += f" {counted(self.without_truth, 'row')} wait for truth."
        if self.simulated:
            found += f" Simulated: {counted(self.simulated, 'row')}."
        if self.learned:
            found += (
                f" {self.learned:,} of these are of months drawn from rows that versions learned "
                "from, which favours the one that has learned them by heart: no evidence."
            )
        return found


def write(project: Project, model: str, found: list[Comparison]) -> None:
    """Keep the comparisons of a model's challengers, in the place of earlier ones."""
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    write_text(_path(project, model), text + "\n")


def latest(project: Project, model: str) -> list[Comparison]:
    """Return the last comparisons of a model, one for each challenger; empty if there are none."""
    try:
        return msgspec.json.decode(_path(project, model).read_bytes(), type=list[Comparison])
    except (OSError, ValueError):  # none was made, or another version wrote it
        return []


def folder_of(project: Project, model: str) -> Path:
    """Return the folder of a model's comparisons and of their page."""
    return project.assets / "reports" / "compare" / model


def _path(project: Project, model: str) -> Path:
    return folder_of(project, model) / LATEST
