"""Azure's web apps: their plan, their names, their slots."""

from typing import Any, NamedTuple

from seedling.azure import identity, names, workspace
from seedling.azure.workspace import Place
from seedling.errors import ProjectError
from seedling.settings import AZURE_RESOURCE_MANAGER

PUBLIC = "https://management.azure.com"
WITHOUT_SLOTS = ("Free", "Shared", "Basic")
LONGEST = 60  # characters of a name


class Plan(NamedTuple):
    """The machines that a web app runs on."""

    id: str
    location: str
    has_slots: bool


class Site(NamedTuple):
    """A web app or its slot: where it answers, and who it is to other services."""

    address: str
    principal_id: str


class Sites:
    """The web apps of a resource group."""

    def __init__(self, place: Place, slug: str) -> None:
        """Connect to a resource group.

        Raises:
            ProjectError: the SDK is not installed.
        """
        try:
            import azure.ai.ml.exceptions  # noqa: F401 - its errors are put into words
            from azure.mgmt.web import WebSiteManagementClient
        except ImportError:
            raise ProjectError(
                "A web app needs Azure's SDK: run init with the groups `aml` and `webapp`."
            ) from None
        self.group, self.slug = place.resource_group, slug
        self.client: Any = WebSiteManagementClient(
            identity.credential(),
            place.subscription_id,
            base_url=manager(),
            credential_scopes=[scope()],
        )

    def plan(self, name: str) -> Plan:
        """Fetch the App Service plan, which must exist and run Linux."""
        with workspace.project_errors(f"Looking for the plan {name}"):
            found = self.client.app_service_plans.get(self.group, name)
        if not found.reserved:
            raise ProjectError(f"The plan {name} runs Windows: a container of Linux needs another.")
        return Plan(found.id, found.location, found.sku.tier not in WITHOUT_SLOTS)

    def choose(self, wanted: str) -> tuple[str, bool]:
        """Choose the first name from `wanted` on that is this project's or free; say which.

        The names of web apps are those of addresses: all of Azure's customers share them.
        """
        for name in names.numbered(wanted, LONGEST):
            found = self._find(name)
            if found is not None and (found.tags or {}).get("project") == self.slug:
                return name, False
            if found is None and self._is_free(name):
                return name, True
        raise ProjectError(f"{wanted} is taken, and so is all up to {name}: choose another name.")

    def put(self, name: str, slot: str | None, site: dict[str, Any]) -> Site:
        """Create or update a web app, or one of its slots.

        It is stopped meanwhile: what answers afterwards is what was deployed.
        """
        apps, where = self.client.web_apps, [name] if slot is None else [name, slot]
        suffix = "" if slot is None else "_slot"
        with workspace.project_errors(f"Deploying {'/'.join(where)}"):
            was_there = self._find(*where) is not None
            if was_there:
                getattr(apps, f"stop{suffix}")(self.group, *where)
            begin = getattr(apps, f"begin_create_or_update{suffix}")
            done = begin(self.group, *where, site).result()
            if was_there:
                getattr(apps, f"start{suffix}")(self.group, *where)
        return Site(f"https://{done.default_host_name}", done.identity.principal_id)

    def address(self, name: str) -> str:
        """Return the address of a web app."""
        return f"https://{self._find(name).default_host_name}"

    def swap(self, name: str, slot: str) -> None:
        """Let a slot and production change places."""
        entity = {"targetSlot": slot, "preserveVnet": True}
        with workspace.project_errors(f"Swapping {name} and {name}/{slot}"):
            self.client.web_apps.begin_swap_slot_with_production(self.group, name, entity).result()

    def _find(self, name: str, slot: str | None = None) -> Any:
        from azure.core.exceptions import ResourceNotFoundError

        apps = self.client.web_apps
        with workspace.project_errors(f"Looking for the web app {name}"):
            try:
                if slot is None:
                    return apps.get(self.group, name)
                return apps.get_slot(self.group, name, slot)
            except ResourceNotFoundError:
                return None

    def _is_free(self, name: str) -> bool:
        request = {"name": name, "type": "Microsoft.Web/sites"}
        with workspace.project_errors(f"Asking whether {name} is free"):
            answer = self.client.check_name_availability(request)
        if not answer.name_available and answer.reason == "Invalid":
            raise ProjectError(f"{name} cannot be the name of a web app: {answer.message}")
        return bool(answer.name_available)


def manager() -> str:
    """Return the URL of Azure's resource manager; national clouds have others."""
    return (AZURE_RESOURCE_MANAGER.get() or PUBLIC).rstrip("/")


def scope() -> str:
    """Return the scope of a token for the resource manager."""
    return f"{manager()}/.default"
