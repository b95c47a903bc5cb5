"""The endpoint of a run: managed by Azure, or on the Kubernetes cluster that the run names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedling.azure import endpoints
from seedling.azure.online_endpoint import Endpoint
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.run_scripts import compute
from seedling.run_scripts.compute import Compute

KEY = "service_name of <experiment>.yml, or deploy_dns_name of azure-compute-config.json,"
# Machines of managed endpoints, the smallest first: cores, gigabytes of memory.
MACHINES = {
    "Standard_DS1_v2": (1, 3.5),
    "Standard_DS2_v2": (2, 7),
    "Standard_DS3_v2": (4, 14),
    "Standard_DS4_v2": (8, 28),
    "Standard_DS5_v2": (16, 56),
}


def find(project: Project, client: Any, wanted: str, run: str) -> Endpoint | None:
    """Find the endpoint of a run by its tags, whatever its name was raised to; None without one."""
    found = endpoints.find(project, client.online_endpoints, wanted, run)
    return Endpoint(client, found.name) if found else None


def create(project: Project, client: Any, wanted: str, run: str) -> Endpoint:
    """Create the endpoint of a run, under the next free name if the wanted one is taken."""
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    def make(name: str) -> Endpoint:
        tags = endpoints.tags(project, run)
        endpoint = ManagedOnlineEndpoint(name=name, description=run, auth_mode="key", tags=tags)
        begin = client.online_endpoints.begin_create_or_update
        endpoints.finish(lambda: begin(endpoint), f"Creating the endpoint {name}")
        return Endpoint(client, name)

    return endpoints.create(client.online_endpoints, wanted, make, KEY)


def deployment(
    endpoint: Endpoint,
    name: str,
    wanted: Compute,
    made_of: tuple[Path, str, str],
    tags: Mapping[str, str],
) -> Any:
    """Describe a deployment.

    Args:
        endpoint: that it belongs to.
        name: its name.
        wanted: the machines.
        made_of: the folder of its code, the scoring script in it, and its environment.
        tags: of the deployment.
    """
    from azure.ai.ml.entities import CodeConfiguration, ManagedOnlineDeployment

    code, script, environment = made_of
    return ManagedOnlineDeployment(
        name=name,
        endpoint_name=endpoint.name,
        environment=environment,
        code_configuration=CodeConfiguration(code=str(code), scoring_script=script),
        instance_type=machines(wanted),
        instance_count=1,
        tags=dict(tags),
    )


def machines(wanted: Compute) -> str:
    """Return the smallest machine that has the cores and the memory of a run's deployment.

    Raises:
        ProjectError: none is large enough, or it is to go to a cluster.
    """
    if wanted.deploy_cluster_name:
        raise ProjectError(
            f"{compute.FILE}, deploy_cluster_name: a managed endpoint has machines of its own, no "
            "cluster: set it to null."
        )
    for name, (cores, memory) in MACHINES.items():
        if wanted.deploy_cpu_cores <= cores and wanted.deploy_memory_gb <= memory:
            return name
    cores, memory = MACHINES[name]
    raise ProjectError(
        f"{compute.FILE}: no machine has what deploy_cpu_cores and deploy_memory_gb ask for; the "
        f"largest has {cores} cores and {memory:g} GB."
    )
