"""Served models: the versions of each, which of them answers a row, and how."""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from seedling import tasks
from seedling.compiled import forms
from seedling.config import Config, Dataset, Project, RegisteredModel
from seedling.data.scalars import label_text, plain
from seedling.errors import InputError, ProjectError, Unavailable
from seedling.registry import model_files
from seedling.serving.inputs import Reader, Values

log = logging.getLogger(__name__)


class Version:
    """One version of a model, loaded and verified.

    Args:
        answer: the task's answer for n rows of values.
        plain: whether pandas and scikit-learn answer, and not a compiled form.
    """

    def __init__(
        self,
        registered: RegisteredModel,
        dataset: Dataset,
        answer: Callable[[Sequence[Values]], Mapping[str, Any]],
        plain: bool = False,
        measured: Mapping[str, Any] | None = None,
    ) -> None:
        self.registered, self.dataset, self.plain = registered, dataset, plain
        self.version = registered.version
        self.task = tasks.of(dataset)
        self.measured = measured or {"metrics": {}, "holdout_rows": None}
        self.answer = answer


class Lineup(NamedTuple):
    """Who answers for a model now; replaced as a whole, so that a request sees one or the other."""

    champion: Version
    challengers: Sequence[tuple[float, Version]]  # the share of the entities up to here
    reader: Reader
    plain: bool  # whether an answer may take long

    @property
    def versions(self) -> list[Version]:
        """Return the champion, then the challengers."""
        return [self.champion, *(version for _, version in self.challengers)]


class Run:
    """What a call of the team's serve.py stands for: its entity, and which versions spoke."""

    def __init__(self, user_inputs: Mapping[str, Any]) -> None:
        self.user_inputs = user_inputs
        self.spoke: list[tuple[str, str]] = []


RUN: ContextVar[Run | None] = ContextVar("run", default=None)


class ServedModel:
    """A model as serve.py and the routes use it, whichever of its versions answers."""

    def __init__(self, name: str, lineup: Lineup) -> None:
        self.name = name
        self.lineup = lineup

    @property
    def dataset(self) -> Dataset:
        return self.lineup.champion.dataset

    @property
    def version(self) -> str:
        return self.lineup.champion.version

    def features(self, user_inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The features among what a caller sent; raises InputError naming a wrong one."""
        reader = self.lineup.reader
        (values,) = reader.values([reader.row(user_inputs)], single=True)
        return dict(zip(reader.columns, values, strict=True))

    def answer(self, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> dict[str, Any]:
        """Predictions for rows of features, as serve.py found them in the feature store.

        Returns:
            The task's answer, as JSON can carry it, with `model` and `version`.
        """
        found = [rows] if isinstance(rows, Mapping) else rows
        run, lineup = RUN.get(), self.lineup
        names = lineup.champion.dataset.entity_key
        inputs = run.user_inputs if run else {}
        keys = [tuple(row.get(name, inputs.get(name)) for name in names) for row in found]
        values = [as_values(row, lineup.champion.dataset) for row in found]
        answer = self.speak(lineup, values, [() if None in key else key for key in keys])
        if run:
            versions = answer.get("versions", [answer["version"]])
            run.spoke += [(self.name, version) for version in dict.fromkeys(versions)]
        return answer

    def predict(self, lineup: Lineup, rows: Sequence[Any]) -> dict[str, Any]:
        """The answer for rows that the reader has read."""
        values = lineup.reader.values(rows)
        keys = [lineup.reader.keys(row) for row in rows] if lineup.challengers else []
        return self.speak(lineup, values, keys)

    def speak(
        self, lineup: Lineup, rows: Sequence[Values], keys: Sequence[Values]
    ) -> dict[str, Any]:
        """Each row answered by the version whose turn its entity is."""
        if not lineup.challengers:
            answer = dict(lineup.champion.answer(rows))
            return answer | {"model": self.name, "version": lineup.champion.version}
        chosen = [self._whose_turn(lineup, key or row) for key, row in zip(keys, rows, strict=True)]
        answer = _merged(rows, chosen, lineup.champion)
        versions = [version.version for version in chosen]
        only = versions[0] if len(set(versions)) == 1 else None
        return answer | {"model": self.name, "version": only, "versions": versions}

    def _whose_turn(self, lineup: Lineup, key: Values) -> Version:
        """By a hash of the entity's key, of the features where there is none: always the same."""
        text = "\x1f".join([self.name, *(label_text(value) for value in key)])
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        place = int.from_bytes(digest) / 2**64
        for share, challenger in lineup.challengers:
            if place < share:
                return challenger
        return lineup.champion


def _merged(rows: Sequence[Values], chosen: Sequence[Version], champion: Version) -> dict[str, Any]:
    """Put several versions' answers together, row by row, in the champion's shape."""
    whole = dict(champion.answer(()))
    merged: dict[str, list[Any]] = {key: [None] * len(rows) for key in champion.task.by_row}
    for version in dict.fromkeys(chosen):
        places = [at for at, its in enumerate(chosen) if its is version]
        answer = dict(version.answer([rows[at] for at in places]))
        answer = champion.task.aligned(answer, whole)
        for key, values in merged.items():
            for at, place in enumerate(places):
                values[place] = answer[key][at]
    return whole | merged


def as_values(row: Mapping[str, Any], dataset: Dataset) -> Values:
    """A row of features as a model takes them, read as training reads a dataset."""
    values = []
    for column in dataset.features:
        cell = plain(row.get(column.name))
        try:
            values.append(None if cell is None else column.cell(cell))
        except ValueError:
            raise InputError(
                f"{column.name}: expected {column.expected}, got {cell!r:.80}."
            ) from None
    return tuple(values)


class LeftOut(Unavailable):
    """This process is not meant to serve the model: SERVED_MODELS names others."""


class Models(dict[str, ServedModel]):
    """The served models; asking for another says that it is not served, not a KeyError."""

    left_out: Collection[str] = ()

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, ServedModel] = {}

    def arrange(self, lineups: Mapping[str, Lineup]) -> None:
        """Serve these line-ups and no others.

        serve.py keeps this object and the models in it: both stay the same.
        """
        for name, lineup in lineups.items():
            served = self._made.setdefault(name, ServedModel(name, lineup))
            served.lineup = lineup
            self[name] = served
        for name in self.keys() - lineups.keys():
            del self[name]

    def __missing__(self, name: str) -> ServedModel:
        if name in self.left_out:
            raise LeftOut(f"The model {name} is not served here: SERVED_MODELS leaves it out.")
        raise Unavailable(f"The model {name} is not served: /ready tells why.")


def lineup(champion: Version, versions: Sequence[Version] = ()) -> Lineup:
    """Who answers for one model: its champion, and of these versions each for its share."""
    challengers, upto = [], 0.0
    for version in versions:
        if version.registered.share:
            upto += version.registered.share
            challengers.append((upto, version))
    plain = any(version.plain for version in (champion, *versions))
    return Lineup(champion, challengers, Reader(champion.dataset), plain)


def same_question(version: Version, champion: Version) -> bool:
    """Say whether a version can answer the champion's requests, in the champion's shape."""
    return _question(version.dataset) == _question(champion.dataset)


def _question(dataset: Dataset) -> tuple[object, ...]:
    features = [(column.name, column.type) for column in dataset.features]
    target = dataset.target
    return features, dataset.task, target.name, set(tasks.of(dataset).outcomes(target))


def load(project: Project, registered: RegisteredModel) -> Version:
    """A registered version, by its compiled form where it has one that holds.

    Raises:
        ProjectError: it is missing, is not the one that was registered, or cannot be loaded.
    """
    folder = project.model_path(registered)
    model_files.verify(folder, registered.sha256)
    dataset, _ = model_files.read_schema(folder)
    measured = model_files.read_measured(folder)
    where = f"{registered.model}, version {registered.version}"
    try:
        form = forms.load(folder, project.predict_path(registered.model))
    except ProjectError as error:
        reason = measured["compiled"].get("refused") or str(error)
        answer = _plain(project, registered, reason)
        log.warning("%s answers by pandas and scikit-learn: %s", where, reason)
        return Version(registered, dataset, answer, True, measured)
    return Version(registered, dataset, form.answer, False, measured)


def _plain(
    project: Project, registered: RegisteredModel, reason: str
) -> Callable[[Sequence[Values]], dict[str, Any]]:
    """Answers by the team's own predict: what a model without a compiled form does."""
    try:
        import pandas as pd
    except ImportError:
        raise ProjectError(
            f"{registered.model} does not answer by a compiled form ({reason}), and without one it "
            "needs the group `plain`: run init with it."
        ) from None
    folder = project.model_path(registered)
    name, version = registered.model, registered.version
    predictor = model_files.load(name, version, folder, registered.sha256)
    dataset = predictor.dataset
    task = tasks.of(dataset)

    def answer(rows: Sequence[Values]) -> dict[str, Any]:
        table = pd.DataFrame(list(rows), columns=dataset.feature_names)
        return task.answer(predictor.answer(table) if len(table) else {}, dataset)

    return answer


def fake(config: Config) -> dict[str, Lineup]:
    """Line-ups that answer in the real shape with nothing loaded: for app developers."""
    found = {}
    for trained in config.training.models:
        dataset = config.dataset(trained.dataset)
        registered = RegisteredModel(
            name=trained.name, model=trained.name, version="fake", sha256="0" * 64
        )
        found[trained.name] = lineup(Version(registered, dataset, _made_up(dataset)))
    return found


def _made_up(dataset: Dataset) -> Callable[[Sequence[Values]], dict[str, Any]]:
    task = tasks.of(dataset)
    return lambda rows: task.stand_in(dataset, len(rows))
