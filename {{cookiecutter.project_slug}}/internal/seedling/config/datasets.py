"""The section `datasets` of model.yaml."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic import model_validator as validates_model

from seedling import tasks
from seedling.columns import AnyColumn, part_names
from seedling.columns.protocol import ColumnName
from seedling.config.document import Section
from seedling.errors import ProjectError

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
Label = bool | int | float | str


class Target(Section):
    """The predicted column; its task decides which types and labels are valid."""

    name: ColumnName
    type: str
    description: str = ""
    labels: list[Label] = []
    positive: Label | None = None


def _known_task(name: str) -> str:
    try:
        tasks.find(name)
    except ProjectError as error:
        raise ValueError(str(error).removesuffix(".")) from None
    return name


class Dataset(Section):
    """A table with its schema: the one place where features and target are described."""

    name: Name
    description: str = ""
    source: str
    local_directory_path: Literal["local_assets/datasets"] = "local_assets/datasets"
    file_name: str = Field(pattern=r"^[^/\\]+\.(parquet|csv)$")
    version: str
    task: Annotated[str, AfterValidator(_known_task)]
    metric: str
    entity_key: list[str] = []
    target: Target
    features: list[AnyColumn] = Field(min_length=1)
    strict: bool = False  # a value beyond the schema, such as a new category, stops training

    @validates_model(mode="after")
    def _columns_are_told_apart(self) -> "Dataset":
        names = [*self.entity_key, self.target.name, *(column.name for column in self.features)]
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
    def _target_fits_the_task(self) -> "Dataset":
        task = tasks.of(self)
        if self.metric not in task.metrics:
            raise ValueError(f"metric {self.metric!r} is none of {', '.join(task.metrics)}")
        if self.target.type not in task.target_types:
            raise ValueError(f"a {self.target.type} target does not fit the task {self.task}")
        task.check_target(self.target)
        return self

    @property
    def feature_names(self) -> list[str]:
        return [column.name for column in self.features]
