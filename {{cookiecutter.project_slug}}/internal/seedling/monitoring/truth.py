"""Truth that became known: kept by dataset, and joined with what the prediction log has.

Each table of `add-truth` is a Parquet file below local_assets/truth/<dataset>/, named by the time
of its adding and a hash of its content. Keys stand in it as texts. Of several values for a key the
one that was added last counts: so late truth and corrected truth need nothing more.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from seedling.config import Dataset, Project
from seedling.data import cells
from seedling.data.distinct import label_texts
from seedling.data.scalars import label_text
from seedling.errors import ProjectError
from seedling.files import replacing, sha256
from seedling.monitoring.logged import stem

PREDICTION_ID, ROW = "prediction_id", "row"  # columns of truth that a caller's answers lead to
KEY, VALUE, ADDED = "key:", "truth", "added"  # columns of a file: `key:person_id`, `truth`
BETWEEN = "\x1f"  # the texts of a key's columns
DIGITS = re.compile(r"(?P<sign>-?)(?P<digits>[0-9]+)")
NUMBER = re.compile(r"\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\s*")


class Logged(Protocol):
    """The tables of some logged rows, as `logged.Page` has them."""

    @property
    def records(self) -> pd.DataFrame: ...
    @property
    def sent(self) -> pd.DataFrame: ...
    @property
    def answers(self) -> pd.DataFrame: ...


class Joined(NamedTuple):
    """Logged rows with their truth.

    Attributes:
        rows: what was sent, the answer, and the target, of each row that has both.
        places: theirs among all rows that were joined.
        records: the same rows' ids, times and versions.
        by: the columns by which rows were joined: `person_id`, or `prediction_id`.
        without_truth: logged rows whose truth is not known.
        repeated: logged rows left out, since the same entity was asked for again later.
    """

    rows: pd.DataFrame
    places: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    records: pd.DataFrame
    by: list[str]
    without_truth: int
    repeated: int


class Truth:
    """All truth of a dataset, which is joined with any number of tables of logged rows.

    Args:
        dataset: names the target.
        tables: truth by the columns of its key: `truth` and `added`, the number of its file, with
            keys as index.
    """

    def __init__(self, dataset: Dataset, tables: dict[tuple[str, ...], pd.DataFrame]) -> None:
        self.dataset, self.tables = dataset, tables
        self._matched = {on: np.zeros(len(table), bool) for on, table in tables.items()}
        self._by_number: dict[tuple[tuple[str, ...], tuple[str, ...]], Any] = {}

    @property
    def rows(self) -> int:
        """Return the number of keys whose truth is known."""
        return sum(len(table) for table in self.tables.values())

    @property
    def unmatched(self) -> int:
        """Return the number of keys that no row had which was joined so far."""
        return sum(int((~matched).sum()) for matched in self._matched.values())

    def one_unmatched(self) -> str:
        """Return the first of the keys that `unmatched` counts: `person_id 0010001`."""
        for on, matched in self._matched.items():
            if not matched.all():
                key = str(self.tables[on].index[int((~matched).argmax())])
                parts = zip(on, key.split(BETWEEN), strict=True)
                return ", ".join(f"{name} {cells.shortened(text)}" for name, text in parts)
        return ""

    def join(self, page: Logged) -> Joined:
        """Join n logged rows with their truth; of rows with the same key the last one counts.

        Args:
            page: logged rows, the oldest first: all of a window, so that a row is counted once.
        """
        count = len(page.records)
        latest = np.full(count, -1)
        value = pd.Series(np.full(count, None, object))
        places = np.full(count, -1)
        kinds = np.full(count, -1)
        for kind, (on, table) in enumerate(self.tables.items()):
            found = self._found(page, on)
            if found is None:
                continue
            added = np.where(found < 0, -1, table[ADDED].to_numpy()[found])
            newer = added > latest
            latest = np.where(newer, added, latest)
            places, kinds = np.where(newer, found, places), np.where(newer, kind, kinds)
            value = value.where(~newer, pd.Series(table[VALUE].to_numpy()[found], dtype=object))
        answered = _answered(page)
        known = (latest >= 0) & answered
        last = ~pd.DataFrame({"kind": kinds, "place": places})[known].duplicated(keep="last")
        chosen = np.flatnonzero(known)[last.to_numpy()]
        sent = page.sent.drop(columns=[self.dataset.target.name], errors="ignore")
        beside = [name for name in sent if name not in page.answers]
        rows = pd.concat([sent[beside], page.answers], axis=1).iloc[chosen]
        rows[self.dataset.target.name] = value.iloc[chosen].infer_objects()
        used = [*self.tables]
        by = [", ".join(used[kind]) for kind in np.unique(kinds[chosen])]
        return Joined(
            rows.reset_index(drop=True),
            chosen,
            page.records.iloc[chosen].reset_index(drop=True),
            by,
            int((answered & (latest < 0)).sum()),
            int(known.sum()) - len(chosen),
        )

    def _found(
        self, page: Logged, on: tuple[str, ...]
    ) -> "np.ndarray[tuple[int], np.dtype[np.intp]] | None":
        """Return for n logged rows the places of their truth, -1 for none.

        None: a column of the key was not logged. Where the log has numbers, the texts of truth
        are compared as numbers: 0010001 and 1e4 too.
        """
        keys = _keys(page, on)
        if keys is None:
            return None
        texts = self.tables[on].index
        numeric = tuple(name for name in on if _is_numeric(page, name))
        if not numeric:
            found = texts.get_indexer(keys)
            self._matched[on][found[found >= 0]] = True
            return found
        if (on, numeric) not in self._by_number:
            self._by_number[on, numeric] = pd.factorize(
                pd.Index(_by_number(texts, [name in numeric for name in on]))
            )
        numbers, distinct = self._by_number[on, numeric]
        last = np.zeros(len(distinct), dtype=np.intp)
        np.maximum.at(last, numbers, np.arange(len(texts)))  # a later file stands below
        known = distinct.get_indexer(keys)
        self._matched[on] |= np.isin(numbers, known[known >= 0])
        return np.where(known < 0, -1, last[known])


def _is_numeric(page: Logged, name: str) -> bool:
    """Return whether a column of a key has numbers in the log."""
    if name not in page.sent or name in (PREDICTION_ID, ROW):
        return False
    kind = page.sent[name].dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _by_number(texts: pd.Index, numeric: Sequence[bool]) -> list[str]:
    """Return keys whose parts that are to be numbers are written as the log's numbers are."""
    return [
        BETWEEN.join(
            number_text(part) if is_number else part
            for part, is_number in zip(str(text).split(BETWEEN), numeric, strict=True)
        )
        for text in texts
    ]


def number_text(text: str) -> str:
    """Return a number's text as `label_text` writes the number; another text as it is."""
    if found := DIGITS.fullmatch(text):  # exactly, however many there are: `int` refuses thousands
        digits = found["digits"].lstrip("0")
        return f"{found['sign']}{digits}" if digits else "0"
    if not NUMBER.fullmatch(text):  # `float` takes 1_000 and digits of other scripts too
        return text
    value = float(text)
    return label_text(value) if np.isfinite(value) else text


def folder_of(project: Project, dataset: Dataset) -> Path:
    """Return the folder of a dataset's truth."""
    return project.assets / "truth" / dataset.name


def truth_of(project: Project, dataset: Dataset) -> Truth:
    """Read all truth that was added for a dataset; none where none was.

    Args:
        project: the project.
        dataset: one of model.yaml, or that of a version.

    Raises:
        ProjectError: a file is damaged.
    """
    found: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for number, path in enumerate(sorted(folder_of(project, dataset).glob("*.parquet"))):
        try:
            table = pd.read_parquet(path)
            values = table[VALUE].to_numpy()
        except (ValueError, OSError, KeyError):  # pyarrow's of a damaged file is a ValueError
            raise ProjectError(
                f"{path} is no table of truth, or is damaged: remove it, and add that truth again."
            ) from None
        on = tuple(name.removeprefix(KEY) for name in table if name.startswith(KEY))
        keyed = pd.DataFrame({VALUE: values, ADDED: number})
        keyed.index = pd.Index(joined_texts([table[f"{KEY}{name}"] for name in on]))
        found.setdefault(on, []).append(keyed)
    tables = {}
    for on, parts in found.items():
        whole = pd.concat([part.astype({VALUE: object}) for part in parts])
        tables[on] = whole[~whole.index.duplicated(keep="last")]
    return Truth(dataset, tables)


def joined(project: Project, dataset: Dataset, page: Logged) -> Joined:
    """Join logged rows with all truth of a dataset; see `Truth.join`."""
    return truth_of(project, dataset).join(page)


def keep(
    project: Project, dataset: Dataset, on: Sequence[str], keys: pd.DataFrame, values: pd.Series
) -> Path:
    """Write truth as a file of its own, which is newer than all others; return its path.

    Args:
        project: the project.
        dataset: the truth's.
        on: the columns of the key.
        keys: n rows with a text in each of these.
        values: the truth of the n rows.
    """
    table = pd.DataFrame({f"{KEY}{name}": keys[name].to_numpy() for name in on})
    table[VALUE] = values.to_numpy()
    folder = folder_of(project, dataset)
    aside = folder / "new"
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(aside) as written:
        table.to_parquet(written, index=False)
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = folder / f"{moment}-{sha256(written)[:12]}.parquet"
    aside.rename(path)
    return path


def joined_texts(columns: Sequence[pd.Series]) -> pd.Series:
    """Return the texts of several columns of n rows as one each; missing where one is missing."""
    first, *others = columns
    for other in others:
        first = first + BETWEEN + other
    return first


def _keys(page: Logged, on: tuple[str, ...]) -> pd.Series | None:
    """Return the keys of n logged rows, NaN for none; None where a column was not logged."""
    if on[0] == PREDICTION_ID:
        ids = page.records["id"].map(stem)
        return joined_texts([ids, label_texts(page.records["row"])])
    if not {*on} <= {*page.sent}:
        return None
    return joined_texts([label_texts(page.sent[name]) for name in on])


def _answered(page: Logged) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return for n logged rows whether an answer of the task was kept."""
    if page.answers.empty:
        return np.zeros(len(page.records), bool)
    found = page.answers["prediction"].notna()
    return found.to_numpy(dtype=bool)
