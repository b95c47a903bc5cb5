"""Score parts of files by a registered model: each row as the service answers it, or why not.

A scored batch has the columns `file`, `row` (from 1 on), the entity key, `prediction` and the other
columns of the model's task, `model` and `version`. A file is read as the file of the model's
dataset is: by `read` of model.yaml.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedling.compiled import forms
from seedling.config import Project, Reading, RegisteredModel
from seedling.data import column_values, mixed_cells, without_pandas
from seedling.data.column_values import Values
from seedling.data.scalars import plain
from seedling.errors import InputError, ProjectError, Unavailable
from seedling.files import sha256
from seedling.release.manifest import running_version
from seedling.serving import answer_columns, assets, models, selection, unnamed
from seedling.serving.score_columns import PartReader
from seedling.serving.score_parts import Needed, Part
from seedling.serving.score_rows import Refused

PART_ROWS = 20_000  # that are read and answered at a time
REJECT_COLUMNS = ("file", "row", "column", "reason")


class Reject(NamedTuple):
    """A row that is not answered: its number in the file, the faulty column if it is one's."""

    row: int
    column: str
    reason: str

    def error(self, path: Path) -> InputError:
        """Return the error of a file that may have no such row."""
        column = f", {self.column}" if self.column else ""
        return InputError(f"{path.name}, row {self.row}{column}: {self.reason}.")


class Scorer:
    """Answers the rows of files by one registered model, each by the version it is routed to.

    Attributes:
        columns: the names of a scored batch's columns.
        schema: their types.
        identity: a hash of all that decides about the answers: the model's versions with their
            shares and the hashes of their files, how files are read, and Seedling's version.
        versions: the versions that answer, for messages: `linear_regression 3`.
        reading, needed: what `score_parts` reads files by.
    """

    def __init__(self, project: Project, model: str | None = None) -> None:
        """
        Args:
            project: the project whose registered models are used; SERVED_MODELS selects some.
            model: the name of the model that answers; the best unless given.

        Raises:
            ProjectError: it is not registered, or one of its versions cannot be loaded.
        """
        entries = _entries(project, model)
        name = entries[0].model
        for entry in entries:
            assets.fetch(project, entry)
        loaded = [models.load(project, entry) for entry in entries]
        champion = next(version for version in loaded if version.registered.is_champion)
        fitting = [version for version in loaded if models.can_share(version, champion)]
        self._served = models.ServedModel(name, models.lineup(champion, fitting))
        lineup = self._served.lineup
        if not lineup.plain:
            without_pandas.settle()
        # A row is found again by its entity and its group; by its entity alone it has a version.
        self._entity = list(champion.dataset.entity_key)
        self._keys = list(dict.fromkeys([*self._entity, *champion.dataset.groups]))
        named = (one.read for one in project.config.datasets if one.name == champion.dataset.name)
        self.reading = next(named, champion.dataset.read)
        names, target = lineup.reader.names, champion.dataset.target.name
        text = champion.task.text_column(champion.dataset)
        self.needed = Needed(names, self._keys, target, text, champion.task.copied)
        self._reader = PartReader(lineup.reader, self.reading)
        self._derivation = lineup.reader.derivation
        self._like = dict(champion.answer(()))
        task = champion.task
        answered = task.batch_columns(self._like)
        self.schema = pa.schema(
            [
                ("file", pa.string()),
                ("row", pa.int64()),
                *((key, pa.string()) for key in self._keys),
                *zip(answered, answer_columns.types(task, champion.dataset), strict=True),
                ("model", pa.string()),
                ("version", pa.string()),
            ]
        )
        self.columns = list(self.schema.names)
        self.versions = [f"{name} {version.version}" for version in lineup.versions]
        self.identity = _identity(project, lineup, self.reading)

    @cached_property
    def is_by_arrays(self) -> bool:
        """Return whether threads may score parts side by side: Python runs for hardly a cell."""
        lineup = self._served.lineup
        form = lineup.champion.form
        return bool(form and form.is_by_arrays and not (lineup.plain or lineup.challengers))

    def scored(self, part: Part) -> tuple[pa.RecordBatch, list[Reject]]:
        """Return the scored rows of a part, in their order, and those that are not answered."""
        count = part.batch.num_rows
        rejects = {at: Refused("", fault) for at, fault in part.faults.items()}
        keys = [self._key(part.batch, name) for name in self._keys]
        for name, texts in zip(self._keys, keys, strict=True):
            for at in np.flatnonzero(_is_broken(texts)).tolist():
                rejects.setdefault(at, Refused(name, "has a line break in it"))
        raw, others = self._reader.read(part.batch, part.is_text, _mask(rejects, count))
        rejects |= others
        kept = np.flatnonzero(~_mask(rejects, count))
        if len(kept) < count:
            raw = [values.take(kept) for values in raw]
        try:
            columns = self._derivation.columns(raw)
        except InputError:
            kept, columns = self._derived_alone(kept, raw, rejects)
        if len(kept) < count:
            places = pa.array(kept)
            keys = [texts.take(places) for texts in keys]
        answered, versions = self._answered(columns, keys)
        arrays = [
            pa.repeat(pa.scalar(part.file, pa.string()), len(kept)),
            pa.array(kept + part.first, pa.int64()),
            *keys,
            *answered,
            pa.repeat(pa.scalar(self._served.name, pa.string()), len(kept)),
            versions,
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        return batch, [Reject(part.first + at, *rejects[at]) for at in sorted(rejects)]

    def _answered(
        self, columns: Sequence[Values], keys: Sequence[pa.Array]
    ) -> tuple[list[pa.Array], pa.Array]:
        """Return the answers to n rows by column, and the version that each is from."""
        lineup, count = self._served.lineup, len(columns[0])
        kinds = self.schema.types[2 + len(self._keys) : -2]
        if not lineup.challengers:
            found = answer_columns.answered(lineup.champion, columns, kinds, self._like)
            return found, pa.repeat(pa.scalar(lineup.champion.version, pa.string()), count)
        entity = [texts.to_pylist() for texts in keys[: len(self._entity)]]
        known = zip(*entity, strict=True) if entity else [()] * count
        turns = [() if None in key else key for key in known]
        rows = turns if all(turns) else column_values.rows(columns)
        chosen = [
            self._served.version_for(lineup, key or row)
            for key, row in zip(turns, rows, strict=True)
        ]
        parts, order = [], []
        for version in dict.fromkeys(chosen):
            places = np.array([at for at, other in enumerate(chosen) if other is version])
            some = [values.take(places) for values in columns]
            parts.append(answer_columns.answered(version, some, kinds, self._like))
            order.append(places)
        back = pa.array(np.argsort(np.concatenate(order))) if order else pa.array([], pa.int64())
        whole = [
            pa.concat_arrays(each).take(back) if each else pa.array([], kind)
            for each, kind in zip(zip(*parts, strict=True) or [()] * len(kinds), kinds, strict=True)
        ]
        return whole, pa.array([version.version for version in chosen], pa.string())

    def _derived_alone(
        self, kept: Any, raw: Sequence[Values], rejects: dict[int, Refused]
    ) -> tuple[Any, list[Values]]:
        """Return which of some rows `derive` takes, one by one, and their features."""
        taken, found = list[int](), list[tuple[Any, ...]]()
        for at, row in zip(kept.tolist(), column_values.rows(raw), strict=True):
            try:
                found += self._derivation.values([row])
                taken.append(at)
            except InputError as error:
                rejects[at] = Refused("", str(error).rstrip("."))
        names = self._served.lineup.champion.dataset.feature_names
        features = zip(*found, strict=True) if found else [()] * len(names)
        return np.array(taken, "int64"), [column_values.distinct(each) for each in features]

    def _key(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """Return a column of the entity key as text, missing where the file does not have it."""
        if name not in batch.schema.names:
            return pa.nulls(batch.num_rows, pa.string())
        cells = batch.column(name)
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        missing = pa.array(sorted(self.reading.missing), pa.string())
        if pa.types.is_string(cells.type):
            gaps = pc.is_in(cells, value_set=missing)
            return pc.if_else(gaps, None, cells) if pc.any(gaps).as_py() else cells
        if pa.types.is_integer(cells.type):
            return cells.cast(pa.string())
        found = [
            None if cell is None or cell in self.reading.missing else str(cell)
            for cell in map(plain, mixed_cells.cells(cells))
        ]
        return pa.array(found, pa.string())


def are_compiled(project: Project, model: str | None) -> bool:
    """Return whether all versions that answer have a compiled form on this machine."""
    folders = (project.model_path(each) for each in _entries(project, model))
    return all((folder / forms.FOLDER).is_dir() for folder in folders)


def _entries(project: Project, model: str | None) -> list[RegisteredModel]:
    """Return the registered versions that answer; see `Scorer`."""
    config = selection.config(project)
    name = model or unnamed.here(project, config)
    if name is None or not config.models:
        raise Unavailable("No model is registered: run train.")
    entries = [one for one in config.models if one.model == name and not one.shadow]
    if not entries:
        known = ", ".join(dict.fromkeys(one.model for one in config.models))
        raise ProjectError(f"There is no registered model {name!r}; there are: {known}.")
    return entries


def _mask(places: Collection[int], count: int) -> Any:
    """Return which of n rows are among these places."""
    found = np.zeros(count, bool)
    found[list(places)] = True
    return found


def _is_broken(texts: pa.Array) -> Any:
    """Return which of n texts have a line break in them."""
    content = texts.buffers()[2]  # of a slice the texts before and behind as well
    if content is None or not any(sign in bytes(content) for sign in (b"\r", b"\n")):
        return np.zeros(len(texts), bool)
    found = pc.fill_null(pc.match_substring_regex(texts, r"[\r\n]"), False)
    return found.to_numpy(zero_copy_only=False)


def _identity(project: Project, lineup: models.Lineup, reading: Reading) -> str:
    shares = {version: share for share, version in lineup.challengers}
    facts = [
        [
            version.registered.model,
            version.version,
            version.registered.sha256,
            shares.get(version),
            sha256(project.predict_path(version.registered.model)),
        ]
        for version in lineup.versions
    ]
    known = [facts, reading.model_dump(mode="json"), running_version()]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
