"""The sections `aml` and `registry` of model.yaml: Azure ML.

A key of `aml` is looked for where it says most: below `environments.<environment>.models.<model>`,
`models.<model>`, `environments.<environment>`, and else it is the default that stands here.
"""

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic import model_validator as validates_model

from seedling.config.document import Section
from seedling.config.models import ModelName
from seedling.wording import in_words

# Keys of which a section has one at most: the nearest place that gives either of them counts.
ONE_OF = ("aml_env_name", "conda_path")


def _inside(given: str) -> str:
    if PureWindowsPath(given).drive or given.startswith(("/", "\\")) or ".." in given:
        raise ValueError(f"{given!r:.80} is no path from the project's folder")
    return PurePosixPath(given.replace("\\", "/")).as_posix()


ProjectPath = Annotated[str, Field(min_length=1), AfterValidator(_inside)]
# A deployment's, to which `-green` or a number is added: Azure takes 32 characters.
DeploymentName = Annotated[
    str,
    Field(
        pattern=in_words(
            r"^[A-Za-z][A-Za-z0-9-]{0,24}[A-Za-z0-9]$",
            "2 to 26 letters, digits and -, from a letter on",
        )
    ),
]
# `name`, `name:version` or `name@latest`.
AssetName = Annotated[
    str,
    Field(pattern=in_words(r"^[\w.-]+(:[\w.-]+|@latest)?$", "name, name:version or name@latest")),
]

# Where `deploy` deploys to: the endpoints of Azure ML, or a web app of the service.
Place = Literal["online", "batch", "web_app"]
Spelled = Annotated[Place, BeforeValidator(lambda given: str(given).replace("-", "_"))]
Places = Annotated[
    list[Spelled], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
]


class Cluster(Section):
    """The cluster of jobs, which is made when it is first needed."""

    cluster_name: str = "cpu-cluster"
    cluster_size: str = "Standard_DS3_v2"
    cluster_region: str | None = None  # the workspace's, unless given
    min_nodes: int = Field(default=0, ge=0)
    max_nodes: int = Field(default=4, ge=1)
    idle_seconds_before_scaledown: int = Field(default=600, ge=60)


class TrainingJob(Section):
    """The data asset of a training job on Azure ML, and its environment."""

    dataset_name: AssetName | None = None  # a data asset; the registered dataset unless given
    aml_env_name: str | None = Field(
        default=None,
        pattern=in_words(
            r"^([\w.-]+(:[\w.-]+|@latest)?|azureml://registries/.+)$",
            "name, name:version, name@latest or azureml://registries/...",
        ),
    )  # an environment that is there; one made of pyproject.toml unless given
    conda_path: ProjectPath | None = None  # a conda file to make one of

    @validates_model(mode="after")
    def _one_environment(self) -> "TrainingJob":
        if self.aml_env_name and self.conda_path:
            raise ValueError("give either aml_env_name, or conda_path")
        return self


class AutoMl(Section):
    """The limits of a search by Azure's AutoML, and the metric that it compares by."""

    primary_metric: str | None = None  # the task's own unless given
    max_trials: int = Field(default=20, ge=1)
    max_concurrent_trials: int = Field(default=4, ge=1)
    timeout_minutes: int = Field(default=60, ge=15)
    trial_timeout_minutes: int = Field(default=15, ge=1)
    allowed_training_algorithms: list[str] = []  # all unless given


class Deployment(Section):
    """The settings of deployments of both kinds; paths begin at the project's folder."""

    endpoint_name: str | None = None  # the project's own, unless given
    endpoint_desc: str | None = None  # the project's description, unless given
    deployment_name: DeploymentName | None = None  # how the names of deployments begin
    deployment_instance_count: int = Field(default=1, ge=1)
    score_file_name: ProjectPath | None = None  # with init() and run(); the plumbing's unless given
    test_file_path: ProjectPath | None = None  # models/<name>/test/test_instances.json unless given


class OnlineDeployment(Deployment):
    """The machines of the online endpoint, and the share of requests of a new deployment."""

    deployment_vm_size: str = "Standard_DS2_v2"
    deployment_traffic_allocation: int = Field(default=100, ge=0, le=100)  # percent


class BatchDeployment(Deployment):
    """The batch endpoint, and the limits of its calls."""

    mini_batch_size: int = Field(default=10, ge=1)  # files of one call
    max_concurrency_per_instance: int = Field(default=1, ge=1)
    output_file_name: str = Field(
        default="predictions.csv",
        pattern=in_words(r"^[^/\\]+$", "the name of a file, without a folder"),
    )
    max_retries: int = Field(default=3, ge=0)
    retry_timeout: int = Field(default=300, ge=1)  # seconds of one call
    error_threshold: int = Field(default=0, ge=-1)  # files that may fail; -1: any number


class WebApp(Section):
    """The service's container as an Azure web app."""

    site_name: str = Field(
        pattern=in_words(
            r"^[a-z0-9][a-z0-9-]{0,57}[a-z0-9]$", "2 to 59 small letters, digits and -"
        )
    )  # the next, if taken
    plan: str  # the App Service plan, in the workspace's resource group
    container_registry: str = Field(
        pattern=in_words(r"^[a-z0-9.-]+(:[0-9]+)?$", "a host, such as ours.azurecr.io")
    )  # such as x.azurecr.io
    api_key_secret: str | None = Field(
        default=None, pattern=in_words(r"^https://", "the address of a secret, from https:// on")
    )  # a Key Vault secret's
    patience: int = Field(default=600, ge=1)  # seconds, for its first answer


class ModelOnAzure(Section):
    """The settings that a model may have for itself."""

    compute: Cluster = Cluster()
    training: TrainingJob = TrainingJob()
    automl: AutoMl = AutoMl()
    online: OnlineDeployment = OnlineDeployment()
    batch: BatchDeployment = BatchDeployment()


class AzureEnvironment(ModelOnAzure):
    """The settings that differ between development and production.

    `development` says that a service with this ENVIRONMENT is one of development: `dev` is, unless
    it says false. `deploy` names the places that the verb of that name deploys to.
    """

    development: bool | None = None
    deploy: Places = []
    web_app: WebApp | None = None
    models: dict[ModelName, ModelOnAzure] = {}


class AzureMl(Section):
    """The Azure ML workspace, in the subscription that stands beside it."""

    resource_group_name: str | None = None
    workspace_name: str | None = None
    aml_suffix: str | None = Field(
        default=None, pattern=in_words(r"^[a-z0-9][a-z0-9-]*$", "small letters, digits and -")
    )
    environments: dict[str, AzureEnvironment] = {}  # by ENVIRONMENT; dev where that is not set
    models: dict[ModelName, ModelOnAzure] = {}  # in every environment

    def settings(self, environment: str, model: str = "") -> AzureEnvironment:
        """Return the settings of an environment; those of a model in it where one is named.

        With `aml_suffix`, the cluster is `cp-<suffix>` unless a place names another.
        """
        here = self.environments.get(environment, AzureEnvironment())
        suffix, found = self.aml_suffix, dict[str, Any]()
        if suffix:
            found["compute"] = {"cluster_name": f"cp-{suffix}"}
        for place in (here, self.models.get(model), here.models.get(model)):
            if place is not None:
                given = place.model_dump(exclude_unset=True, exclude={"models"})
                for section, keys in given.items():
                    is_section = isinstance(keys, dict) and isinstance(found.get(section), dict)
                    found[section] = _nearer(found[section], keys) if is_section else keys
        return AzureEnvironment.model_validate(found)

    def refuse_unknown(self, models: Collection[str], datasets: int) -> None:
        """Raise ValueError for settings of a model that is not trained, or of no one dataset."""
        for where, there in self.of_models():
            unknown = sorted(there.keys() - set(models))
            if unknown:
                known = ", ".join(models)
                raise ValueError(f"{where}: training.models has no {unknown[0]}; it has {known}")
        for name, environment in self.environments.items():
            if environment.training.dataset_name and datasets > 1:
                raise ValueError(
                    f"aml.environments.{name}.training.dataset_name: there are {datasets} "
                    "datasets; say it for a model, below models"
                )

    def of_models(self) -> Iterator[tuple[str, dict[str, ModelOnAzure]]]:
        """Yield each place that has settings of models, and the settings by model."""
        yield "aml.models", self.models
        for name, environment in self.environments.items():
            yield f"aml.environments.{name}.models", environment.models

    @property
    def base_image(self) -> str | None:
        """Return the image that environments build on; None for that of the Dockerfile."""
        return self.aml_suffix and f"acrsvc{self.aml_suffix}.azurecr.io/aml-tre-nexus-image"


class SharedRegistry(Section):
    """The Azure ML registry that workspaces share."""

    name: str
    location: str = ""

    @property
    def discovery(self) -> str:
        """Return the URL that says where the registry is, of its own region; empty if not given."""
        region = self.location.replace(" ", "").lower()
        return f"https://{region}.api.azureml.ms/" if region else ""


def keep_models(document: Any, models: Collection[str]) -> None:
    """Remove from model.yaml's document what `aml` says for other models than these."""
    aml = document.get("aml") or {}
    for place in (aml, *(aml.get("environments") or {}).values()):
        there = (place or {}).get("models") or {}
        for name in [*there]:
            if name not in models:
                del there[name]


def _nearer(far: dict[str, Any], near: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of two places, where both have one that of the nearer place."""
    if any(near.get(name) for name in ONE_OF):
        far = {name: value for name, value in far.items() if name not in ONE_OF}
    return far | near
