"""The sections `aml` and `registry` of model.yaml: Azure ML."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from seedling.config.document import Section

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


class OnlineDeployment(Section):
    """The machines of the online endpoint."""

    endpoint_name: str | None = None  # the project's own, unless given
    deployment_vm_size: str = "Standard_DS2_v2"
    deployment_instance_count: int = Field(default=1, ge=1)


class BatchDeployment(Section):
    """The batch endpoint, and the limits of its calls."""

    endpoint_name: str | None = None  # the project's own, unless given
    deployment_instance_count: int = Field(default=1, ge=1)
    mini_batch_size: int = Field(default=10, ge=1)  # files of one call
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
    patience: int = Field(default=600, ge=1)  # seconds, for its first answer


class AzureEnvironment(Section):
    """The settings that differ between development and production.

    `development` says that a service with this ENVIRONMENT is one of development: `dev` is, unless
    it says false. `deploy` names the places that the verb of that name deploys to.
    """

    development: bool | None = None
    deploy: Places = []
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
