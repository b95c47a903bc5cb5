"""The endpoint of a run: managed by Azure, or on the Kubernetes cluster that the run names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedling.azure import endpoints, workspace
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


def find(project: Project, client: Any, name: str, run: str, wanted: Compute) -> Endpoint | None:
    """Find the endpoint of a run by its tags, whatever its name was raised to; None without one.

    Raises:
        ProjectError: it is elsewhere than the run's deployment is to be.
    """
    found = endpoints.find(project, client.online_endpoints, name, run)
    if found is None:
        return None
    cluster = (getattr(found, "compute", None) or "").rpartition("/")[2]
    if cluster.lower() != (wanted.deploy_cluster_name or "").lower():
        where = f"is on the cluster {cluster}" if cluster else "is managed by Azure, on no cluster"
        raise ProjectError(
            f"{compute.FILE}, deploy_cluster_name: the endpoint {found.name} {where}, and stays "
            "there: give deploy_dns_name another name, or remove it by clean-up."
        )
    return Endpoint(client, found.name)


def create(project: Project, client: Any, name: str, run: str, wanted: Compute) -> Endpoint:
    """Create the endpoint of a run, under the next free name if the wanted one is taken.

    Raises:
        ProjectError: Azure refuses it, or the workspace has no such cluster.
    """
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineEndpoint

    kind: Any = ManagedOnlineEndpoint
    where = {}
    if wanted.deploy_cluster_name:
        kind, where = KubernetesOnlineEndpoint, {"compute": wanted.deploy_cluster_name}
        _refuse_no_cluster(client, wanted.deploy_cluster_name)

    def make(name: str) -> Endpoint:
        tags = endpoints.tags(project, run)
        endpoint = kind(name=name, description=run, auth_mode="key", tags=tags, **where)
        begin = client.online_endpoints.begin_create_or_update
        endpoints.finish(lambda: begin(endpoint), f"Creating the endpoint {name}")
        return Endpoint(client, name)

    return endpoints.create(client.online_endpoints, name, make, KEY)


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
    from azure.ai.ml.entities import (
        CodeConfiguration,
        KubernetesOnlineDeployment,
        ManagedOnlineDeployment,
        ResourceRequirementsSettings,
        ResourceSettings,
    )

    code, script, environment = made_of
    kind: Any = ManagedOnlineDeployment
    machines: dict[str, Any] = {}
    if wanted.deploy_cluster_name:
        kind = KubernetesOnlineDeployment
        memory = f"{wanted.deploy_memory_gb:g}Gi"
        asked = ResourceSettings(cpu=f"{wanted.deploy_cpu_cores:g}", memory=memory)
        machines["resources"] = ResourceRequirementsSettings(requests=asked)
    else:
        machines["instance_type"] = machine(wanted)
    return kind(
        name=name,
        endpoint_name=endpoint.name,
        environment=environment,
        code_configuration=CodeConfiguration(code=str(code), scoring_script=script),
        instance_count=1,
        tags=dict(tags),
        **machines,
    )


def machine(wanted: Compute) -> str:
    """Return the smallest machine that has the cores and the memory of a run's deployment.

    Raises:
        ProjectError: none is large enough.
    """
    for name, (cores, memory) in MACHINES.items():
        if wanted.deploy_cpu_cores <= cores and wanted.deploy_memory_gb <= memory:
            return name
    cores, memory = MACHINES[name]
    raise ProjectError(
        f"{compute.FILE}: no machine has what deploy_cpu_cores and deploy_memory_gb ask for; the "
        f"largest has {cores} cores and {memory:g} GB."
    )


def made_on(wanted: Compute) -> str:
    """Return what a deployment runs on, as a text that differs where a new one is needed.

    Raises:
        ProjectError: no machine is large enough.
    """
    if not wanted.deploy_cluster_name:
        return machine(wanted)
    share = f"{wanted.deploy_cpu_cores:g} cores, {wanted.deploy_memory_gb:g} GB"
    return f"{share} of {wanted.deploy_cluster_name}"


def _refuse_no_cluster(client: Any, name: str) -> None:
    """Refuse a cluster that is not there, or cannot serve."""
    with workspace.project_errors(f"{compute.FILE}, deploy_cluster_name: looking for {name}"):
        found = client.compute.get(name)
    if str(found.type).lower() != "kubernetes":
        raise ProjectError(
            f"{compute.FILE}, deploy_cluster_name: {name} is of the type {found.type}. Attach a "
            "Kubernetes cluster to the workspace and name it, or set null for Azure's machines."
        )
