"""The section `datasets` of model.yaml."""

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic import model_validator as validates_model

from seedling import tasks
from seedling.columns import AnyColumn, part_names
from seedling.columns.protocol import Column, ColumnName
from seedling.config.document import Section
from seedling.config.reading import Reading
from seedling.data.expressions import Expression, Kind
from seedling.data.expressions import read as read_expression
from seedling.errors import ProjectError
from seedling.wording import in_words

Name = Annotated[
    str,
    StringConstraints(
        pattern=in_words(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "letters, digits, _ and -"), max_length=64
    ),
]
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
    """A rule by which rows are held out, beside or instead of a share by hash.

    `by` is a column of times: the last rows by it are held out. `held_out` is a column that marks
    rows: those with a value in it are held out always, beside the usual ones of the others.
    """

    by: ColumnName | None = None
    held_out: ColumnName | None = None
    holdout: str | None = Field(
        default=None,
        pattern=in_words(r"^last \d{1,2}(\.\d+)? ?%$", "last and a share, such as last 20 %"),
    )

    @property
    def share(self) -> float | None:
        """Return the share of rows to hold out; None where that of `training` holds."""
        return float(self.holdout[5:].rstrip("% ")) / 100 if self.holdout else None

    @validates_model(mode="after")
    def _holds_some_rows_out(self) -> "Split":
        if self.by is None and self.held_out is None:
            raise ValueError("by: name a column of times, or under held_out one that marks rows")
        if self.holdout and self.by is None:
            raise ValueError("holdout: there are no last rows without `by`, a column of times")
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
    file_name: str = Field(pattern=in_words(r"^[^/\\]+$", "the name of a file, without a folder"))
    version: str


class Dataset(NamedDataset):
    """A table with its schema: the one place where features and target are described."""

    source: str
    read: Reading = Reading()
    file_name: str = Field(
        pattern=in_words(
            r"^[^/\\]+\.(parquet|csv)$", "the name of a file, .parquet or .csv, without a folder"
        )
    )
    partition_by: list[str] = []  # columns: the file is a folder with one for each of their values
    task: Annotated[str, AfterValidator(_known_task)]
    # Of the task, of scikit-learn, or of metrics.py: training says if it is none of them.
    metric: str = Field(pattern=in_words(r"^[A-Za-z_]\w*$", "a name of letters, digits and _"))
    entity_key: list[str] = []
    one_row_per_key: bool = False
    split: Split | None = None
    target: Target
    features: list[AnyColumn] = Field(min_length=1)
    # Features whose values make a group, of a task that has groups; the key may hold them too.
    groups: list[str] = Field(default=[], validate_default=True)
    inputs: list[AnyColumn] = []  # columns that only derived features are computed from
    derived: dict[ColumnName, str] = {}  # expressions of derived features, such as `a / b`
    strict: bool = False  # a value beyond the schema, such as a new category, stops training
    ignored: list[str] = []  # the table's other columns, which a caller may send

    @field_validator("groups")
    @classmethod
    def _groups_fit_the_task(cls, groups: list[str], info: ValidationInfo) -> list[str]:
        known = info.data
        if {"task", "entity_key", "split", "features"} <= known.keys():  # else they are the fault
            key = known["entity_key"]
            is_split = known["split"] is not None and known["split"].by is not None
            tasks.find(known["task"]).check_groups(groups, known["features"], key, is_split)
        return groups

    @validates_model(mode="after")
    def _columns_are_told_apart(self) -> "Dataset":
        columns = (column.name for column in (*self.features, *self.inputs))
        key = [name for name in self.entity_key if name not in self.groups]  # these may be both
        names = [*key, self.target.name, *columns]
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
            key = {*self.entity_key} - {*self.groups}
            if name in {self.target.name, *key, *(each.name for each in self.inputs)}:
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
        task.check_features(self.features)
        if self.target.threshold is not None:
            task.check_threshold(self.target)
        return self

    @validates_model(mode="after")
    def _is_partitioned_by_columns_of_the_table(self) -> "Dataset":
        known = [*self.entity_key, *(column.name for column in self.raw)]
        unknown = [name for name in self.partition_by if name not in known]
        if unknown:
            raise ValueError(f"partition_by: {', '.join(unknown)} is no key, feature or input")
        return self

    @validates_model(mode="after")
    def _is_split_by_a_column_of_times(self) -> "Dataset":
        if self.by_time == self.target.name:
            raise ValueError(f"split: {self.by_time} is the target, and no time")
        used = [*self.entity_key, self.target.name, *self.feature_names, *self.computed]
        if self.marked in used:
            raise ValueError(
                f"split: held_out: {self.marked} is the key, the target or a feature: name a "
                "column that no model learns from"
            )
        return self

    @property
    def by_time(self) -> str:
        """Return the column of times by which the rows are split; empty for a split by hash."""
        return (self.split and self.split.by) or ""

    @property
    def marked(self) -> str:
        """Return the column that marks rows which are always held out; empty if there is none."""
        return (self.split and self.split.held_out) or ""

    @property
    def let_through(self) -> list[str]:
        """Return columns of the table that a caller may send, and no model reads."""
        known = {*self.feature_names, *(column.name for column in self.inputs)}
        known |= {*self.ignored, *self.entity_key, self.target.name, ""}
        return [*self.ignored, *(each for each in (self.by_time, self.marked) if each not in known)]

    @property
    def levels(self) -> list[str]:
        """Return the columns that nested folders of a source are values of, where they are bare."""
        return self.groups or self.partition_by

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
