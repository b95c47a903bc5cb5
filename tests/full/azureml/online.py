"""Online endpoints that truly answer: each deployment is the inference server with its code."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request as Call
from urllib.request import urlopen

from azureml.assets import Assets
from azureml.documents import PROVIDER, SCOPE, Document, Documents
from azureml.messages import Answer, Refused, Request, Routes
from azureml.processes import PRIVATE
from azureml.workspace import WORKSPACE

PATIENCE = 60  # seconds until a deployment must answer
TIMEOUT = 60
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]")
TAKEN = (
    "There is already an endpoint with this name, Endpoint name needs to be unique within a "
    "region. Try some other name."
)
CRASHED = (
    "User container has crashed or terminated. Please see troubleshooting guide, available here: "
    "https://aka.ms/oe-tsg#error-resourcenotready"
)
LISTENS = "the deployment listens\n"
SPREAD = 37  # has no divisor in common with 100: requests are shared out evenly
DEPLOYMENT = "azureml-model-deployment"
STATUSES = (
    rf"/subscriptions/[^/]+/providers/{re.escape(PROVIDER)}/locations/[^/]+/mfeOperationsStatus"
)
SERVER = ["sh", "-c", "exec azmlinfsrv --entry_script $AML_APP_ROOT/$AZUREML_ENTRY_SCRIPT"]


@dataclass
class Deployment:
    """A deployment's process, and how far it is."""

    state: str = "Creating"
    error: str = ""
    port: int = 0
    log: Path | None = None
    process: "subprocess.Popen[bytes] | None" = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self.stopped.set()
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Online:
    """Endpoints and their deployments, which run while the workspace is there.

    Attributes:
        taken: names that other workspaces of the region have.
        queue: seconds that a deployment waits before it starts.
        asked: which deployment has answered each request so far.
    """

    def __init__(
        self,
        address: str,
        documents: Documents,
        assets: Assets,
        serving: Path | None,
        folder: Path,
        taken: Iterable[str],
    ) -> None:
        """
        Args:
            serving: Python of an environment with the inference server; without one, deployments
                are documents only.
        """
        self.address, self.documents, self.assets = address, documents, assets
        self.serving, self.folder, self.taken = serving, folder, set(taken)
        self.queue = 0.0
        self.asked: list[str] = []
        self._deployments: dict[str, Deployment] = {}
        self._requests: dict[str, int] = {}
        self._operations: dict[str, str] = {}
        self._lock = threading.Lock()
        documents.completions |= {
            "onlineEndpoints": self._endpoint,
            "onlineEndpoints/deployments": self._deployment,
        }

    def add_routes(self, routes: Routes) -> None:
        one = SCOPE + r"/(?P<path>onlineEndpoints/[^/]+/deployments/[^/]+)"
        routes.add("PUT", one, self._put)
        routes.add("DELETE", one, self._delete)
        routes.add("POST", one + "/getLogs", self._logs)
        routes.add("DELETE", SCOPE + r"/(?P<path>onlineEndpoints/[^/]+)", self._delete_endpoint)
        routes.add("GET", STATUSES + "/(?P<id>[^/]+)", self._status)
        routes.add("POST", "/score/(?P<endpoint>[^/]+)", self._score)

    def stop(self) -> None:
        """End every deployment."""
        for deployment in self._deployments.values():
            deployment.stop()

    def _endpoint(self, key: str, document: Document) -> None:
        name, properties = document["name"], document["properties"]
        if not NAME.fullmatch(name):
            raise Refused(400, "BadArgument", f"The endpoint name {name} is not valid.")
        if name in self.taken:
            raise Refused(400, "UserError", TAKEN)
        if properties.get("compute"):  # on a cluster of the customer's
            cluster = self.documents.get(f"workspaces/{WORKSPACE}/computes/{_cluster(properties)}")
            if cluster["properties"]["computeType"] != "Kubernetes":
                raise Refused(400, "UserError", "The compute of an endpoint must be Kubernetes.")
        there = {one["name"] for one in self.documents.children(f"{key}/deployments")}
        traffic = properties.setdefault("traffic", {})
        unknown = traffic.keys() - there
        if unknown:
            words = f"Traffic names deployments that do not exist: {', '.join(sorted(unknown))}."
            raise Refused(400, "UserError", words)
        if sum(traffic.values()) not in (0, 100):
            raise Refused(400, "UserError", "The traffic of an endpoint must be 0 or 100 in all.")
        properties["scoringUri"] = f"{self.address}/score/{name}"
        properties["swaggerUri"] = f"{self.address}/score/{name}/swagger.json"

    def _deployment(self, key: str, document: Document) -> None:
        endpoint = self.documents.get(key.rsplit("/", 2)[0])
        properties = document["properties"]
        kind = "Kubernetes" if endpoint["properties"].get("compute") else "Managed"
        if properties["endpointComputeType"] != kind:
            raise Refused(400, "UserError", f"The deployment must be of the type {kind}.")
        properties.setdefault("scaleSettings", {"scaleType": "Default"})
        for name in ("environmentId", "model"):
            asset = properties.get(name) or ""
            if "/workspaces/" in asset:
                path = asset.split("/workspaces/", 1)[1]
                self.documents.get(f"workspaces/{path}")
        if self._runs(properties):
            properties["provisioningState"] = "Creating"

    def _runs(self, properties: Document) -> bool:
        return bool(self.serving and properties.get("codeConfiguration"))

    def _put(self, request: Request, match: re.Match[str]) -> Answer:
        key = self.documents.key(match)
        before = self._deployments.get(key)
        if before and before.state == "Creating":
            raise Refused(409, "Conflict", "An operation on the deployment is in progress.")
        known = self.documents.find(key)
        document = self.documents.put(key, request.json())
        status = 200 if known else 201
        if not self._runs(document["properties"]):
            return Answer(status, document)
        if before:
            before.stop()
        self._deployments[key] = Deployment()
        threading.Thread(target=self._start, args=(key, document), daemon=True).start()
        operation = f"od-{uuid.uuid4()}"
        self._operations[operation] = key
        place = match[0].split("/resourceGroups/")[0]
        status_url = f"{self.address}{place}/providers/{PROVIDER}/locations/westeurope"
        headers = {"Azure-AsyncOperation": f"{status_url}/mfeOperationsStatus/{operation}"}
        return Answer(status, document, headers | {"Retry-After": "1"})

    def _status(self, request: Request, match: re.Match[str]) -> Answer:
        deployment = self._deployments.get(self._operations.get(match["id"], ""))
        if deployment is None:
            raise Refused(404, "NotFound", "There is no such operation.")
        body: dict[str, Any] = {"id": match[0], "name": match["id"]}
        body["status"] = {"Creating": "InProgress"}.get(deployment.state, deployment.state)
        if deployment.error:
            details = [{"code": "UserContainerCrash", "message": deployment.error}]
            error = {"code": "ResourceNotReady", "message": deployment.error, "details": details}
            body["error"] = error
        return Answer(200, body, {"Retry-After": "1"})

    def _start(self, key: str, document: Document) -> None:
        """Fetch the code, start the server, and wait until it answers."""
        deployment, properties = self._deployments[key], document["properties"]
        deployment.stopped.wait(self.queue)
        try:
            folder = self.folder / uuid.uuid4().hex
            code, empty = folder / "code", folder / "wd"
            empty.mkdir(parents=True)
            self.assets.fetch(properties["codeConfiguration"]["codeId"], code)
            deployment.log, deployment.port = folder / "log", _free_port()
            variables = self._variables(properties, code)
            with deployment.log.open("wb") as log, self._lock:
                if deployment.stopped.is_set():
                    return
                deployment.process = subprocess.Popen(
                    self._command(properties, deployment.port),
                    cwd=empty,
                    env=variables,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._wait(deployment)
            state = "Succeeded"
        except Exception as error:
            deployment.error, state = str(error), "Failed"
        if not deployment.stopped.is_set():
            self.documents.change(key, provisioningState=state)
        deployment.state = state

    def _wait(self, deployment: Deployment) -> None:
        assert deployment.process
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and deployment.process.poll() is None:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{deployment.port}/", timeout=5):
                return
            time.sleep(0.1)
        raise RuntimeError(CRASHED)

    def _command(self, properties: Document, port: int) -> list[str]:
        """What the environment's image runs, on a port that is free here."""
        command = self._image(properties)
        ports = f"--port {port} --health_port {port}"
        return [*command[:-1], f"{command[-1]} {ports}"]

    def _image(self, properties: Document) -> list[str]:
        """The command of the environment's Dockerfile: a shell's, as its last word."""
        path = properties["environmentId"].split("/workspaces/", 1)[1]
        build = self.documents.get(f"workspaces/{path}")["properties"].get("build")
        if not build:
            return SERVER
        context = self.assets.fetch(build["contextUri"], self.folder / uuid.uuid4().hex)
        text = context[build.get("dockerfilePath") or "Dockerfile"].read_text()
        (command,) = re.findall(r"(?m)^CMD (.+)", text)
        return json.loads(command) if command.startswith("[") else ["sh", "-c", command]

    def _variables(self, properties: Document, code: Path) -> dict[str, str]:
        assert self.serving
        inherited = {key: one for key, one in os.environ.items() if not key.startswith(PRIVATE)}
        path = os.pathsep.join([str(self.serving.parent), inherited["PATH"]])
        return (
            inherited
            | {
                "PATH": path,
                "PYTHONUNBUFFERED": "1",
                "AML_APP_ROOT": str(code),
                "AZUREML_ENTRY_SCRIPT": properties["codeConfiguration"]["scoringScript"],
            }
            | (properties.get("environmentVariables") or {})
        )

    def _logs(self, request: Request, match: re.Match[str]) -> Answer:
        key = self.documents.key(match)
        self.documents.get(key)
        deployment = self._deployments.get(key)
        if deployment is None or deployment.log is None:
            return Answer(body={"content": LISTENS if deployment is None else ""})
        lines = deployment.log.read_text(errors="replace").splitlines(keepends=True)
        return Answer(body={"content": "".join(lines[-(request.json().get("tail") or 5000) :])})

    def _delete(self, request: Request, match: re.Match[str]) -> Answer:
        key = self.documents.key(match)
        endpoint, _, name = match["path"].rpartition("/deployments/")
        document = self.documents.find(f"{match['owner']}/{endpoint}")
        if document and document["properties"]["traffic"].get(name):
            words = f"Deployment {name} has traffic and cannot be deleted."
            raise Refused(400, "UserError", words)
        self._end(key)
        return Answer(200 if self.documents.remove(key) else 204)

    def _delete_endpoint(self, request: Request, match: re.Match[str]) -> Answer:
        key = self.documents.key(match)
        for one in [one for one in self._deployments if one.startswith(f"{key}/")]:
            self._end(one)
        return Answer(200 if self.documents.remove(key) else 204)

    def _end(self, key: str) -> None:
        deployment = self._deployments.pop(key, None)
        if deployment:
            with self._lock:
                deployment.stopped.set()
            deployment.stop()

    def _score(self, request: Request, match: re.Match[str]) -> Answer:
        """Hand a request on as the front of an endpoint does."""
        key = f"workspaces/{WORKSPACE}/onlineEndpoints/{match['endpoint']}"
        self.documents.get(key)
        if request.headers.get("Authorization") not in ("Bearer primary", "Bearer secondary"):
            raise Refused(401, "Unauthorized", "The key is not the endpoint's.")
        name = request.headers.get(DEPLOYMENT) or self._next(key)
        deployment = self._deployments.get(f"{key}/deployments/{name}")
        if deployment is None or deployment.state != "Succeeded":
            words = "The endpoint doesn't have any valid deployment with positive weight."
            raise Refused(404, "NotFound", words)
        self.asked.append(name)
        return _passed_on(request, deployment.port, name)

    def _next(self, key: str) -> str:
        """The deployment whose turn it is, by the traffic's shares."""
        with self._lock:
            count = self._requests.get(key, 0)
            self._requests[key] = count + 1
        place = count * SPREAD % 100
        for name, share in sorted(self.documents.get(key)["properties"]["traffic"].items()):
            if place < share:
                return name
            place -= share
        return ""


def _passed_on(request: Request, port: int, name: str) -> Answer:
    """The deployment's answer; what is not 200 becomes 424, as Azure's front makes it."""
    headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
    call = Call(f"http://127.0.0.1:{port}/score", request.body, headers, method="POST")
    try:
        with urlopen(call, timeout=TIMEOUT) as response:
            status, body, kind = response.status, response.read(), response.headers
    except HTTPError as error:
        status, body, kind = error.code, error.read(), error.headers
    told = {"Content-Type": kind.get("Content-Type", "application/json"), DEPLOYMENT: name}
    if status != 200:
        told |= {"ms-azureml-model-error-statuscode": str(status)}
        told |= {"ms-azureml-model-error-reason": "model_error"}
    return Answer(200 if status == 200 else 424, body, told)


def _cluster(properties: Document) -> str:
    return properties["compute"].rpartition("/")[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
