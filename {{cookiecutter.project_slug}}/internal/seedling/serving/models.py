"""The served models: their versions, and the choice of the version that answers a row."""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from seedling import tasks
from seedling.columns.protocol import Column
from seedling.compiled import forms
from seedling.config import Config, Dataset, Project, RegisteredModel
from seedling.data import derived
from seedling.data.derived import Derivation
from seedling.data.scalars import label_text, plain
from seedling.errors import InputError, NotFound, ProjectError, Unavailable
from seedling.registry import model_files, signatures
from seedling.serving.inputs import Reader, Values
from seedling.training.notes import Measured
from seedling.wording import listed

if TYPE_CHECKING:  # only batches are answered by columns
    from seedling.data.column_values import Values as Columns

log = logging.getLogger(__name__)


class Version:
    """One version of a model, loaded and verified.

    Args:
        registered: its name, version, hash and role in model.yaml.
        dataset: the schema that it learned.
        answer: returns the task's answer for n rows of values.
        answer_columns: returns the same for n values of each feature, what is of each row as an
            array or list; by rows unless given.
        plain: whether the team's predict answers, and not a compiled form.
        measured: its metrics, and the number of rows of the holdout.
        derivation: computes its derived features; by expressions alone unless given.
        form: the compiled form that answers, if one does.
    """

    def __init__(
        self,
        registered: RegisteredModel,
        dataset: Dataset,
        answer: Callable[[Sequence[Values]], Mapping[str, Any]],
        plain: bool = False,
        measured: Measured | None = None,
        derivation: Derivation | None = None,
        answer_columns: "Callable[[Sequence[Columns]], Mapping[str, Any]] | None" = None,
        form: forms.Compiled | None = None,
    ) -> None:
        self.registered, self.dataset, self.plain = registered, dataset, plain
        self.derivation = derivation or Derivation(dataset)
        self.version = registered.version
        self.task = tasks.of(dataset)
        self.measured = measured or Measured()
        self.answer = answer
        self.answer_columns = answer_columns or self._by_rows
        self.form = form

    def _by_rows(self, columns: "Sequence[Columns]") -> Mapping[str, Any]:
        from seedling.data import column_values

        return self.answer(column_values.rows(columns))


class Lineup(NamedTuple):
    """The versions of a model that answer requests. Replaced as a whole, never changed."""

    champion: Version
    challengers: Sequence[
        tuple[float, Version]
    ]  # with the upper end of its share of the entities, 0 to 1
    reader: Reader
    plain: bool  # whether the team's predict or derive is called, which may take long

    @property
    def versions(self) -> list[Version]:
        """Return the champion, then the challengers."""
        return [self.champion, *(version for _, version in self.challengers)]


class Run:
    """One call of the team's serve.py: its inputs, and each answer.

    Attributes:
        answered_by: the model and the version of each.
        answers: the champion, whose task it is, n rows of features, and the answer.
    """

    def __init__(self, user_inputs: Mapping[str, Any]) -> None:
        self.user_inputs = user_inputs
        self.answered_by: list[tuple[str, str]] = []
        self.answers: list[tuple[Version, Sequence[Values], Mapping[str, Any]]] = []


RUN: ContextVar[Run | None] = ContextVar("run", default=None)


class ServedModel:
    """A model as serve.py and the routes use it. Chooses the version that answers a row."""

    def __init__(self, name: str, lineup: Lineup) -> None:
        self.name = name
        self.lineup = lineup

    @property
    def dataset(self) -> Dataset:
        """Return the schema of the champion."""
        return self.lineup.champion.dataset

    @property
    def version(self) -> str:
        """Return the version of the champion."""
        return self.lineup.champion.version

    def features(self, user_inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the features, or what they are computed from, among the inputs of a request.

        Raises:
            InputError: a value is wrong, or missing and required; with the name of the feature.
            NotFound: the inputs name an entity, and nothing of it.
        """
        reader = self.lineup.reader
        key = {name: user_inputs[name] for name in reader.key_names if name in user_inputs}
        features = reader.columns.keys() - reader.key_names
        if key and not any(name in features for name in user_inputs):
            entity = ", ".join(f"{name} {value}" for name, value in key.items())
            raise NotFound(f"Nothing is known of {entity}: send the features.")
        (values,) = reader.raw_values([reader.row(user_inputs)], single=True)
        return dict(zip(reader.columns, values, strict=True))

    def answer(self, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> dict[str, Any]:
        """Answer rows of features, such as those that serve.py reads from the feature store.

        Args:
            rows: n rows, or one, by column name; derived and other columns are ignored.

        Returns:
            The task's answer as values of JSON, with `model` and `version`.

        Raises:
            InputError: a value is wrong; with the name of the feature.
        """
        found = [rows] if isinstance(rows, Mapping) else rows
        run, lineup = RUN.get(), self.lineup
        names = lineup.champion.dataset.entity_key
        inputs = run.user_inputs if run else {}
        keys = [tuple(row.get(name, inputs.get(name)) for name in names) for row in found]
        raw = [as_values(row, lineup.champion.dataset.raw) for row in found]
        values = lineup.champion.derivation.values(raw)
        answer = self.answer_values(lineup, values, [() if None in key else key for key in keys])
        if run:
            versions = answer.get("versions", [answer["version"]])
            run.answered_by += [(self.name, version) for version in dict.fromkeys(versions)]
            run.answers.append((lineup.champion, values, answer))
        return answer

    def predict(self, lineup: Lineup, rows: Sequence[Any]) -> dict[str, Any]:
        """Answer rows that the reader has read."""
        values = lineup.reader.values(rows)
        keys = [lineup.reader.keys(row) for row in rows] if lineup.challengers else []
        return self.answer_values(lineup, values, keys)

    def answer_values(
        self, lineup: Lineup, rows: Sequence[Values], keys: Sequence[Values]
    ) -> dict[str, Any]:
        """Answer each row by the version that its entity is routed to.

        Args:
            lineup: the versions.
            rows: the values of n rows.
            keys: the entity key of each row, () where it is not known; unused without challengers.
        """
        if not lineup.challengers:
            answer = dict(lineup.champion.answer(rows))
            return answer | {"model": self.name, "version": lineup.champion.version}
        chosen = [self.version_for(lineup, key or row) for key, row in zip(keys, rows, strict=True)]
        answer = _merged(rows, chosen, lineup.champion)
        versions = [version.version for version in chosen]
        only = versions[0] if len(set(versions)) == 1 else None
        return answer | {"model": self.name, "version": only, "versions": versions}

    def version_for(self, lineup: Lineup, key: Values) -> Version:
        """Return the version for an entity, chosen by a hash of its key, or of its features."""
        text = "\x1f".join([self.name, *(label_text(value) for value in key)])
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        place = int.from_bytes(digest) / 2**64
        for share, challenger in lineup.challengers:
            if place < share:
                return challenger
        return lineup.champion


def _merged(rows: Sequence[Values], chosen: Sequence[Version], champion: Version) -> dict[str, Any]:
    """Merge the answers of several versions, row by row, in the champion's shape."""
    whole = dict(champion.answer(()))
    merged: dict[str, list[Any]] = {key: [None] * len(rows) for key in champion.task.by_row}
    for version in dict.fromkeys(chosen):
        places = [at for at, other in enumerate(chosen) if other is version]
        answer = dict(version.answer([rows[at] for at in places]))
        answer = champion.task.aligned(answer, whole)
        for key, values in merged.items():
            for at, place in enumerate(places):
                values[place] = answer[key][at]
    return whole | merged


def as_values(row: Mapping[str, Any], columns: Sequence[Column]) -> Values:
    """Return the values of a row's columns, read as training reads a dataset.

    Raises:
        InputError: a value is not of its column's type, or is missing and required; or all are.
    """
    values = []
    for column in columns:
        cell = plain(row.get(column.name))
        try:
            values.append(None if cell is None else column.cell(cell))
        except ValueError:
            raise InputError(f"{column.name}: {column.misfit(cell)}.") from None
    pairs = list(zip(columns, values, strict=True))
    missing = [column.name for column, value in pairs if value is None and not column.nullable]
    if missing:
        raise InputError(f"{listed(missing)}: required, and missing.")
    if values.count(None) == len(values):
        raise InputError("every feature is missing.")
    return tuple(values)


class LeftOut(Unavailable):
    """SERVED_MODELS does not name the model."""


class NotRegistered(Unavailable):
    """The model has no version here, or is none of model.yaml's: the other models answer."""


class Models(dict[str, ServedModel]):
    """The served models by name; another name raises Unavailable with the reason, not KeyError."""

    left_out: Collection[str] = ()

    def __init__(self) -> None:
        super().__init__()
        self._best: str | None = None
        self._made: dict[str, ServedModel] = {}
        self._trained: Collection[str] = ()
        self._problems: Mapping[str, str] = {}

    def arrange(
        self,
        lineups: Mapping[str, Lineup],
        trained: Collection[str] = (),
        problems: Mapping[str, str] | None = None,
        best: str | None = None,
    ) -> None:
        """Serve these line-ups and no others.

        serve.py keeps this object and the models in it: both stay the same.

        Args:
            lineups: for each served model, its champion and challengers.
            trained: the names of the models that model.yaml trains.
            problems: why a registered model is not served, by its name.
            best: the name of the model that answers where none is named.
        """
        self._trained, self._problems, self._best = trained, problems or {}, best
        for name, lineup in lineups.items():
            served = self._made.setdefault(name, ServedModel(name, lineup))
            served.lineup = lineup
            self[name] = served
        for name in self.keys() - lineups.keys():
            del self[name]

    @property
    def best(self) -> ServedModel:
        """Return the best champion, or the model that `serving.model` of model.yaml names.

        Ask for it with each request: another may be the best once more is trained.

        Raises:
            Unavailable: it is not served, or none is, and why.
        """
        if self._best is None:
            words = next(iter(self._problems.values()), "No model is registered: run train.")
            raise Unavailable(words)
        return self[self._best]

    def __missing__(self, name: str) -> ServedModel:
        if name in self.left_out:
            raise LeftOut(f"The model {name} is not served here: SERVED_MODELS leaves it out.")
        if name in self._problems:
            raise Unavailable(self._problems[name])
        if name in self._trained:
            raise NotRegistered(
                f"No version of {name} is registered here: run train --model {name}."
            )
        known = ", ".join(self._trained)
        raise NotRegistered(f"There is no model {name!r} in model.yaml; there are: {known}.")


def lineup(
    champion: Version, versions: Sequence[Version] = (), sent: Dataset | None = None
) -> Lineup:
    """Return the line-up of a champion and of those versions that have a share.

    Args:
        champion: answers unless an entity is routed to another version.
        versions: those of the same model.
        sent: the champion's schema as `Config.as_sent` returns it; as it learned it unless given.
    """
    challengers, upto = [], 0.0
    for version in versions:
        if version.registered.share:
            upto += version.registered.share
            challengers.append((upto, version))
    plain = any(version.plain for version in (champion, *versions))
    slow = plain or bool(champion.derivation.by_code)
    reader = Reader(sent or champion.dataset, champion.derivation)
    return Lineup(champion, challengers, reader, slow)


def can_share(version: Version, champion: Version) -> bool:
    """Return whether a version can answer the champion's requests, in the champion's shape."""
    return _question(version) == _question(champion)


def _question(version: Version) -> tuple[object, ...]:
    dataset = version.dataset
    columns = [(column.name, column.type) for column in (*dataset.features, *dataset.inputs)]
    features = columns, dataset.computed, dataset.derived, version.derivation.source
    target = dataset.target
    return features, dataset.task, target.name, set(tasks.of(dataset).outcomes(target))


def load(project: Project, registered: RegisteredModel) -> Version:
    """Verify and load a registered version, by its compiled form if that is valid.

    Raises:
        ProjectError: its files are missing, have another hash, are not signed where they have to
            be, or cannot be loaded.
    """
    folder = project.model_path(registered)
    model_files.verify(folder, registered.sha256)
    if project.config.serving.require_signature:
        key = project.root / project.config.serving.public_key
        signatures.refuse_unsigned(folder, key, registered.name, registered.version)
    where = f"{registered.model}, version {registered.version}"
    model_files.refuse_smoke(folder, f"The model {where},", "served")
    dataset, _ = model_files.read_schema(folder)
    measured = model_files.read_measured(folder)
    derivation = derived.of_model(folder, dataset)
    try:
        form = forms.load(folder, project.predict_path(registered.model))
    except ProjectError as error:
        reason = measured.compiled.refused or str(error)
        answer, of_columns = _plain(project, registered, reason)
        if tasks.of(dataset).compiles:
            log.warning("%s answers by pandas and scikit-learn: %s", where, reason)
        return Version(registered, dataset, answer, True, measured, derivation, of_columns)
    columns = form.answer_columns
    return Version(registered, dataset, form.answer, False, measured, derivation, columns, form)


def _plain(
    project: Project, registered: RegisteredModel, reason: str
) -> "tuple[Callable[[Any], Mapping[str, Any]], Callable[[Any], Mapping[str, Any]]]":
    """Return what answers rows, and columns, by the team's predict: for a model without form."""
    try:
        import pandas as pd
    except ImportError:
        raise ProjectError(
            f"{registered.model} does not answer by a compiled form ({reason}), and without one it "
            "needs pandas: run init with the group `plain`."
        ) from None
    folder = project.model_path(registered)
    name, version = registered.model, registered.version
    predictor = model_files.load(name, version, folder, registered.sha256)
    dataset = predictor.dataset
    task = tasks.of(dataset)

    def answer(rows: Sequence[Values]) -> dict[str, Any]:
        table = pd.DataFrame(list(rows), columns=dataset.feature_names)
        return task.answer(predictor.answer(table) if len(table) else {}, dataset)

    def answer_columns(columns: "Sequence[Columns]") -> dict[str, Any]:
        if not len(columns[0]):
            return task.answer({}, dataset)
        named = zip(dataset.feature_names, columns, strict=True)
        table = pd.DataFrame({name: column.series() for name, column in named})
        return task.answer(predictor.answer(table), dataset)

    return answer, answer_columns


def fake(config: Config) -> dict[str, Lineup]:
    """Return line-ups that answer in the real shape without models, for app developers."""
    found = {}
    for trained in config.training.models:
        dataset = config.dataset(trained.dataset)
        registered = RegisteredModel(
            name=trained.name, model=trained.name, version="fake", sha256="0" * 64
        )
        found[trained.name] = lineup(Version(registered, dataset, _stand_in(dataset)))
    return found


def _stand_in(dataset: Dataset) -> Callable[[Sequence[Values]], dict[str, Any]]:
    task = tasks.of(dataset)
    return lambda rows: task.stand_in(dataset, len(rows))
