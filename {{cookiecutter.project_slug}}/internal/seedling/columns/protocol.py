"""The protocol of a column type: everything that depends on the kind of a feature's values.

A type is a class, and an entry of `features` in model.yaml is an instance of it: the keys of the
entry are the class's fields. A value goes through up to five forms, None being a missing one in
each of the last three:

- cell: as in a dataset's table or the feature store, without numpy;
- text: as in a CSV file or a query string;
- JSON value: as in a request's body;
- value: the service passes it to a model or a compiled form;
- parts: the columns that a model is trained on, floats or text. Most types have one part, which
  is the value itself.

The service imports this: pandas and numpy are only used by methods that are given a series.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, StringConstraints

from seedling.data.scalars import label_text, plain
from seedling.data.spelled import POINT, Marks
from seedling.wording import in_words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa

    from seedling.data.column_values import Values

COLUMN_NAME = r'^[^"\\\x00-\x1f\x7f]+$'  # what can stand as a name in JSON without escapes

# MLflow's type for the kinds of NumPy's dtypes.
MLFLOW_TYPES = {"i": "long", "u": "long", "f": "double", "b": "boolean", "M": "datetime"}

ColumnName = Annotated[
    str,
    StringConstraints(pattern=in_words(COLUMN_NAME, 'a name without ", \\ and control characters')),
]
Json = dict[str, Any]


class NoFeature(Exception):
    """Leave a column of an own table out of the features; the message is the reason."""


class Check(NamedTuple):
    """A condition for every value of a column, and the message about a value that breaks it.

    A value `beyond` the schema is one of the column's type that its entry does not have, such as a
    new category: a warning, unless the dataset is strict.
    """

    fits: "Callable[[pd.Series], pd.Series]"  # n values that are not missing -> n booleans
    words: str  # goes on after the value: "is below the minimum 0"
    beyond: bool = False


@dataclass(frozen=True)
class FormField:
    """A field of the page's form, in HTML's terms.

    `input` is an <input> of any kind, `area` a <textarea>, `choices` are radio buttons, `list` is a
    <select> that takes another text as well. `options` has each choice's JSON value, or each text
    of a list.
    """

    control: Literal["input", "area", "choices", "list"]
    value: Any
    hint: str = ""
    kind: str = "text"  # the type attribute of an <input>
    step: str = ""
    inputmode: str = ""
    low: float | str | None = None  # of usual values
    high: float | str | None = None
    options: Sequence[Any] = ()


class Column(BaseModel):
    """A feature with values of one type. The methods' defaults are those of a type of text.

    Most types from outside define `expected`, `propose`, `cell`, `example` and `draw`, and
    `parts` with `encode` where a model is to see numbers.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    name: ColumnName
    type: str
    description: str = ""
    nullable: bool = False
    derived: bool = False  # features/derive.py computes it
    known_before: bool = False  # it predicts the target, and is known before the target is

    expected: ClassVar[str] = "text"  # in errors: "expected a whole number"
    numeric: ClassVar[bool] = False  # whether a value is the number that a model sees
    parts: ClassVar[tuple[str, ...]] = ()  # endings of the parts' names, where `encode` makes them
    unseen: ClassVar[Any] = None  # a value outside the training rows, if the type accepts these
    missing: ClassVar[frozenset[str]] = frozenset()  # texts for no value, in small letters
    is_time: ClassVar[bool] = False  # whether values are moments: later rows have later ones
    usual_shift: ClassVar[str] = "30%"  # an amount that `shifted` takes
    asked: ClassVar[int] = 0  # order in which types are tried on an own table: strict ones first
    wider: ClassVar[tuple[str, ...]] = ()  # types that take every value of this one
    # How the values of many rows are counted, and so compared with later ones: as numbers, by
    # their texts, or by the words of each.
    profiled: ClassVar[Literal["numbers", "categories", "words"]] = "categories"

    @property
    def has_parts(self) -> bool:
        """Return whether its values make parts of the rows: names and numbers do, times do not."""
        return self.profiled == "categories" or (self.profiled == "numbers" and self.numeric)

    # An own table.

    @classmethod
    def propose(cls, values: "pd.Series") -> Json | None:
        """Return the entry's own keys that fit the values, or None where they are of another type.

        Args:
            values: the column's n values that are not missing, at least two of them different.

        Raises:
            NoFeature: no type can take the values, and why.
        """
        return None

    def widened(self, values: "pd.Series") -> Json:
        """Return the keys of the entry, with new values, by which it takes these n values too.

        Args:
            values: values of the type, none missing. The entry never takes fewer than before.
        """
        return {}

    def bounds(self, values: "pd.Series") -> Json:
        """Return the range of n values of the type by the entry's keys; empty where it has none."""
        return {}

    @classmethod
    def propose_text(cls, cells: "pd.Series", marks: Marks) -> Json | None:
        """Return the entry's own keys for texts as a file has them, as `propose` does by default.

        A type may leave up to half of the texts out of account: what does not fit is then shown,
        and asked about where it is more than a few.

        Args:
            cells: n texts, at least two of them different.
            marks: how the file writes numbers.
        """
        return cls.propose(cells)

    def seen(self, cells: "pd.Series", marks: Marks) -> str:
        """Describe how n cells that fit are written in the file: `numbers such as $1,234.50`."""
        return f"{cells.nunique():,} different texts"

    def words(self) -> str:
        """Describe the values that are allowed: `17 to 90`; empty where all are."""
        return ""

    # A dataset.

    def from_text(self, cells: "pd.Series", marks: Marks) -> "pd.Series":
        """Return the n cells that texts stand for, each as `parse` gives it; None for a misfit.

        Args:
            cells: n texts as a file has them, None where one is missing.
            marks: how the file writes numbers.
        """
        from seedling.data.spelled_columns import each

        parse = parser(self, marks)

        def read(text: str) -> Any:
            try:
                value = parse(text)
                return None if value is None or self.cell(value) is None else value
            except ValueError:
                return None

        return each(cells, read)

    def from_typed(self, cells: "pd.Series") -> "pd.Series":
        """Return n cells that are no texts as cells of this type; None for a misfit."""
        return cells

    def cell(self, value: Any) -> Any:
        """Return the value of a cell that is not missing.

        Raises:
            ValueError: it is of another type.
        """
        return label_text(value)

    def checks(self) -> list[Check]:
        """Return what validation asks of the column's cells: that each can be read, by default."""

        def reads(value: Any) -> bool:
            try:
                self.cell(plain(value))
            except ValueError:
                return False
            return True

        def fits(cells: "pd.Series") -> "pd.Series":
            from seedling.data.distinct import each

            return each(cells, reads, dtype=bool)

        return [Check(fits, f"is not {self.expected}")]

    @classmethod
    def summary(cls, values: "pd.Series") -> str:
        """Describe n values for the report: the three most frequent, by default."""
        from seedling.data.distinct import label_texts

        shares = label_texts(values).value_counts(normalize=True).head(3)
        return ", ".join(f"{value} {share:.0%}" for value, share in shares.items())

    def measures(self, cells: "pd.Series") -> "pd.Series":
        """Return what is counted of n cells, of a dataset or as the service has read them.

        By `profiled`: float64 with NaN for a missing one, texts, or the list of a text's words.
        What cannot be read is missing.
        """
        from seedling.data.distinct import label_texts

        return label_texts(cells)

    # What a model is trained on.

    def endings(self) -> Sequence[str]:
        """Return the endings of the parts' names: `parts`, unless the entry chooses among more."""
        return self.parts

    def encode(self, value: Any) -> Sequence[float | str | None]:
        """Return the value's parts, in the order of `endings`; only called where there are some."""
        raise NotImplementedError(f"{type(self).__name__} has parts, but no encode.")

    def part_names(self) -> list[str]:
        """Return the names of the columns that a model is trained on."""
        return [f"{self.name}_{part}" for part in self.endings()] or [self.name]

    def values(self, cells: "pd.Series") -> list[Any]:
        """Return the values of n cells; `cell` reads each distinct one."""
        places, found = self._distinct_values(cells)
        return [found[place] for place in places.tolist()]

    def frame(self, cells: "pd.Series") -> "dict[str, pd.Series]":
        """Return the parts of n cells, each as float64 or as text, with NaN for a missing value.

        `preprocessing` gives a text that is an object a column for each value; it also encodes one
        of pandas' type `category` by the target, and one of `string` by its words.

        Args:
            cells: a dataset's, or values that the service has read.
        """
        import pandas as pd

        places, found = self._distinct_values(cells)
        if not self.endings():
            values = pd.Series(
                [float("nan") if value is None else value for value in found], dtype=object
            )
            return {self.name: values.take(places).set_axis(cells.index)}
        gap = (None,) * len(self.endings())
        rows = [gap if value is None else self.encode(value) for value in found]
        table = pd.DataFrame(rows, columns=self.part_names(), dtype="float64").take(places)
        return {str(name): part for name, part in table.set_axis(cells.index).items()}

    def _distinct_values(self, cells: "pd.Series") -> "tuple[npt.NDArray[np.intp], list[Any]]":
        """Return the place of each of n cells in the list of the distinct ones' values."""
        from seedling.data.distinct import distinct, is_missing

        places, found = distinct(cells)
        known = (None if is_missing(cell) else plain(cell) for cell in found)
        return places, [None if cell is None else self.cell(cell) for cell in known]

    # Many cells at once, of a file that is scored. Both of these have a way for every type.

    def plain_numbers(self, cells: "pa.Array", marks: Marks) -> "np.ndarray[Any, Any] | None":
        """Return n cells as the float64 that each is read as, NaN for one to be read by itself.

        Args:
            cells: texts, numbers or others; null for a missing one.
            marks: how texts write numbers.

        Returns:
            None where cells are no plain numbers: each different one is read by itself then.
        """
        return None

    def part_columns(self, values: "Values") -> "list[Values]":
        """Return the parts of n values, as `encode` gives those of one."""
        from seedling.data.column_values import Coded, Numbers

        coded = values.coded() if isinstance(values, Numbers) else values
        gap = (None,) * len(self.endings())
        rows = [gap if value is None else self.encode(value) for value in coded.values]
        return [Coded(coded.codes, [row[at] for row in rows]) for at in range(len(self.endings()))]

    # Values that the schema allows, for documentation, tests and `run_fake`.

    def example(self) -> Any:
        """Return a plausible JSON value, always the same."""
        raise NotImplementedError(f"{type(self).__name__} has no example.")

    def draw(self, count: int, generator: "np.random.Generator") -> Any:
        """Return n cells, drawn evenly from what is allowed."""
        return [self.example()] * count

    def shifted(
        self, cells: "pd.Series", amount: str, generator: "np.random.Generator"
    ) -> "pd.Series":
        """Return n cells after a shift of their distribution, for a month that is simulated.

        Args:
            cells: a dataset's.
            amount: `30%`, of the rows, get the value that was the rarest; `VALUE=30%` names the
                value, `new=30%` one that no row has, and `missing=30%` none. A type may have
                others, such as `0.5sd`.
            generator: chooses the rows.

        Raises:
            ValueError: the column cannot be shifted so, and why.
        """
        from seedling.data import shifting

        named, _, text = amount.rpartition("=")
        share = shifting.share(text)
        if share is None:
            raise ValueError(f"{amount!r} is no shift of type {self.type}, {self.usual_shift} is")
        if named == shifting.MISSING:
            if not self.nullable:
                raise ValueError("it is not nullable: a request without it is refused")
            value = None
        else:
            value = self._named(named) if named else shifting.rarest(cells)
        return shifting.replaced(cells, value, share, generator)

    def _named(self, text: str) -> Any:
        """Return the cell that a text means: a value that is allowed, or `new`, which none has.

        Raises:
            ValueError: it is neither.
        """
        import pandas as pd

        from seedling.data import shifting

        cell = self.cell(self.parse(text))
        if cell is None:
            raise ValueError(f"{text!r} is no value of it ({shifting.MISSING}=10% means none)")
        misfits = [each.words for each in self.checks() if not each.fits(pd.Series([cell])).all()]
        if not misfits:
            return cell
        if self.unseen is None:
            raise ValueError(f"{text!r} {misfits[0]}")
        if text == shifting.NEW:
            return self.unseen
        raise ValueError(f"{text!r} {misfits[0]} ({shifting.NEW}=10% makes a new one)")

    def edges(self) -> list[Any]:
        """Return cells at which a model and its compiled form are compared: extreme, unseen."""
        return [self.example()]

    # A request. These methods are called once, when a model is loaded.

    def own_texts(self) -> Collection[str]:
        """Return texts that are values, though a file may have them for a missing value."""
        return ()

    def json_type(self) -> Any:
        """Return the type that msgspec checks JSON values against."""
        return str

    def reader(self) -> Callable[[Any], Any] | None:
        """Return what turns a JSON value into a value; None where it is one already.

        What is returned raises ValueError for a value of another type.
        """
        return self.cell

    def misfit(self, value: Any) -> str:
        """Return what an error says of a JSON value that `reader` has refused."""
        return f"expected {self.expected}, got {value!r:.80}"

    def from_number(self) -> Callable[[Any], Any] | None:
        """Return what turns numbers into JSON values; None where numbers stand for nothing else.

        SQLite has no booleans, and MLflow's signature calls every part that is a float a double.
        """
        return None

    def json_value(self, cell: Any) -> Any:
        """Return the JSON value of a cell that is not missing, of the type that `example` has.

        Raises:
            ValueError: the cell is of another type.
        """
        return cell

    def parse(self, text: str, marks: Marks = POINT) -> Any:
        """Return the JSON value of a text, None for one of `missing`.

        Where it has none, return the text itself, to be refused. It is called without marks where
        a file writes numbers with a point.
        """
        return text

    # The service's documents, and those of a saved model.

    def mlflow_type(self, cells: "pd.Series") -> str:
        """Return the column's type in an MLflow signature, by which a table's dtypes are checked.

        Args:
            cells: the column in the table that was trained on: MLflow must take that.
        """
        return MLFLOW_TYPES.get(cells.dtype.kind, "string")

    def json_schema(self) -> Json:
        """Return the JSON Schema of the JSON values; that they may be null is added to it."""
        return {"type": "string"}

    def hints(self) -> Mapping[str, Any]:
        """Return what the schema knows of usual values, by names for OpenAPI: `x-minimum`."""
        return {}

    def field(self) -> FormField:
        """Return the page's field, with the example in it."""
        return FormField("input", self.example(), self.words())


def parser(column: Column, marks: Marks) -> Callable[[str], Any]:
    """Return what reads the texts of a file with these marks, one at a time."""
    return column.parse if marks == POINT else partial(column.parse, marks=marks)
