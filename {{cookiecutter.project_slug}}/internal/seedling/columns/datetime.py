"""Days with a time, of which a model sees what it sees of days, the hour and the time of day."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from seedling.columns.calendar.base import Moments
from seedling.columns.calendar.proposal import Found
from seedling.columns.date import Part
from seedling.columns.protocol import Json

if TYPE_CHECKING:
    import pandas as pd


@cache
def find_zone(name: str) -> tzinfo:
    """Return the time zone of this name.

    Raises:
        ValueError: this machine knows none.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        words = f"there is no time zone {name!r} here, such as UTC or Europe/Berlin"
        raise ValueError(f"{words}: is tzdata installed?") from None


def _known(name: Any) -> Any:
    if isinstance(name, str):
        find_zone(name)
    return name


class DateTime(Moments):
    """A day with a time, in `zone`; without one, times that have a zone are refused."""

    chosen: Annotated[
        tuple[Part | Literal["hour", "time"], ...], Field(alias="parts", min_length=1)
    ] = ("days", "month", "day", "weekday", "hour", "time")
    zone: Annotated[str, BeforeValidator(_known)] | None = None

    expected: ClassVar[str] = (
        "a date and time such as 2024-03-15T20:21:09, with a zone only if the schema has one"
    )
    asked: ClassVar[int] = 1
    kind: ClassVar[str] = "datetime-local"
    format: ClassVar[str] = "date-time"

    def endings(self) -> Sequence[str]:
        return self.chosen

    @classmethod
    def takes(cls, found: Found) -> bool:
        return found.timed

    @classmethod
    def keys(cls, found: Found) -> Json:
        return {**super().keys(found), **({"zone": "UTC"} if found.zoned else {})}

    def words(self) -> str:
        return ", ".join(filter(None, [super().words(), self.zone]))

    def local(self, found: datetime) -> datetime:
        if found.tzinfo is None:
            return found.replace(microsecond=0) if found.microsecond else found
        if self.zone is None:
            raise ValueError(f"{found} has a time zone")
        try:
            inside = found.astimezone(find_zone(self.zone))
        except OverflowError:
            raise ValueError(f"{found} is outside of the calendar") from None
        return inside.replace(tzinfo=None, microsecond=0)

    def series(self, found: "pd.Series") -> "pd.Series":
        import pandas as pd

        if found.dt.tz is None:
            return found
        if self.zone is None:
            return pd.Series(pd.NaT, index=found.index, dtype="datetime64[s]")
        return found.dt.tz_convert(find_zone(self.zone)).dt.tz_localize(None)


TYPE = DateTime
