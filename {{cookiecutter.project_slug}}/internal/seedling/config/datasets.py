"""The section `datasets` of model.yaml."""

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints
from pydantic import model_validator as validates_model

from seedling import tasks
from seedling.columns import AnyColumn, part_names
from seedling.columns.protocol import Column, ColumnName
from seedling.config.document import Section
from seedling.config.reading import Reading
from seedling.data.expressions import Expression, Kind
from seedling.data.expressions import read as read_expression
from seedling.errors import ProjectError

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
Label = bool | int | float | str


class Cost(Section):
    """The cost of either mistake, in any unit."""

    false_positive: float = Field(ge=0)
    false_negative: float = Field(ge=0)


class Wanted(Section):
    """The aim that a threshold is chosen for, on training rows: one of three."""

    recall: float | None = Field(default=None, gt=0, le=1)
    precision: float | None = Field(default=None, gt=0, le=1)
    cost: Cost | None = None

    @validates_model(mode="after")
    def _is_one(self) -> "Wanted":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("threshold is a number, or one of recall, precision, cost")
        return self


def _threshold(given: object) -> object:
    """Refuse what is neither a probability nor a mapping, in one message and not in two."""
    if isinstance(given, float) and 0 < given < 1:
        return given
    if isinstance(given, Mapping | Wanted):
        return Wanted.model_validate(given)
    raise ValueError(f"{given!r} is no number between 0 and 1, and not recall, precision or cost")


Threshold = Annotated[float | Wanted, PlainValidator(_threshold)]


class Target(Section):
    """The predicted column; its task decides which types and labels are valid.

    `threshold` is the probability from which the positive label is predicted, or what it is chosen
    for; a trained model has the number.

    `rare_classes` says what happens to labels with too few rows to learn them: an error unless
    they are to be dropped with their rows, or merged.
    """

    name: ColumnName
    type: str
    description: str = ""
    labels: list[Label] = []
    positive: Label | None = None
    rare_classes: Literal["refuse", "drop", "merge"] | None = None
    threshold: Threshold | None = None


class Split(Section):
    """The rows to hold out are the last ones by a column of times, not a share by hash."""

    by: ColumnName
    holdout: str | None = Field(default=None, pattern=r"^last \d{1,2}(\.\d+)? ?%$")

    @property
    def share(self) -> float | None:
        """Return the share of rows to hold out; None where that of `training` holds."""
        return float(self.holdout[5:].rstrip("% ")) / 100 if self.holdout else None

    @validates_model(mode="after")
    def _holds_some_rows_out(self) -> "Split":
        if self.share == 0:
            raise ValueError("last 0% holds out no row")
        return self


def _known_task(name: str) -> str:
    try:
        tasks.find(name)
    except ProjectError as error:
        raise ValueError(str(error).removesuffix(".")) from None
    return name


def _inside(folder: str) -> str:
    """Return a folder of the project with slashes between, and without `./` before it."""
    path = PurePosixPath(folder.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(folder).anchor or ".." in path.parts or not folder:
        raise ValueError(f"{folder!r} is not inside the project: name a folder from its root")
    return path.as_posix()


ProjectFolder = Annotated[str, AfterValidator(_inside)]
DATASETS = "local_assets/datasets"


class NamedDataset(Section):
    """A dataset that model.yaml names: nothing learns from it before it has a schema."""

    name: Name
    description: str = ""
    source: str = ""
    local_directory_path: ProjectFolder = DATASETS
    file_name: str = Field(pattern=r"^[^/\\]+$")
    version: str


class Dataset(NamedDataset):
    """A table with its schema: the one place where features and target are described."""

    source: str
    read: Reading = Reading()
    file_name: str = Field(pattern=r"^[^/\\]+\.(parquet|csv)$")
    task: Annotated[str, AfterValidator(_known_task)]
    # Of the task, of scikit-learn, or of metrics.py: training says if it is none of them.
    metric: str = Field(pattern=r"^[A-Za-z_]\w*$")
    entity_key: list[str] = []
    one_row_per_key: bool = False
    split: Split | None = None
    target: Target
    features: list[AnyColumn] = Field(min_length=1)
    inputs: list[AnyColumn] = []  # columns that only derived features are computed from
    derived: dict[ColumnName, str] = {}  # expressions of derived features, such as `a / b`
    strict: bool = False  # a value beyond the schema, such as a new category, stops training
    ignored: list[str] = []  # the table's other columns, which a caller may send

    @validates_model(mode="after")
    def _columns_are_told_apart(self) -> "Dataset":
        columns = (column.name for column in (*self.features, *self.inputs))
        names = [*self.entity_key, self.target.name, *columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"{', '.join(twice)} stands more than once among key, target, features"
            )
        parts = part_names(self.features)
        twice = sorted({name for name in parts if parts.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} names parts of more than one feature: rename one")
        return self

    @validates_model(mode="after")
    def _derived_features_can_be_computed(self) -> "Dataset":
        if not self.raw:
            raise ValueError("all features are derived: name under inputs what they are made from")
        for name, expression in self.expressions().items():
            column = next((each for each in self.features if each.name == name), None)
            if name in {self.target.name, *self.entity_key, *(each.name for each in self.inputs)}:
                raise ValueError(f"derived: {name} is a column of the table: choose another name")
            if column and column.numeric != (expression.kind == "number"):
                raise ValueError(f"derived: {name} is a {expression.kind}, not a {column.type}")
            if column and column.derived:
                raise ValueError(f"derived: {name} has an expression, and is marked as derived")
        if any(column.derived for column in self.inputs):
            raise ValueError("inputs are columns of the table: none is derived")
        return self

    @validates_model(mode="after")
    def _target_fits_the_task(self) -> "Dataset":
        task = tasks.of(self)
        if self.target.type not in task.target_types:
            raise ValueError(f"a {self.target.type} target does not fit the task {self.task}")
        task.check_target(self.target)
        if self.target.threshold is not None:
            task.check_threshold(self.target)
        return self

    @validates_model(mode="after")
    def _is_split_by_a_column_of_times(self) -> "Dataset":
        if self.split and self.split.by == self.target.name:
            raise ValueError(f"split: {self.split.by} is the target, and no time")
        return self

    @property
    def feature_names(self) -> list[str]:
        return [column.name for column in self.features]

    @property
    def raw(self) -> list[Column]:
        """Return the columns that the table has and a caller sends: what is not derived."""
        computed = set(self.computed)
        return [*(each for each in self.features if each.name not in computed), *self.inputs]

    @property
    def computed(self) -> list[str]:
        """Return the names of the derived features."""
        return [each.name for each in self.features if each.derived or each.name in self.derived]

    def expressions(self) -> dict[str, Expression]:
        """Return the expressions of `derived`, by the name of the column that each computes.

        Raises:
            ValueError: one is malformed, or names no column.
        """
        kinds: dict[str, Kind] = {
            column.name: "number" if column.numeric else "text"
            for column in self.raw
            if not column.endings()
        }
        found = {}
        for name, text in self.derived.items():
            try:
                found[name] = read_expression(text, kinds)
            except ValueError as error:
                raise ValueError(f"derived: {name}: {error}") from None
            kinds[name] = found[name].kind
        return found
