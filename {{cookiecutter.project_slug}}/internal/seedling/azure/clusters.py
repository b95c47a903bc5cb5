"""The clusters that jobs run on, made when they are first needed."""

from typing import Any

from seedling.azure import workspace
from seedling.config import Project


def ensure(project: Project, client: Any, model: str = "") -> str:
    """Return the name of the cluster that model.yaml gives; create it if missing.

    Args:
        project: the project of the settings.
        client: of the workspace.
        model: the model that the cluster is for; the whole project unless given.

    A cluster that is there stays as it is.
    """
    from azure.ai.ml.entities import AmlCompute, IdentityConfiguration
    from azure.core.exceptions import ResourceNotFoundError

    wanted = workspace.settings(project, model).compute
    with workspace.project_errors(f"The cluster {wanted.cluster_name}"):
        try:
            client.compute.get(wanted.cluster_name)
        except ResourceNotFoundError:
            cluster = AmlCompute(
                name=wanted.cluster_name,
                size=wanted.cluster_size,
                location=wanted.cluster_region,
                min_instances=wanted.min_nodes,
                max_instances=wanted.max_nodes,
                idle_time_before_scale_down=wanted.idle_seconds_before_scaledown,
                identity=IdentityConfiguration(type="system_assigned"),
            )
            client.compute.begin_create_or_update(cluster).result()
            print(f"Made the cluster {cluster.name}, up to {wanted.max_nodes} {cluster.size}.")
    return wanted.cluster_name
