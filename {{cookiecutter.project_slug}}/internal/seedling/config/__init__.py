"""model.yaml: read, validated, and written back with its comments kept."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from dotenv import load_dotenv
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic import model_validator as validates_model
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from seedling import tasks
from seedling.columns import AnyColumn, part_names
from seedling.columns.protocol import ColumnName
from seedling.errors import ProjectError
from seedling.files import write_text
from seedling.scaffold.parts import DEFAULT, Part
from seedling.settings import MODELS_FOLDER

FILE_NAME = "model.yaml"
PLACEHOLDER = "_CHANGE_ME_"

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9_]*[a-z0-9])?$", max_length=60)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Label = bool | int | float | str
SearchValue = bool | int | float | Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")]


class Section(BaseModel):
    """A part of model.yaml; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Target(Section):
    """What is predicted: which types there are, and what labels mean, the dataset's task says."""

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


class SearchRange(Section):
    """Numbers to draw from; whole ones where both ends are."""

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


SearchValues = Annotated[list[SearchValue], Field(min_length=1)]


class TrainedModel(Section):
    """A folder of models/, the dataset it learns from, and what train_model is called with.

    `search` says among which values a sweep looks for better hyperparameters.
    """

    name: ModelName
    dataset: str
    hyperparameters: dict[str, Any] = {}
    search: dict[str, SearchRange | SearchValues] = {}

    @validates_model(mode="after")
    def _searches_its_hyperparameters(self) -> "TrainedModel":
        for name in self.search:
            if name not in self.hyperparameters:
                known = ", ".join(self.hyperparameters) or "none"
                raise ValueError(f"search: {name} is no hyperparameter; there are {known}")
        return self


class Training(Section):
    holdout: float = Field(0.2, gt=0, lt=1)
    models: list[TrainedModel] = Field(min_length=1)


class FeatureStore(Section):
    """A SQLAlchemy URL, or server and database of an Azure SQL that is entered with a token."""

    url: str | None = None
    server: str | None = None
    database: str | None = None

    @validates_model(mode="after")
    def _one_way_in(self) -> "FeatureStore":
        azure_sql = self.server is not None and self.database is not None
        if azure_sql == (self.url is not None) or (self.server is None) != (self.database is None):
            raise ValueError("give either url, or server and database")
        return self


class PredictionLog(Section):
    """Where predictions are kept: a SQLAlchemy URL, or a container of Cosmos DB."""

    url: str | None = None
    endpoint: str | None = None
    database: str | None = None
    container: str | None = None

    @validates_model(mode="after")
    def _one_place(self) -> "PredictionLog":
        cosmos = (self.endpoint, self.database, self.container)
        if any(cosmos) != all(cosmos) or any(cosmos) == (self.url is not None):
            raise ValueError("give either url, or endpoint, database and container")
        return self


class Serving(Section):
    """What the service keeps, and how much it takes on at once."""

    prediction_log: PredictionLog | Literal["off"] = PredictionLog(
        url="sqlite:///local_assets/predictions.db"
    )
    most_rows: int = Field(default=10_000, ge=1)  # of one request
    time_limit: float = Field(default=30, gt=0)  # seconds


class RegisteredModel(Section):
    """A version in the registry; the service loads it only if its files have this hash.

    A model may have several: one champion, challengers that answer a `share` of the entities,
    and shadows, which answer to the prediction log only.
    """

    name: str
    model: ModelName
    description: str = ""
    version: str
    is_mlflow: bool = True
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    share: float | None = Field(default=None, ge=0, le=1)
    shadow: bool = False

    @validates_model(mode="after")
    def _one_role(self) -> "RegisteredModel":
        if self.shadow and self.share is not None:
            raise ValueError("a shadow answers nobody: give share or shadow, not both")
        return self

    @property
    def is_champion(self) -> bool:
        return self.share is None and not self.shadow


class Cluster(Section):
    """The machines of jobs: the cluster is made when it is first needed."""

    cluster_name: str = "cpu-cluster"
    cluster_size: str = "Standard_DS3_v2"
    cluster_region: str | None = None  # the workspace's, unless given
    min_nodes: int = Field(default=0, ge=0)
    max_nodes: int = Field(default=4, ge=1)
    idle_seconds_before_scaledown: int = Field(default=600, ge=60)


class OnlineDeployment(Section):
    """The machines that answer a request each."""

    endpoint_name: str | None = None  # the project's own, unless given
    deployment_vm_size: str = "Standard_DS2_v2"
    deployment_instance_count: int = Field(default=1, ge=1)


class BatchDeployment(Section):
    """How the cluster scores files."""

    endpoint_name: str | None = None  # the project's own, unless given
    deployment_instance_count: int = Field(default=1, ge=1)
    mini_batch_size: int = Field(default=10, ge=1)  # files that one call is given
    max_concurrency_per_instance: int = Field(default=1, ge=1)
    output_file_name: str = "predictions.csv"
    max_retries: int = Field(default=3, ge=0)
    retry_timeout: int = Field(default=300, ge=1)  # seconds of one call
    error_threshold: int = Field(default=0, ge=-1)  # files that may fail; -1: any number


class WebApp(Section):
    """The service's container as an Azure web app."""

    site_name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,57}[a-z0-9]$")  # the next, if taken
    plan: str  # the App Service plan, in the workspace's resource group
    container_registry: str = Field(pattern=r"^[a-z0-9.-]+(:[0-9]+)?$")  # such as x.azurecr.io
    api_key_secret: str | None = Field(default=None, pattern=r"^https://")  # a Key Vault secret's
    patience: int = Field(default=600, ge=1)  # seconds until it must answer


class AzureEnvironment(Section):
    """What differs between development and production."""

    compute: Cluster = Cluster()
    online: OnlineDeployment = OnlineDeployment()
    batch: BatchDeployment = BatchDeployment()
    web_app: WebApp | None = None


class AzureMl(Section):
    """The Azure ML workspace, in the subscription that stands beside it."""

    resource_group_name: str | None = None
    workspace_name: str | None = None
    environments: dict[str, AzureEnvironment] = {}  # by ENVIRONMENT; dev where that is not set


class SharedRegistry(Section):
    """The Azure ML registry that workspaces share."""

    name: str
    location: str = ""


class Registrations(Section):
    """Registered versions: those of model.yaml, or those that this machine has for itself."""

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


class Config(Registrations):
    name: str = Field(min_length=1)
    slug: Slug
    description: str = ""
    organisation: str = ""
    api_version: str = "1.0.0"
    parts: list[Part] = DEFAULT
    subscription_id: str | None = None
    aml: AzureMl | None = None
    registry: SharedRegistry | None = None
    feature_store: FeatureStore
    datasets: list[Dataset] = Field(min_length=1)
    training: Training
    serving: Serving = Serving()

    @validates_model(mode="after")
    def _names_refer_to_something(self) -> "Config":
        for what, names in {
            "datasets": [dataset.name for dataset in self.datasets],
            "training.models": [model.name for model in self.training.models],
        }.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: the name {', '.join(twice)} is given twice")
        for model in self.training.models:
            self.dataset(model.dataset, asked_by=f"training.models, {model.name}")
        return self

    def dataset(self, name: str, asked_by: str = "") -> Dataset:
        return _named(self.datasets, name, "dataset", asked_by)

    def trained_model(self, name: str) -> TrainedModel:
        return _named(self.training.models, name, "model", "training.models")


def _named(items: Sequence[Any], name: str, kind: str, asked_by: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    known = ", ".join(item.name for item in items)
    where = f"{asked_by}: " if asked_by else ""
    raise ProjectError(f"{where}there is no {kind} {name!r} in {FILE_NAME}; it has {known}.")


S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Project:
    """A project on disk: its root folder and its model.yaml, which may stand elsewhere."""

    root: Path
    settings: Path | None = None

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """The project that holds `start` (this folder by default), with its .env loaded."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / FILE_NAME).is_file():
                load_dotenv(folder / ".env")
                return cls(folder)
        raise ProjectError(f"No {FILE_NAME} in {here} or above it: run this inside the project.")

    @property
    def config_path(self) -> Path:
        return self.settings or self.root / FILE_NAME

    @property
    def assets(self) -> Path:
        """Everything made by running; git ignores it."""
        return self.root / "local_assets"

    @cached_property
    def model_yaml(self) -> Config:
        """Read model.yaml alone, with the registered versions that the team shares."""
        return read_config(self.config_path)

    @cached_property
    def registered_here(self) -> list[RegisteredModel]:
        """Read what this machine has registered for itself of the models that model.yaml trains."""
        trained = {model.name for model in self.model_yaml.training.models}
        found = registrations.read(self.registrations_path)
        return [entry for entry in found if entry.model in trained]

    @cached_property
    def config(self) -> Config:
        """Read model.yaml with the registered versions of this machine in `models`.

        For a model that is registered here this machine's entries answer, else model.yaml's. What
        another machine has registered for itself is left out: `registered_elsewhere` has it.
        """
        return registrations.merged(self)

    @property
    def registered_elsewhere(self) -> list[RegisteredModel]:
        """The entries of model.yaml that another machine made for itself: they cannot answer here.

        A model whose champion is one of them is left out with its other versions.
        """
        here = {entry.model for entry in self.registered_here}
        others = [entry for entry in self.model_yaml.models if entry.model not in here]
        gone = [entry for entry in others if registrations.is_elsewhere(self, entry)]
        models = {entry.model for entry in gone if entry.is_champion}
        return [entry for entry in others if entry in gone or entry.model in models]

    def dataset_path(self, dataset: Dataset) -> Path:
        return self.root / dataset.local_directory_path / dataset.file_name

    @property
    def models_folder(self) -> Path:
        """Where the files of trained models stand; containers mount it elsewhere."""
        return self.root / (MODELS_FOLDER.get() or self.assets / "models")

    @property
    def registrations_path(self) -> Path:
        """The file of what this machine has registered for itself; git ignores it."""
        return self.models_folder / registrations.FILE_NAME

    def model_path(self, registered: RegisteredModel) -> Path:
        return self.models_folder / registered.name / registered.version

    def predict_path(self, model: str) -> Path:
        return self.root / "models" / model / "predict.py"

    def edit(self, change: Callable[[Any], None]) -> None:
        """Let `change` edit model.yaml's document; comments, order and quotes stay.

        The result is validated before it replaces the file, so a bad edit changes nothing.
        """
        before = read_text(self.config_path)
        document = _parse(round_trip(), before, self.config_path)
        change(document)
        dumped = StringIO()
        round_trip().dump(document, dumped)
        text = _with_blank_lines(before, dumped.getvalue())
        validated(text, self.config_path, Config)
        write_text(self.config_path, text)
        self.forget_what_was_read()

    def forget_what_was_read(self) -> None:
        """Read model.yaml and what is registered here again at the next question."""
        for name in ("model_yaml", "registered_here", "config"):
            self.__dict__.pop(name, None)


def _with_blank_lines(before: str, after: str) -> str:
    """The edited text with the blank lines above its sections: they go with the lines before."""
    for section in re.findall(r"^\n(\w+):", before, re.MULTILINE):
        after = re.sub(rf"(?<!\n)\n{section}:", f"\n\n{section}:", after)
    return after


def read_config(path: Path) -> Config:
    """The validated model.yaml at `path`.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    return validated(read_text(path), path, Config)


def expand(value: str, where: str) -> str:
    """`value` with every ${NAME} taken from the environment."""

    def lookup(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ProjectError(f"{where} uses ${{{match[1]}}}, which is not set: add it to .env.")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", lookup, value)


def round_trip() -> YAML:
    """A YAML reader and writer that keeps comments, and knows each key's line."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{path} is missing: every verb reads it.") from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path.name} is not UTF-8 text (byte {error.start}).") from None


def _parse(yaml: YAML, text: str, path: Path) -> Any:
    try:
        return yaml.load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ProjectError(f"{path.name}{line}: not valid YAML: {problem}.") from None


def validated(text: str, path: Path, kind: type[S]) -> S:
    """The document of this kind that a YAML text holds.

    Raises:
        ProjectError: one line with file, line, key and what is expected there.
    """
    document = _parse(YAML(typ="safe", pure=True), text, path)
    if not isinstance(document, Mapping):
        raise ProjectError(f"{path.name} holds no keys: restore it from version control.")
    placeholder = _find_placeholder(document, ())
    if placeholder:
        where = _place(path, text, placeholder)
        raise ProjectError(f"{where}: still {PLACEHOLDER}: put your own value there.")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        # A key that is not known, often a misspelt one, explains the one that is missing.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = "no such key here: correct its name or remove it"
        elif first["type"] == "missing":
            problem = "this key is missing"
        elif first["type"] == "string_type":
            problem = "this must be text: put it into quotes"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        where = _place(path, text, first["loc"])
        raise ProjectError(f"{where}: {problem}{more}.") from None


def _find_placeholder(node: Any, at: tuple[Any, ...]) -> tuple[Any, ...] | None:
    if node == PLACEHOLDER:
        return at
    items: Any = ()
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, Sequence) and not isinstance(node, str):
        items = enumerate(node)
    return next(
        (found for key, value in items if (found := _find_placeholder(value, (*at, key)))), None
    )


def _place(path: Path, text: str, keys: Sequence[Any]) -> str:
    """`model.yaml, line 12, datasets.0.target`: as far into the document as the keys lead."""
    line: int = 1
    node: Any = round_trip().load(text)
    for key in keys:
        try:
            marks = node.lc
            find = marks.item if isinstance(node, list) else marks.value
            line, node = find(key)[0] + 1, node[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    dotted = ".".join(str(key) for key in keys)
    return f"{path.name}, line {line}" + (f", {dotted}" if dotted else "")


from seedling.config import registrations  # noqa: E402 - it needs what stands above
