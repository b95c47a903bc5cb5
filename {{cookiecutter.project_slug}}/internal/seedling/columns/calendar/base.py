"""The base of `date` and `datetime`: how they are read, in which range, and their parts.

A value of the service is text in ISO 8601, which orders as moments do.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict
from pydantic import model_validator as validates_model

from seedling.columns.calendar import parts, proposal
from seedling.columns.calendar.text import read, read_iso
from seedling.columns.protocol import Check, Column, FormField, Json
from seedling.data import spelled
from seedling.data.spelled import POINT, Marks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)  # that can be written


def _iso(value: Any) -> Any:
    """Return a moment of model.yaml as text, whether it was written as text or as YAML's date."""
    try:
        found = read(value).replace(tzinfo=None).isoformat(timespec="seconds")
    except ValueError:
        raise ValueError("expected a date such as 2024-03-15") from None
    return found.removesuffix("T00:00:00")


Moment = Annotated[str, BeforeValidator(_iso)]


class Moments(Column):
    """Days or times of day; `earliest` and `latest` bound what validation expects.

    Attributes:
        day_first: whether 01/02/2024 is 1 February; it is refused unless this is set.
        since: the day from which the part `days` counts.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    earliest: Moment | None = None
    latest: Moment | None = None
    day_first: bool | None = None
    since: Moment = "2000-01-01"

    missing: ClassVar[frozenset[str]] = spelled.NO_VALUE
    profiled: ClassVar[Literal["numbers", "categories", "words"]] = "numbers"
    is_time: ClassVar[bool] = True
    usual_shift: ClassVar[str] = "30d"
    unit: ClassVar[Literal["s", "D"]] = "s"  # of a value: D where it has no time
    kind: ClassVar[str]  # of the page's <input>
    format: ClassVar[str]  # in JSON Schema

    @validates_model(mode="after")
    def _is_a_range(self) -> "Moments":
        if self.earliest and self.latest and self.earliest > self.latest:
            raise ValueError(f"earliest {self.earliest} is after latest {self.latest}")
        return self

    def local(self, found: datetime) -> datetime:
        """Return a moment without a zone, as the column has it.

        Raises:
            ValueError: the column cannot take it.
        """
        raise NotImplementedError

    def series(self, found: "pd.Series") -> "pd.Series":
        """Return n moments of a datetime dtype as `local` does, NaT where it would raise."""
        raise NotImplementedError

    def moments(self, cells: "pd.Series") -> "pd.Series":
        """Return n cells as datetime64[s], NaT where one is missing or cannot be read."""
        import numpy as np
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            return self.series(cells).astype("datetime64[s]")
        codes, different = pd.factorize(cells)
        iso = read_iso(different)
        if iso is None:
            found = np.array([*map(self._moment, different)], dtype="datetime64[s]")
        else:
            found = self.series(pd.Series(iso)).to_numpy()
        known = np.append(found, np.datetime64("NaT"))
        return pd.Series(known[codes], index=cells.index)  # the code of a missing one is -1

    def _moment(self, cell: Any) -> datetime | None:
        try:
            return self.local(read(cell, self.day_first))
        except ValueError:
            return None

    # An own table.

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        found = proposal.find(values, sample=True)
        if found is None or not cls.takes(found):
            return None
        found = proposal.find(values)
        if found is None or not cls.takes(found):
            return None
        limits = {"earliest": found.moments.min(), "latest": found.moments.max()}
        known = {name: cls.limit(limit.to_pydatetime()) for name, limit in limits.items()}
        return {**known, **cls.keys(found)}

    @classmethod
    def takes(cls, found: proposal.Found) -> bool:
        """Return whether a column of these moments is of this type."""
        raise NotImplementedError

    @classmethod
    def keys(cls, found: proposal.Found) -> Json:
        """Return the other keys of the entry."""
        names, since = cls.model_fields["chosen"].default, cls.model_fields["since"].default
        return proposal.keys(found, names, datetime.fromisoformat(since))

    @staticmethod
    def limit(moment: datetime) -> Any:
        """Return a moment as YAML is to show it."""
        return moment

    def widened(self, values: "pd.Series") -> Json:
        found = self.bounds(values)
        if not self.earliest or not _iso(found["earliest"]) < self.earliest:
            del found["earliest"]
        if not self.latest or not _iso(found["latest"]) > self.latest:
            del found["latest"]
        return found

    def bounds(self, values: "pd.Series") -> Json:
        moments = self.moments(values).dropna()
        first, last = (moment.to_pydatetime() for moment in (moments.min(), moments.max()))
        return {"earliest": self.limit(first), "latest": self.limit(last)}

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        assumed = proposal.ASSUMED if self.description == proposal.ASSUMED else ""
        return ", ".join(filter(None, [f"{self.type}s such as {cells.iloc[0]}", assumed]))

    def words(self) -> str:
        low, high = self._shown(self.earliest), self._shown(self.latest)
        order = {True: "day before month", False: "month before day", None: ""}[self.day_first]
        limits = f"{low} to {high}" if low and high else low and f"from {low} on"
        return ", ".join(filter(None, [limits or (high and f"until {high}"), order]))

    # A dataset.

    def cell(self, value: Any) -> str:
        return self._text(self.local(read(value, self.day_first)))

    def from_text(self, cells: "pd.Series", marks: Marks = POINT) -> "pd.Series":
        return self.moments(cells)

    def from_typed(self, cells: "pd.Series") -> "pd.Series":
        return self.moments(cells)

    def checks(self) -> list[Check]:
        import numpy as np

        found = [Check(lambda cells: self.moments(cells).notna(), f"is not {self.expected}")]
        if self.earliest:
            low, words = np.datetime64(self.earliest), self._shown(self.earliest)
            early = f"is before the earliest, {words}"
            found.append(Check(lambda cells: ~(self.moments(cells) < low), early, beyond=True))
        if self.latest:
            high, words = np.datetime64(self.latest), self._shown(self.latest)
            late = f"is after the latest, {words}"
            found.append(Check(lambda cells: ~(self.moments(cells) > high), late, beyond=True))
        return found

    @classmethod
    def summary(cls, values: "pd.Series") -> str:
        found = cls._any_zone(values).dropna().sort_values()
        if found.empty:
            return super().summary(values)
        low, middle, high = (
            cls._text(found.iloc[at]) for at in (0, len(found) // 2, len(found) - 1)
        )
        return f"{low} to {high}, median {middle}"

    def measures(self, cells: "pd.Series") -> "pd.Series":
        """Return the seconds since 1970 of n cells."""
        found = self.moments(cells)
        return found.astype("int64").astype("float64").where(found.notna())

    # What a model is trained on.

    def encode(self, value: str) -> Sequence[float | str | None]:
        return self._encode(datetime.fromisoformat(value))

    @cached_property
    def _encode(self) -> Callable[[datetime], list[float | str | None]]:
        return parts.encoder(self.endings(), datetime.fromisoformat(self.since))

    def values(self, cells: "pd.Series") -> list[Any]:
        import numpy as np

        found = self.moments(cells).to_numpy()
        text = np.datetime_as_string(found, unit=self.unit).astype(object)
        text[np.isnat(found)] = None
        return list(text)

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        import pandas as pd

        since = datetime.fromisoformat(self.since)
        found = parts.table(self.endings(), since, self.moments(cells))
        return {f"{self.name}_{name}": pd.Series(part, cells.index) for name, part in found.items()}

    # Values that the schema allows.

    def _span(self) -> tuple[datetime, datetime]:
        """Return the earliest and the latest moment, a year apart where the schema is silent."""
        low = datetime.fromisoformat(self.earliest or self.latest or "2024-01-01")
        high = datetime.fromisoformat(self.latest or self.earliest or "2024-12-31")
        return low, high

    def example(self) -> str:
        low, high = self._span()
        return self._text(low + (high - low) / 2)

    def draw(self, count: int, generator: "np.random.Generator") -> list[str]:
        low, high = self._span()
        return [self._text(low + share * (high - low)) for share in generator.random(count)]

    def shifted(
        self, cells: "pd.Series", amount: str, generator: "np.random.Generator"
    ) -> "pd.Series":
        """Return n cells moved by a number of days, such as `30d`."""
        import pandas as pd

        from seedling.data import shifting

        distance = shifting.days(amount)
        if distance is None:
            return super().shifted(cells, amount, generator)
        return self.moments(cells) + pd.Timedelta(days=distance)

    def edges(self) -> list[Any]:
        leap = datetime(2024, 2, 29, 23, 59, 59)
        return [self._text(moment) for moment in (*self._span(), leap, FIRST, LAST)]

    # A request, and the service's documents.

    def json_value(self, cell: Any) -> Any:
        return self.cell(cell)

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        return None if spelled.is_blank(text) else text

    def json_type(self) -> Any:
        return Any  # a row of the feature store or of Parquet has dates, which the reader takes too

    def json_schema(self) -> Json:
        return {"type": "string", "format": self.format}

    def hints(self) -> Json:
        limits = {"x-earliest": self.earliest, "x-latest": self.latest}
        return {name: self._shown(limit) for name, limit in limits.items() if limit}

    def field(self) -> FormField:
        return FormField(
            "input",
            self.example(),
            self.words(),
            kind=self.kind,
            step="1" if self.unit == "s" else "",
            low=self._shown(self.earliest) or None,
            high=self._shown(self.latest) or None,
        )

    @classmethod
    def _any_zone(cls, cells: "pd.Series") -> "pd.Series":
        """Return n cells of a dataset as datetime64[s], those with a zone in UTC."""
        import pandas as pd

        found = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
        return found.dt.tz_localize(None).astype("datetime64[s]")

    @classmethod
    def _text(cls, moment: datetime) -> str:
        text = moment.isoformat(timespec="seconds")
        return text[:10] if cls.unit == "D" else text

    @classmethod
    def _shown(cls, limit: str | None) -> str:
        return cls._text(datetime.fromisoformat(limit)) if limit else ""
