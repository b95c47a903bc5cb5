"""`azure-compute-config.json` of a run folder: the nodes that it trains on, and its deployment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from seedling.errors import ProjectError
from seedling.run_scripts import json_file
from seedling.run_scripts.json_file import JsonFile
from seedling.wording import in_words

FILE = "azure-compute-config.json"
NodeName = Annotated[
    str,
    StringConstraints(
        pattern=in_words(r"^[A-Za-z][A-Za-z0-9-]*$", "letters, digits and -, from a letter on"),
        max_length=32,
    ),
]


class Compute(JsonFile):
    """The content of `azure-compute-config.json`."""

    compute_node_name: NodeName = Field(description="The cluster that trains; made if missing.")
    max_nodes: int = Field(default=1, ge=1, description="The most nodes of that cluster.")
    vm_size: str = Field(
        default="Standard_DS11_v2", min_length=1, description="The machines of that cluster."
    )
    idle_seconds_before_scaledown: int = Field(
        default=600, ge=0, description="Seconds without a job, after which a node is given back."
    )
    deploy_cpu_cores: Annotated[float, Field(allow_inf_nan=False)] = Field(
        default=0.2, gt=0, description="Cores of the deployed service."
    )
    deploy_memory_gb: Annotated[float, Field(allow_inf_nan=False)] = Field(
        default=1, gt=0, description="Gigabytes of memory of the deployed service."
    )
    deploy_cluster_name: NodeName | None = Field(
        default=None,
        description="A Kubernetes cluster of the workspace that serves; null for Azure's machines.",
    )
    deploy_dns_name: NodeName | None = Field(
        default=None, description="The name of the service in its address; null for none."
    )


def read(folder: Path) -> Compute:
    """Read `azure-compute-config.json` of a run folder, or the file itself.

    Raises:
        ProjectError: it is missing or invalid: with line and key.
    """
    path = folder if folder.is_file() else folder / FILE
    if not path.is_file():
        raise ProjectError(f"{folder.as_posix()} has no {FILE}: a run needs its cluster's name.")
    return json_file.read(path, Compute)
