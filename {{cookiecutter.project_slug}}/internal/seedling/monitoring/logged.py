"""Read the prediction log back as tables: what a version was sent, and what it answered."""

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import pandas as pd

from seedling import tasks
from seedling.config import Dataset, Project
from seedling.data import cells
from seedling.errors import ProjectError
from seedling.serving import spool
from seedling.serving.drain import Drain
from seedling.serving.records import PLACES
from seedling.serving.shadows import Shadows
from seedling.serving.stores import Record, Store, log_settings, open_store, spool_of

RECORD = ("id", "row", "time", "version", "role", "simulated", "learned")  # of Page.records
PAGE_ROWS = 10_000  # of a page; more where one record has more
NOT_OUTPUTS = ("model", "version", "versions", PLACES)  # keys of an answer of /run beside them
PART = re.compile(r"(-\d{1,6})?(-shadow-.*)?$")  # a record's part of a request, and whose answer


class Page(NamedTuple):
    """Some n rows of the log, in three tables of one index: a column may be called `id` in any.

    Attributes:
        records: `id` of the record, `row` in its request, `time` in UTC, `version`, `role`, and
            `simulated` and `learned`: see `Record`.
        sent: the entity key and the raw features, typed by the schema; None, NaN for missing.
        answers: by the names of `Task.batch_columns`; missing where no answer of the task is kept.
    """

    records: pd.DataFrame
    sent: pd.DataFrame
    answers: pd.DataFrame


def logged(
    project: Project,
    model: str,
    start: datetime,
    end: datetime,
    *,
    version: str | None = None,
    role: str = "served",
    dataset: Dataset | None = None,
    unread: list[str] | None = None,
) -> Iterator[Page]:
    """Yield the logged rows of a model, oldest first, with a page of them in memory.

    Those of /run are among them where the features that serve.py returned are the model's.

    Args:
        project: the project.
        model: the folder of models/ whose answers are read.
        start: the first moment, with its zone.
        end: the moment after the last, with its zone.
        version: the version that answered; any unless given.
        role: "served" or "shadow".
        dataset: the schema by which cells are typed; the model's of model.yaml unless given.
        unread: gets the ids of records that hold no JSON, which are left out.

    Raises:
        ProjectError: the log is off, or its store does not answer.
    """
    schema = dataset or project.config.dataset(project.config.trained_model(model).dataset)
    building, by_row = _Building(schema), tasks.of(schema).by_row
    for record in records(project, model, start, end, version=version, role=role):
        try:
            rows = _Rows.of(record, schema, by_row, version)
        except msgspec.DecodeError:
            rows = None
            if unread is not None:
                unread.append(record.id)
        if rows is None:
            continue
        if building.count and (building.count + len(rows.sent) > PAGE_ROWS or building.ends(rows)):
            yield building.page()
            building = _Building(schema)
        building.add(record, rows)
    if building.count:
        yield building.page()


def records(
    project: Project,
    model: str,
    start: datetime,
    end: datetime,
    *,
    version: str | None = None,
    role: str = "served",
) -> Iterator[Record]:
    """Yield the records of a model, oldest first; the arguments are those of `logged`."""
    store = drained(project)
    found = [store.read(start, end, model=model, version=version, role=role)]
    if role == "served":
        calls = store.read(start, end, role=role, route="/run")
        found.append(each for each in calls if _is_one_of_several(each, model, version))
    yield from heapq.merge(*found, key=lambda record: record.time)


def drained(project: Project) -> Store:
    """Return the store of the prediction log, once it has what processes left that have ended.

    Raises:
        ProjectError: the log is off, or its store does not answer.
    """
    settings = log_settings(project.config)
    if settings is None:
        raise ProjectError(
            "The prediction log is off: nothing was kept. Set serving.prediction_log in model.yaml."
        )
    store = open_store(project.root, settings)
    folder = spool_of(project)
    if spool.sessions(folder):
        Drain(folder, lambda: store, Shadows(project)).adopt(None)
    return store


def stem(record: str) -> str:
    """Return the id that a caller was given, from that of a record."""
    return PART.sub("", record, count=1)


def _is_one_of_several(record: Record, model: str, version: str | None) -> bool:
    """Return whether a record of /run is of this model and version beside others."""
    models, versions = record.model.split(","), record.version.split(",")
    if model not in models or (version is not None and version not in versions):
        return False
    return len(models) > 1 or (version is not None and len(versions) > 1)


class _Rows(NamedTuple):
    """The rows of one record: their places in the request, what was sent, and the task's answer.

    The answer is None where none was kept.
    """

    places: list[int]
    sent: list[dict[str, Any]]
    answer: dict[str, Any] | None

    @classmethod
    def of(
        cls, record: Record, dataset: Dataset, by_row: Sequence[str], version: str | None
    ) -> "_Rows | None":
        """Return the rows of a record; None for a call of /run whose features are not the model's.

        Args:
            record: as the store has it.
            dataset: the model's schema.
            by_row: the keys of an answer that hold an item for each row.
            version: only rows that it answered, where the answer says which did.
        """
        features = _objects(record.features)
        beside = _objects(record.inputs)
        outputs = msgspec.json.decode(record.outputs)
        if record.route == "/run":
            needed = [column.name for column in dataset.raw if not column.nullable]
            if not all(name in row for row in features for name in needed):
                return None
            beside = beside * len(features)
        if len(beside) == len(features):
            sent = [{**more, **row} for more, row in zip(beside, features, strict=True)]
        else:
            sent = [*features]
        answer = _answer(outputs, by_row, len(sent))
        beside_rows = outputs if isinstance(outputs, Mapping) else {}
        by, places = beside_rows.get("versions"), beside_rows.get(PLACES)
        if not isinstance(places, list) or len(places) != len(sent):
            places = [*range(len(sent))]
        if version is not None and isinstance(by, list) and len(by) == len(sent):
            kept = [at for at, each in enumerate(by) if each == version]
            sent, places = [sent[at] for at in kept], [places[at] for at in kept]
            if answer is not None:
                answer |= {key: [answer[key][at] for at in kept] for key in by_row}
        return cls(places, sent, answer) if sent else None


class _Building:
    """A page that is being built, of records whose answers hold the same for all rows."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._task = dataset, tasks.of(dataset)
        self._records: list[tuple[str, int, datetime, str, str, bool, bool]] = []
        self._sent: list[Mapping[str, Any]] = []
        self._answer: dict[str, Any] | None = None
        self._answered: list[int] = []  # places of the rows that have an answer

    @property
    def count(self) -> int:
        return len(self._sent)

    def ends(self, rows: _Rows) -> bool:
        """Return whether rows need another page: their answer has other labels, for example."""
        if rows.answer is None or self._answer is None:
            return False
        return self._beside_rows(rows.answer) != self._beside_rows(self._answer)

    def add(self, record: Record, rows: _Rows) -> None:
        if rows.answer is not None:
            self._answered += range(self.count, self.count + len(rows.sent))
            if self._answer is None:
                self._answer = dict(rows.answer)
            else:
                for key in self._task.by_row:
                    self._answer[key] += rows.answer[key]
        facts = record.time, record.version, record.role, record.is_simulated, record.is_learned
        self._records += [(record.id, at, *facts) for at in rows.places]
        self._sent += rows.sent

    def page(self) -> Page:
        columns = [each.name for each in self._dataset.raw]
        names = dict.fromkeys([*self._dataset.entity_key, *columns])
        sent = pd.DataFrame(
            {name: pd.Series([row.get(name) for row in self._sent], dtype=object) for name in names}
        )
        return Page(
            pd.DataFrame(self._records, columns=[*RECORD]),
            cells.typed(sent.infer_objects(), self._dataset, infer=False).rows,
            self._answers(),
        )

    def _answers(self) -> pd.DataFrame:
        if self._answer is None:
            return pd.DataFrame(index=range(self.count))
        names = self._task.batch_columns(self._answer)
        arrays = self._task.batch_arrays(self._answer)
        table = pd.DataFrame(dict(zip(names, arrays, strict=True)), index=self._answered)
        return table if len(table) == self.count else table.reindex(range(self.count))

    def _beside_rows(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {key: answer[key] for key in answer if key not in self._task.by_row}


def _objects(text: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON text: one, or a list of them; others are left out."""
    found = msgspec.json.decode(text)
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, dict)]


def _answer(outputs: Any, by_row: Sequence[str], count: int) -> dict[str, Any] | None:
    """Return the outputs of a record as an answer of the task; None if they are none."""
    if not isinstance(outputs, Mapping):
        return None
    for key in by_row:
        values = outputs.get(key)
        if not isinstance(values, list) or len(values) != count:
            return None
    return {key: outputs[key] for key in outputs if key not in NOT_OUTPUTS}
