"""The section `monitoring` of model.yaml: windows, thresholds, and when to train again."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator
from pydantic import model_validator as validates_model

from seedling.config.document import Section

SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(m|h|d|w)")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
CRON_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
CRON_PART = r"(\*|\d+(-\d+)?)(/[1-9]\d*)?"
CRON_FIELD = re.compile(f"{CRON_PART}(,{CRON_PART})*", re.ASCII)
LONG = 60  # letters of a wrong text that are shown
LONGEST = timedelta(days=36_500)


def span(text: str) -> timedelta:
    """Return the length of time that a text names: `90m`, `12h`, `7d` or `2w`.

    Raises:
        ValueError: it names none, or none of between a minute and a hundred years.
    """
    found = SPAN.fullmatch(text.strip())
    number = float(found[1]) if found else 0.0
    if found and number <= LONGEST / timedelta(minutes=1):
        length = timedelta(**{UNITS[found[2]]: number})
        if timedelta(minutes=1) <= length <= LONGEST:
            return length
    shown = repr(text) if len(text) <= LONG else f"{text[:LONG]!r}..."
    raise ValueError(f"{shown} is no length of time, such as 12h, 7d or 2w")


def _is_span(text: str) -> str:
    span(text)
    return text


def cron(text: str) -> str:
    """Return the time of a schedule, five fields, as it is.

    Raises:
        ValueError: it is none.
    """
    fields = text.split()
    if len(fields) != len(CRON_LIMITS) or not all(map(_is_within, fields, CRON_LIMITS)):
        raise ValueError(
            f"{text!r:.80} is no time: give minute, hour, day of the month, month and day of the "
            'week, such as "0 3 * * 1"'
        )
    return text


def _is_within(field: str, limits: tuple[int, int]) -> bool:
    """Check that a field of a cron expression is `*`, numbers, or ranges within the limits."""
    if not CRON_FIELD.fullmatch(field):
        return False
    numbers = [int(number) for number in re.findall(r"(?<!/)\b\d+", field)]
    return all(limits[0] <= number <= limits[1] for number in numbers)


def _window(given: object) -> object:
    """Take a number of rows or a length of time; refuse others in one message and not in two."""
    if type(given) is int and given > 0:
        return given
    if isinstance(given, str):
        return _is_span(given)
    raise ValueError(f"{given!r} is neither a number of rows nor a length of time, such as 7d")


Cron = Annotated[str, AfterValidator(cron)]
Span = Annotated[str, AfterValidator(_is_span)]
Window = Annotated[int | str, PlainValidator(_window)]
Share = Annotated[float, Field(gt=0, lt=1)]


class MonitoringSection(Section):
    """A section that may be empty, as where all its keys are comments."""

    model_config = ConfigDict(allow_inf_nan=False)

    @validates_model(mode="before")
    @classmethod
    def _may_be_empty(cls, given: Any) -> Any:
        return {} if given is None else given


class DriftSettings(MonitoringSection):
    """The level of false alarms of a window, and from which effect a change counts.

    `alpha` is the share of windows without any change that may be called moved; `moderate` and
    `severe` are effects on the one scale of all kinds of columns.
    """

    alpha: Share = 0.05
    moderate: float = Field(default=0.1, gt=0)
    severe: float = Field(default=0.25, gt=0)

    @validates_model(mode="after")
    def _is_ordered(self) -> "DriftSettings":
        if self.moderate > self.severe:
            raise ValueError(f"moderate {self.moderate:g} is above severe {self.severe:g}")
        return self


class PerformanceSettings(MonitoringSection):
    """From which loss of the metric a change counts, and how sure an interval is."""

    alpha: Share = 0.05
    moderate: float = Field(default=0.02, gt=0)
    severe: float = Field(default=0.05, gt=0)

    @validates_model(mode="after")
    def _is_ordered(self) -> "PerformanceSettings":
        if self.moderate > self.severe:
            raise ValueError(f"moderate {self.moderate:g} is above severe {self.severe:g}")
        return self


class CompareSettings(MonitoringSection):
    """The difference of two versions' losses that counts as none, and the level of error.

    `margin` is a share of the champion's loss; `alpha` the probability that a verdict is ever
    wrong, however often one looks.
    """

    margin: float = Field(default=0.01, ge=0)
    alpha: Share = 0.05


class RetrainSettings(MonitoringSection):
    """The rules by which a model is trained again; one that is null or false is no reason.

    Attributes:
        drift: the verdict of `monitor` about the data, from which on it is a reason.
        performance: the loss of the metric that is one, where `monitor` is sure that it is a loss:
            of a score in its own unit, of an error as a share of what it was.
        new_rows: logged rows whose truth is known, since the champion was trained, as a share of
            the dataset's rows.
        age: that of the champion.
        cool_down: between two trainings by rule at least this passes.
        logged_rows: whether logged rows with truth are learned from that the source does not have.
        cron: when a schedule asks these rules, five fields in UTC.
    """

    drift: Literal["moderate", "severe"] | None = "severe"
    performance: Annotated[float, Field(gt=0)] | None = 0.02
    new_rows: Annotated[float, Field(gt=0)] | None = 0.2
    age: Span | None = "90d"
    cool_down: Span = "1d"
    logged_rows: bool = False
    cron: Cron | None = None


class Monitoring(MonitoringSection):
    """The windows of `monitor`, and the size from which a change counts.

    Attributes:
        window: a length of time such as 7d, or a number of rows.
        segments: columns by whose values performance is measured too.
    """

    window: Window = "7d"
    drift: DriftSettings = DriftSettings()
    performance: PerformanceSettings = PerformanceSettings()
    segments: list[str] = []
    compare: CompareSettings = CompareSettings()
    retrain: RetrainSettings = RetrainSettings()
