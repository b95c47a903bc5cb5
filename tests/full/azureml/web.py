"""Azure's web apps and a container registry: sites, slots, names; the service truly runs.

What a container of the image would run is run as a process: the project's own gunicorn.
"""

import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, quote
from urllib.request import Request as Call
from urllib.request import urlopen

from azureml.messages import Answer, Refused, Request, Routes
from azureml.tokens import bearer, token

PROVIDER = "/providers/Microsoft.Web"
PORT = "5000"  # that the image listens on
PLAN = "plan"
PRODUCTION = "production"
PASSED = ("Content-Type", "X-API-Key")
KEY_VAULT = re.compile(r"@Microsoft\.KeyVault\(SecretUri=(?P<uri>[^)]+)\)")


@dataclass
class App:
    """What runs in a slot."""

    image: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    port: int = 0
    log: Path | None = None
    is_stopped: bool = False


class Web:
    """The sites of one resource group, and the registry that their images come from.

    Attributes:
        apps: what runs, by site and slot.
        taken: names of sites that others have.
        broken: (image, slot) of what does not start there; a slot of `*` is any.
        secrets: of the key vault, by URI.
        pushed: the file in which the container engine notes what it has pushed.
        project: the folder of the service, whatever the image; unless `images` is given.
        images: the folder in which tests/ci/programs/docker.py keeps an image's files by its name.
        may_push: whether the registry lets anybody in.
        tier: of the plan.
    """

    def __init__(self, address: str, group: str, python: Path) -> None:
        self.address, self.group, self.python = address, group, python
        self.apps: dict[tuple[str, str], App] = {}
        self.bodies: dict[tuple[str, str], dict[str, Any]] = {}
        self.taken: set[str] = set()
        self.broken: set[tuple[str, str]] = set()
        self.secrets: dict[str, str] = {}
        self.pushed: Path | None = None
        self.project: Path | None = None
        self.images: Path | None = None
        self.may_push, self.tier, self.swaps = True, "Standard", 0

    @property
    def registry(self) -> str:
        return self.address.removeprefix("https://")

    def add_routes(self, routes: Routes) -> None:
        scope = rf"{re.escape(self.group)}{re.escape(PROVIDER)}"
        site = rf"{scope}/sites/(?P<site>[^/]+)(/slots/(?P<slot>[^/]+))?"
        routes.add("GET", rf"{scope}/serverfarms/(?P<plan>[^/]+)", self._plan)
        routes.add("GET", site, self._get)
        routes.add("PUT", site, self._put)
        routes.add("POST", site + "/(?P<action>stop|start)", self._act)
        routes.add("POST", site + "/slotsswap", self._swap)
        routes.add("POST", site + "/containerlogs", self._log)
        routes.add("GET", site + "/config/web", self._configuration)
        routes.add("POST", site + "/config/appsettings/list", self._settings)
        check = r"/subscriptions/[^/]+" + re.escape(PROVIDER) + "/checknameavailability"
        routes.add("POST", check, self._check)
        routes.add("POST", "/oauth2/exchange", self._exchange)
        routes.add("GET", "/secrets/[^/]+", self._secret)
        served = r"/site/(?P<site>[^/]+)/(?P<slot>[^/]+)(?P<path>/.*)"
        routes.add("GET POST", served, self._serve)

    def stop(self) -> None:
        """End every process that still runs."""
        for app in self.apps.values():
            _end(app)

    def _plan(self, request: Request, match: re.Match[str]) -> Answer:
        if match["plan"] != PLAN:
            raise Refused(404, "ResourceNotFound", f"There is no plan {match['plan']}.")
        plan = {"id": f"{self.group}{PROVIDER}/serverfarms/{PLAN}", "location": "westeurope"}
        return Answer(
            body=plan | {"name": PLAN, "sku": {"tier": self.tier}, "properties": {"reserved": True}}
        )

    def _check(self, request: Request, match: object) -> Answer:
        name = request.json()["name"]
        if name in self.taken or (name, PRODUCTION) in self.apps:
            words = f"Hostname '{name}' already exists. Please select a different name."
            answer = {"nameAvailable": False, "reason": "AlreadyExists", "message": words}
            return Answer(body=answer)
        return Answer(body={"nameAvailable": True, "reason": "", "message": ""})

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        key = self._known(match)
        return Answer(body=self._shown(key))

    def _configuration(self, request: Request, match: re.Match[str]) -> Answer:
        app = self.apps[self._known(match)]
        return Answer(body={"properties": {"linuxFxVersion": f"DOCKER|{app.image}"}})

    def _settings(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(body={"properties": self.apps[self._known(match)].settings})

    def _put(self, request: Request, match: re.Match[str]) -> Answer:
        key = match["site"], match["slot"] or PRODUCTION
        if match["slot"]:
            if (match["site"], PRODUCTION) not in self.apps:
                raise Refused(404, "ResourceNotFound", f"There is no site {match['site']}.")
            if self.tier in ("Free", "Shared", "Basic"):
                words = "Cannot complete the operation because the site will exceed the number "
                raise Refused(409, "Conflict", f"{words}of slots allowed for the 'Basic' SKU.")
        elif match["site"] in self.taken:
            raise Refused(409, "Conflict", f"Website with given name {key[0]} already exists.")
        body = request.json()
        if not body["properties"]["serverFarmId"].endswith(f"/serverfarms/{PLAN}"):
            raise Refused(404, "NotFound", "Cannot find the server farm.")
        app = self.apps.setdefault(key, App())
        self.bodies[key] = body
        configuration = body["properties"]["siteConfig"]
        app.image = configuration["linuxFxVersion"].removeprefix("DOCKER|")
        app.settings = {one["name"]: one["value"] for one in configuration["appSettings"]}
        if not app.is_stopped:
            self._run(key)
        return Answer(body=self._shown(key))

    def _act(self, request: Request, match: re.Match[str]) -> Answer:
        key = self._known(match)
        app = self.apps[key]
        app.is_stopped = match["action"] == "stop"
        if app.is_stopped:
            _end(app)
        else:
            self._run(key)
        return Answer(200)

    def _swap(self, request: Request, match: re.Match[str]) -> Answer:
        here = self._known(match)
        there = here[0], request.json()["targetSlot"]
        if there not in self.apps:
            raise Refused(404, "ResourceNotFound", f"There is no slot {there[1]}.")
        self.apps[here], self.apps[there] = self.apps[there], self.apps[here]
        self.swaps += 1
        return Answer(200)

    def _log(self, request: Request, match: re.Match[str]) -> Answer:
        """The end of the container's log, if the site keeps one."""
        app, body = self.apps[self._known(match)], self.bodies[self._known(match)]
        kept = body["properties"]["siteConfig"].get("httpLoggingEnabled")
        if not kept or app.log is None:
            return Answer(204)
        return Answer(200, app.log.read_bytes(), {"Content-Type": "application/octet-stream"})

    def _serve(self, request: Request, match: re.Match[str]) -> Answer:
        app = self.apps.get((match["site"], match["slot"]))
        wrong = app is None or {(app.image, match["slot"]), (app.image, "*")} & self.broken
        if wrong or app.process is None:
            return Answer(503, b"Application Error")
        headers = {name: request.headers[name] for name in PASSED if name in request.headers}
        url = f"http://127.0.0.1:{app.port}{match['path']}"
        call = Call(url, request.body or None, headers, method=request.method)
        try:
            with urlopen(call, timeout=30) as response:
                return Answer(response.status, response.read())
        except HTTPError as error:
            return Answer(error.code, error.read())
        except OSError:  # it does not listen yet
            return Answer(503, b"Application Error")

    def _secret(self, request: Request, match: re.Match[str]) -> Answer:
        """A secret of the key vault whose host is asked."""
        if not bearer(request):
            raise Refused(401, "Unauthorized", "AKV10000: Request is missing a Bearer token.")
        found = self.secrets.get(f"https://{request.headers['Host']}{match[0]}")
        if found is None:
            raise Refused(404, "SecretNotFound", "A secret with this name was not found.")
        return Answer(body={"value": found})

    def _exchange(self, request: Request, match: object) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wanted = form.get("grant_type") == "access_token" and form.get("access_token")
        if not wanted or form.get("service") != self.registry:
            raise Refused(400, "BadRequest", "grant_type, service or access_token is missing.")
        if not self.may_push:
            raise Refused(401, "UNAUTHORIZED", "authentication required")
        return Answer(body={"refresh_token": token(self.registry)})

    def _known(self, match: re.Match[str]) -> tuple[str, str]:
        key = match["site"], match.groupdict().get("slot") or PRODUCTION
        if key not in self.apps:
            raise Refused(404, "ResourceNotFound", f"The resource {'/'.join(key)} was not found.")
        return key

    def _shown(self, key: tuple[str, str]) -> dict[str, Any]:
        body = self.bodies[key]
        host = f"{self.registry}/site/{'/'.join(key)}"
        state = "Stopped" if self.apps[key].is_stopped else "Running"
        return {
            "id": f"{self.group}{PROVIDER}/sites/{key[0]}",
            "name": "/".join(key),
            "location": body["location"],
            "tags": body.get("tags"),
            "identity": body["identity"] | {"principalId": f"principal-of-{key[1]}"},
            "properties": {"defaultHostName": host, "state": state},
        }

    def _run(self, key: tuple[str, str]) -> None:
        """Start the service as the container would: only an image that was pushed can be pulled."""
        app = self.apps[key]
        _end(app)
        images = self.pushed.read_text().split() if self.pushed and self.pushed.exists() else []
        if app.image not in images or app.settings.get("WEBSITES_PORT") != PORT:
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            app.port = probe.getsockname()[1]
        given = {name: self._resolved(value) for name, value in app.settings.items()}
        own = {"PATH": os.environ["PATH"], "BIND": f"127.0.0.1:{app.port}", "WEB_CONCURRENCY": "1"}
        folder = self.project
        if self.images:
            folder = (self.images / quote(app.image, safe="")).resolve()
        built = _environment_of(folder) if self.images and folder else {}
        app.log = self.pushed.with_name(f"log-{app.port}")
        app.log.write_text(f"INFO - Starting container for site {key[0]}: {app.image}\n")
        with app.log.open("ab") as log:
            app.process = subprocess.Popen(
                [self.python, "-m", "gunicorn"],
                cwd=folder,
                env=own | {"HOME": os.environ["HOME"], "PREDICTION_LOG": "off"} | built | given,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _resolved(self, value: str) -> str:
        found = KEY_VAULT.fullmatch(value)
        return self.secrets[found["uri"]] if found else value


def _environment_of(image: Path) -> dict[str, str]:
    """What the image's last lines set, and where its Python finds the code."""
    lines = (image / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split(" ", 1)[1] for line in lines if re.fullmatch(r"ENV \w+=\S+", line)]
    paths = {"PYTHONPATH": os.pathsep.join([str(image / "internal"), str(image)])}
    return dict(word.split("=", 1) for word in words) | paths


def _end(app: App) -> None:
    if app.process:
        app.process.terminate()
        app.process.wait(timeout=30)
        app.process = None
