"""Azure's web apps: their plan, their names, their slots."""

import time
from typing import Any, NamedTuple

from seedling.azure import identity, names, workspace
from seedling.azure.progress import Progress
from seedling.azure.workspace import Place
from seedling.errors import ProjectError
from seedling.settings import AZURE_RESOURCE_MANAGER

PUBLIC = "https://management.azure.com"
WITHOUT_SLOTS = ("Free", "Shared", "Basic")
LONGEST = 60  # characters of a name
LOG_LINES = 60
POLL_SECONDS = 2  # between two looks at what lasts


class Plan(NamedTuple):
    """The machines that a web app runs on."""

    id: str
    location: str
    has_slots: bool


class Site(NamedTuple):
    """A web app or its slot: its names, where it answers, and who it is to other services."""

    names: tuple[str, ...]  # of the web app, and of the slot if it is one
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
        where = (name,) if slot is None else (name, slot)
        what = f"Deploying {'/'.join(where)}"
        with workspace.project_errors(what):
            was_there = self._find(*where) is not None
            if was_there:
                self._call("stop", where)
            done = _followed(self._call("begin_create_or_update", where, site), what)
            if was_there:
                self._call("start", where)
        return Site(where, f"https://{done.default_host_name}", done.identity.principal_id)

    def running(self, name: str) -> dict[str, Any]:
        """Return the part of a web app's configuration that says what it runs, and how."""
        apps = self.client.web_apps
        with workspace.project_errors(f"Looking at the web app {name}"):
            image = apps.get_configuration(self.group, name).linux_fx_version
            settings = apps.list_application_settings(self.group, name).properties or {}
        found = [{"name": key, "value": value} for key, value in settings.items()]
        return {"linuxFxVersion": image, "appSettings": found}

    def address(self, name: str) -> str:
        """Return the address of a web app."""
        return f"https://{self._find(name).default_host_name}"

    def swap(self, name: str, slot: str) -> None:
        """Let a slot and production change places."""
        entity = {"targetSlot": slot, "preserveVnet": True}
        what = f"Swapping {name} and {name}/{slot}"
        with workspace.project_errors(what):
            begin = self.client.web_apps.begin_swap_slot_with_production
            _followed(begin(self.group, name, entity), what)

    def log(self, site: Site) -> str:
        """Return the last lines of a container's log; empty if Azure has none."""
        try:
            with workspace.project_errors(f"Reading the log of {'/'.join(site.names)}"):
                parts = self._call("get_web_site_container_logs", site.names) or []
                text = b"".join(parts).decode(errors="replace")
        except ProjectError:  # it may not even have begun
            return ""
        return "\n".join(text.strip().splitlines()[-LOG_LINES:])

    def _call(self, action: str, where: tuple[str, ...], *given: Any) -> Any:
        """Call what the SDK has for a web app, or for a slot."""
        suffix = "" if len(where) == 1 else "_slot"
        return getattr(self.client.web_apps, action + suffix)(self.group, *where, *given)

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


def _followed(poller: Any, what: str) -> Any:
    """Show how long Azure is at work until it ends; return the result."""
    shown, ended = Progress(what), "failed"
    try:
        while not poller.done():
            shown.show()
            time.sleep(POLL_SECONDS)
        result = poller.result()
        ended = "done"
        return result
    finally:
        shown.end(ended)


def manager() -> str:
    """Return the URL of Azure's resource manager; national clouds have others."""
    return (AZURE_RESOURCE_MANAGER.get() or PUBLIC).rstrip("/")


def scope() -> str:
    """Return the scope of a token for the resource manager."""
    return f"{manager()}/.default"
