"""model.yaml as a whole."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic import model_validator as validates_model

from seedling import tasks
from seedling.config.azure import AzureMl, SharedRegistry
from seedling.config.datasets import Dataset, NamedDataset
from seedling.config.document import read_text, validated
from seedling.config.filled_in import FilledIn, filled_in
from seedling.config.models import Registrations, TrainedModel, Training
from seedling.config.monitoring import Monitoring
from seedling.config.serving import FeatureStore, MonitoringStore, Serving
from seedling.errors import ProjectError
from seedling.files import is_device
from seedling.scaffold.parts import DEFAULT, Part
from seedling.wording import in_words

FILE_NAME = "model.yaml"
Slug = Annotated[
    str,
    StringConstraints(
        pattern=in_words(
            r"^[a-z]([a-z0-9_]*[a-z0-9])?$",
            "small letters, digits and _ between them, from a letter on",
        ),
        max_length=60,
    ),
]


class Config(Registrations):
    """The validated model.yaml."""

    name: str = Field(min_length=1)
    slug: Slug
    description: str = ""
    organisation: str = ""
    api_version: str = "1.0.0"
    parts: list[Part] = DEFAULT
    aad_tenant_id: str | None = None
    subscription_id: str | None = None
    aml: AzureMl | None = None
    registry: SharedRegistry | None = None
    feature_store: FeatureStore
    monitoring_store: MonitoringStore | None = None  # a name of serving.prediction_log
    datasets: list[Dataset]
    datasets_without_schema: list[NamedDataset] = []  # of `datasets` in model.yaml
    training: Training
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()

    @classmethod
    def filled_in(cls, document: Mapping[str, Any], folder: Path) -> FilledIn:
        """Return a document with what other files of the project say; see `filled_in`."""
        return filled_in(document, folder)

    @validates_model(mode="after")
    def _has_one_prediction_log(self) -> "Config":
        if self.monitoring_store is not None:
            if "prediction_log" in self.serving.model_fields_set:
                raise ValueError(
                    "monitoring_store and serving.prediction_log name the same place: keep one"
                )
            log = {"prediction_log": self.monitoring_store.prediction_log()}
            self.serving = self.serving.model_copy(update=log)
        return self

    @validates_model(mode="after")
    def _names_refer_to_something(self) -> "Config":
        for what, names in {
            "datasets": [dataset.name for dataset in self.named_datasets],
            "training.models": [model.name for model in self.training.models],
        }.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: the name {', '.join(twice)} is given twice")
            _check_files(what, names)
        if not self.datasets and not self.datasets_without_schema:
            raise ValueError("datasets: name one, or take the section from version control")
        for model in self.training.models:
            dataset = self.dataset(model.dataset, asked_by=f"training.models, {model.name}")
            if model.class_weight is not None:
                labels = () if model.class_weight == "balanced" else tuple(model.class_weight)
                try:
                    tasks.of(dataset).check_class_weight(dataset.target, labels)
                except ValueError as error:
                    raise ValueError(
                        f"training.models, {model.name}: class_weight: {error}"
                    ) from None
        if self.aml is not None:
            models = [model.name for model in self.training.models]
            self.aml.refuse_unknown(models, len(self.datasets))
        if self.serving.model is not None:
            _named(self.training.models, self.serving.model, "model", "serving.model")
        return self

    @validates_model(mode="after")
    def _segments_are_columns(self) -> "Config":
        columns = {column.name: column for dataset in self.datasets for column in dataset.raw}
        for name in self.monitoring.segments:
            if not columns:
                break
            if name not in columns:
                raise ValueError(f"monitoring.segments: no dataset has a feature {name!r}")
            if not columns[name].has_parts:
                raise ValueError(
                    f"monitoring.segments: {name} is a {columns[name].type}: parts of rows are "
                    "made by categories, booleans and numbers"
                )
        return self

    def dataset(self, name: str, asked_by: str = "") -> Dataset:
        """Return a dataset by its name.

        Args:
            name: its name.
            asked_by: the key that names it, for the error.

        Raises:
            ProjectError: there is no such dataset, with those that there are; or it has no schema.
        """
        self._refuse_without_schema(name)
        return _named(self.datasets, name, "dataset", asked_by)

    @property
    def named_datasets(self) -> list[NamedDataset]:
        """Return every dataset of model.yaml, also those without a schema."""
        return [*self.datasets, *self.datasets_without_schema]

    def chosen_datasets(self, name: str | None) -> list[Dataset]:
        """Return the dataset of this name, or all that have a schema; see `first_dataset`."""
        return [self.dataset(name)] if name else [self.first_dataset, *self.datasets[1:]]

    @property
    def first_dataset(self) -> Dataset:
        """Return the dataset that is meant where none is named.

        Raises:
            ProjectError: none has a schema.
        """
        for dataset in self.datasets_without_schema[: not self.datasets]:
            self._refuse_without_schema(dataset.name)
        return self.datasets[0]

    @property
    def first_model(self) -> str:
        """Return the name of the model that is meant where none is named."""
        self.refuse_untrainable()
        return self.training.models[0].name

    def refuse_untrainable(self) -> None:
        """Raise ProjectError where no dataset has a schema, or no model is trained."""
        learned = self.first_dataset
        if not self.training.models:
            raise ProjectError(
                f"{FILE_NAME} trains no model: run add-model MODEL --dataset {learned.name}."
            )

    def _refuse_without_schema(self, name: str) -> None:
        for dataset in self.datasets_without_schema:
            if dataset.name == name:
                raise ProjectError(
                    f"{FILE_NAME}, datasets: {name} has no schema: run add-dataset --name {name} "
                    f"--from {dataset.source or 'FILE'}."
                )

    def as_sent(self, learned: Dataset) -> Dataset:
        """Return the schema that a version learned, with what the table has beside it as ignored.

        Rows come as the table has them now, also to a version from before a column was added.
        """
        now = next((each for each in self.datasets if each.name == learned.name), learned)
        own = [*learned.entity_key, learned.target.name, *learned.computed, *learned.ignored]
        known = {*own, *(column.name for column in learned.raw)}
        raw = (column.name for column in now.raw)
        table = [*now.entity_key, now.target.name, *raw, *now.ignored]
        added = [name for name in table if name not in known]
        if not added:
            return learned
        return learned.model_copy(update={"ignored": [*learned.ignored, *added]})

    def holdout(self, dataset: Dataset) -> float:
        """Return the share of a dataset that is held out."""
        return (dataset.split and dataset.split.share) or self.training.holdout

    def trained_model(self, name: str) -> TrainedModel:
        """Return an entry of `training.models` by the model's name.

        Raises:
            ProjectError: there is no such model; the message names those that there are.
        """
        return _named(self.training.models, name, "model", "training.models")


def _check_files(what: str, names: Sequence[str]) -> None:
    """Refuse names of which Windows makes no files, or the same."""
    alike: dict[str, str] = {}
    for name in names:
        if is_device(name):
            raise ValueError(f"{what}: {name} is the name of a device on Windows: choose another")
        other = alike.setdefault(name.lower(), name)
        if other != name:
            raise ValueError(
                f"{what}: {other} and {name} are one file on Windows and macOS: choose another name"
            )


def _named(items: Sequence[Any], name: str, kind: str, asked_by: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    known = ", ".join(item.name for item in items) or "none"
    where = f"{asked_by}: " if asked_by else ""
    raise ProjectError(f"{where}there is no {kind} {name!r} in {FILE_NAME}; it has {known}.")


def read_config(path: Path) -> Config:
    """Read and validate the model.yaml at `path`.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    return validated(read_text(path), path, Config)


def expand(value: str, where: str) -> str:
    """Return `value` with every ${NAME} taken from the environment.

    Args:
        value: a text of model.yaml.
        where: the key that has it, for the error.

    Raises:
        ProjectError: a variable is not set.
    """

    def lookup(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ProjectError(f"{where} uses ${{{match[1]}}}, which is not set: add it to .env.")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", lookup, value)
