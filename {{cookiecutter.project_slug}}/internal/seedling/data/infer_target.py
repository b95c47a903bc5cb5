"""The target and the entity key of a table: what names and values say of them."""

import re
from typing import NamedTuple

import pandas as pd

from seedling import tasks
from seedling.data.cells import inferred, read, settled, target_column, without_signs
from seedling.data.spelled import POINT, Marks
from seedling.errors import ProjectError

# Names that say it: anywhere in the table, or as its first or last column.
TARGET = re.compile(r"(is_|has_)?(target|churn(ed)?|y_true|ground_truth)", re.IGNORECASE)
TARGET_AT_AN_END = re.compile(r"label|class|outcome|response|truth|y", re.IGNORECASE)
# Names that make a column likelier where somebody is asked.
LIKELY = re.compile(
    r"survived|species|quality|price|sales|fare|income|fraud|default|status|grade|score|amount"
    r"|result|count|total|diagnosis|charges|mpg|value|salary|rating",
    re.IGNORECASE,
)
ID_NAME = re.compile(r"(?i:(^|[_\s.-])(id|uuid|guid|key|nr|no|number))$|[a-z]I[dD]$")
ENTITY_NAME = re.compile(r"(?i:(^|[_\s.-])(id|uuid|guid))$|[a-z]I[dD]$")
# Whom several rows describe: such an id is the key even where another one numbers the rows.
SOMEBODY = re.compile(
    r"customer|client|user|patient|person|member|account|subject|household|student|employee|device",
    re.IGNORECASE,
)
INDEX_NAME = re.compile(r"Unnamed: \d+|__index_level_\d+__|index|level_\d+", re.IGNORECASE)
UUID = r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?"
FEWEST_ENTITIES = 20  # fewer are groups, which a model may learn from
MOST_ROWS_EACH = 200


class Guess(NamedTuple):
    """The target as the column's name says it, or the likeliest ones where no name says it."""

    target: str | None
    likely: list[str]


def guess_target(rows: pd.DataFrame, task: str | None) -> Guess:
    """Return the column that names itself the target; else the three likeliest."""
    names = [str(name) for name in rows.columns]
    among = [name for name in names if not _is_key_or_index(name)] or names
    said = [name for name in among if TARGET.fullmatch(name)]
    ends = [name for name in (among[0], among[-1]) if TARGET_AT_AN_END.fullmatch(name)]
    if "y" in ends and {"x", "z"} & {name.lower() for name in names}:
        ends.remove("y")  # a coordinate
    said = said or list(dict.fromkeys(ends))
    if len(said) == 1:
        return Guess(said[0], said)
    fitting = [name for name in among if _suits(rows[name], task)]
    order = {name: at for at, name in enumerate(reversed(among))}
    order[among[0]] = min(order[among[0]], 2)
    fitting.sort(key=lambda name: (name not in said, not LIKELY.search(name), order[name]))
    return Guess(None, fitting[:3])


def _is_key_or_index(name: str) -> bool:
    return bool(INDEX_NAME.fullmatch(name) or ID_NAME.search(name))


def _suits(cells: pd.Series, task: str | None) -> bool:
    known = inferred(without_signs(settled(cells))).dropna().head(10_000)
    try:
        return known.nunique() > 1 and bool(suiting(known, [task] if task else offered()))
    except TypeError:  # lists, which no target can be
        return False


def offered() -> list[str]:
    """List the tasks that a target alone may suggest; the others' libraries may be missing."""
    return [name for name in tasks.names() if not tasks.find(name).asked_for]


def suiting(known: pd.Series, among: list[str]) -> list[str]:
    """List the tasks that a column can be the target of, the most specific first."""
    return [name for name in among if tasks.find(name).training.suits(known)]


def target_cells(cells: pd.Series, task: str | None, marks: Marks = POINT) -> pd.Series:
    """Return a target's cells as the tasks see them: its labels, or the numbers that are spelled.

    Args:
        cells: a column of the table.
        task: the task, if it is known.
        marks: how the texts write numbers.
    """
    cells = without_signs(settled(cells))
    found = inferred(cells, marks)
    if found.dtype != object or suiting(found.dropna(), [task] if task else offered()):
        return found
    number = target_column(str(cells.name), "number")
    assert number is not None
    numbers = read(cells, number, marks)
    return numbers if numbers.notna().sum() > found.notna().sum() / 2 else found


def guess_key(rows: pd.DataFrame, target: str) -> tuple[list[str], str]:
    """Return the columns that identify an entity, at most one, and why.

    A key may repeat, as a customer's with several orders: its rows then stay together.
    """
    unique, repeated = "", ""
    most = 0
    for name in map(str, rows.columns):
        cells = rows[name]
        if name == target or INDEX_NAME.fullmatch(name) or not _can_identify(cells, name):
            continue
        count = cells.nunique()
        if count == len(cells):
            unique = unique or name
        elif count > most and ENTITY_NAME.search(name) and _are_entities(count, len(cells)):
            repeated, most = name, count
    if repeated and (not unique or SOMEBODY.search(repeated)):
        return [repeated], f"its name; {most:,} different values, whose rows stay together"
    return ([unique], "its name; each row has another value") if unique else ([], "")


def _can_identify(cells: pd.Series, name: str) -> bool:
    if cells.isna().any() or cells.dtype.kind in "mMfb":
        return False
    return bool(ID_NAME.search(name)) or is_uuid(cells)


def _are_entities(count: int, rows: int) -> bool:
    return count >= FEWEST_ENTITIES and count * MOST_ROWS_EACH >= rows


def is_uuid(cells: pd.Series) -> bool:
    """Return whether cells are the texts of UUIDs."""
    if cells.dtype != object or not isinstance(cells.iat[0], str):
        return False
    return bool(cells.head(100).astype(str).str.fullmatch(UUID).all())


def why_no_feature(cells: pd.Series, name: str) -> str:
    """Return why a column that numbers or names the rows is no feature; empty if it does not."""
    if INDEX_NAME.fullmatch(name) and cells.is_unique:
        return "an index column"
    if is_row_number(cells):
        return "it numbers the rows"
    if name == "column_1" and cells.dtype.kind in "iu" and cells.is_monotonic_increasing:
        return "an index column: it has no name of its own" * cells.is_unique
    if cells.dtype.kind in "mMfb" or not cells.is_unique:
        return ""
    if ID_NAME.search(name) or is_uuid(cells):
        return "it identifies rows: each has another value"
    return ""


def is_row_number(cells: pd.Series) -> bool:
    """Return whether cells count the rows from 0 or 1 on."""
    if cells.dtype.kind not in "iu" or len(cells) < 3:
        return False
    steps = cells.diff().iloc[1:]
    return int(cells.iat[0]) in (0, 1) and bool((steps == 1).all())


def no_target(rows: pd.DataFrame, likely: list[str]) -> ProjectError:
    """Return the error of a table whose target no name says."""
    names = likely or [str(name) for name in rows.columns][-3:]
    listed = ", ".join(names[:-1]) + " or " * (len(names) > 1) + names[-1]
    return ProjectError(
        f"No column's name says that it is the target: name it with --target, such as {listed}."
    )
