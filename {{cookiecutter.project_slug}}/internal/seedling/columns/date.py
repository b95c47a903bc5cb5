"""Days, of which a model sees the month, the weekday and the number of days since a reference."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from seedling.columns.calendar.base import Moments
from seedling.columns.calendar.proposal import Found

if TYPE_CHECKING:
    import pandas as pd

OfYear = Literal["year", "quarter", "month", "day", "yearday", "season_sin", "season_cos"]
Part = Literal["days", OfYear, "weekday", "weekend"]


class Date(Moments):
    """A day; a time may stand behind it if it is midnight."""

    chosen: Annotated[tuple[Part, ...], Field(alias="parts", min_length=1)] = (
        "days",
        "month",
        "day",
        "weekday",
    )

    expected: ClassVar[str] = "a date such as 2024-03-15"
    asked: ClassVar[int] = 1
    wider: ClassVar[tuple[str, ...]] = ("datetime",)
    unit: ClassVar[Literal["s", "D"]] = "D"
    kind: ClassVar[str] = "date"
    format: ClassVar[str] = "date"

    def endings(self) -> Sequence[str]:
        return self.chosen

    @classmethod
    def takes(cls, found: Found) -> bool:
        return not found.timed

    @staticmethod
    def limit(moment: datetime) -> date:
        return moment.date()

    def cell(self, value: Any) -> str:
        if isinstance(value, str) and len(value) == 10:
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                pass
        return super().cell(value)

    def local(self, found: datetime) -> datetime:
        if found.hour or found.minute or found.second or found.microsecond:
            raise ValueError(f"{found} is no midnight")
        return found if found.tzinfo is None else found.replace(tzinfo=None)

    def series(self, found: "pd.Series") -> "pd.Series":
        written = found.dt.tz_localize(None)
        return written.where(written == written.dt.normalize())


TYPE = Date
