"""The sections `training` and `models` of model.yaml: what is trained, and what is registered."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, StringConstraints
from pydantic import model_validator as validates_model

from seedling.config.datasets import Target
from seedling.config.document import Section
from seedling.wording import in_words

ModelName = Annotated[
    str,
    StringConstraints(
        pattern=in_words(r"^[A-Za-z][A-Za-z0-9_]*$", "letters, digits and _, from a letter on"),
        max_length=64,
    ),
]
SearchValue = (
    bool
    | int
    | float
    | Annotated[
        str,
        StringConstraints(pattern=in_words(r"^[\w.-]+$", "one word of letters, digits, . and -")),
    ]
)


class SearchRange(Section):
    """A range that a sweep draws numbers from: whole ones where both ends are whole."""

    min: int | float
    max: int | float
    log: bool = False  # drawn evenly by their logarithm

    @validates_model(mode="after")
    def _is_a_range(self) -> "SearchRange":
        if not self.min < self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        if self.log and not self.min > 0:
            raise ValueError(f"min {self.min:g} has no logarithm: put it above 0")
        return self


def _class_weight(given: object) -> object:
    if given == "balanced":
        return given
    weights = list(given.values()) if isinstance(given, Mapping) else []
    if not weights or not all(type(each) in (int, float) and each > 0 for each in weights):
        raise ValueError("class_weight is balanced, or a number above 0 by label")
    return given


ClassWeight = Annotated[
    Literal["balanced"] | dict[bool | int | float | str, float], PlainValidator(_class_weight)
]
SearchValues = Annotated[list[SearchValue], Field(min_length=1)]


class TrainedModel(Section):
    """A folder of models/, the dataset it learns from, and what train_model is called with.

    `search` says among which values a sweep looks for better hyperparameters. `class_weight` says
    how much a row of each label counts in training: `balanced`, or a weight by label, 1 for others.
    """

    name: ModelName
    dataset: str
    hyperparameters: dict[str, Any] = {}
    search: dict[str, SearchRange | SearchValues] = {}
    class_weight: ClassWeight | None = None

    def arguments(self, target: Target) -> dict[str, Any]:
        """Return what train_model is called with beside rows; its weights have each label."""
        weights: Any = self.class_weight
        if isinstance(weights, Mapping):
            weights = {label: weights.get(label, 1.0) for label in target.labels}
        return self.hyperparameters | ({} if weights is None else {"class_weight": weights})

    @validates_model(mode="after")
    def _searches_its_hyperparameters(self) -> "TrainedModel":
        for name in self.search:
            if name not in self.hyperparameters:
                known = ", ".join(self.hyperparameters) or "none"
                raise ValueError(f"search: {name} is no hyperparameter; there are {known}")
        return self


class Training(Section):
    """The share of entities held out for the gate, and the models.

    `refit` says whether a model is fitted again on all other rows before it is measured and
    registered; `folds` in how many parts it is cross-validated: 0 for not at all, and unless
    given, as rows and time allow. A table of more than `rows_in_memory` is read batch by batch.
    """

    holdout: float = Field(0.2, gt=0, lt=1)
    refit: bool = True
    folds: int | None = Field(default=None, ge=0, le=50)
    rows_in_memory: int = Field(5_000_000, ge=1)
    models: list[TrainedModel] = []

    @validates_model(mode="after")
    def _has_more_than_one_fold(self) -> "Training":
        if self.folds == 1:
            raise ValueError("folds: 1 leaves no rows to learn from: 0 for none, or 2 and more")
        return self


class RegisteredModel(Section):
    """A version in the registry; the service loads it only if its files have its hash.

    A model may have several: one champion, challengers that answer a `share` of the entities,
    and shadows, which answer to the prediction log only.
    """

    name: str
    model: ModelName
    description: str = ""
    version: str
    is_mlflow: bool = True
    sha256: str = Field(default="", pattern=in_words(r"^([0-9a-f]{64})?$", "64 hexadecimal digits"))
    share: float | None = Field(default=None, ge=0, le=1)
    shadow: bool = False

    @validates_model(mode="after")
    def _one_role(self) -> "RegisteredModel":
        if self.shadow and self.share is not None:
            raise ValueError("a shadow answers no request: give share or shadow, not both")
        return self

    @property
    def is_champion(self) -> bool:
        return self.share is None and not self.shadow


class Registrations(Section):
    """The registered versions of model.yaml, or those that this machine has for itself."""

    models: list[RegisteredModel] = []

    @validates_model(mode="after")
    def _versions_share_a_model(self) -> "Registrations":
        for name in dict.fromkeys(entry.model for entry in self.models):
            versions = [entry for entry in self.models if entry.model == name]
            if sum(entry.is_champion for entry in versions) != 1:
                raise ValueError(
                    f"models: {name} needs one version that has neither share nor shadow"
                )
            if sum(entry.share or 0 for entry in versions) > 1:
                raise ValueError(f"models: the shares of {name} are more than 1 in all")
            if len({entry.version for entry in versions}) < len(versions):
                raise ValueError(f"models: a version of {name} is given twice")
        return self
