"""The clusters that jobs run on, made when they are first needed."""

from typing import Any, NamedTuple

from seedling.azure import workspace
from seedling.config import Project


class Nodes(NamedTuple):
    """The nodes of a cluster: its name, their size, how many at most and how long they wait."""

    name: str
    size: str
    most: int
    idle_seconds: int
    fewest: int = 0
    region: str | None = None


def ensure(project: Project, client: Any, model: str = "") -> str:
    """Return the name of the cluster that model.yaml gives; create it if missing.

    Args:
        project: the project of the settings.
        client: of the workspace.
        model: the model that the cluster is for; the whole project unless given.

    A cluster that is there stays as it is.
    """
    wanted = workspace.settings(project, model).compute
    nodes = Nodes(
        wanted.cluster_name,
        wanted.cluster_size,
        wanted.max_nodes,
        wanted.idle_seconds_before_scaledown,
        wanted.min_nodes,
        wanted.cluster_region,
    )
    return ensure_nodes(project, client, nodes)


def ensure_nodes(project: Project, client: Any, nodes: Nodes) -> str:
    """Return the name of a cluster; create it, with the tag of the project, if missing."""
    from azure.ai.ml.entities import AmlCompute, IdentityConfiguration
    from azure.core.exceptions import ResourceNotFoundError

    with workspace.project_errors(f"The cluster {nodes.name}"):
        try:
            client.compute.get(nodes.name)
        except ResourceNotFoundError:
            cluster = AmlCompute(
                name=nodes.name,
                size=nodes.size,
                location=nodes.region,
                min_instances=nodes.fewest,
                max_instances=nodes.most,
                idle_time_before_scale_down=nodes.idle_seconds,
                identity=IdentityConfiguration(type="system_assigned"),
                tags={"project": project.config.slug},
            )
            client.compute.begin_create_or_update(cluster).result()
            print(f"Made the cluster {cluster.name}, up to {nodes.most} {cluster.size}.")
    return nodes.name
