"""Azure Machine Learning on loopback: its REST API, as far as the unmodified SDK asks for it.

It shows that this side keeps to the SDK's contract. It does not show what Azure itself does.
"""

import copy
import ssl
import tempfile
import time
import traceback
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from azureml.artifacts import Artifacts
from azureml.batch import Batch
from azureml.certificate import self_signed
from azureml.documents import Documents
from azureml.faults import CODES, Fault, Faults
from azureml.history import History
from azureml.jobs import Jobs
from azureml.messages import Answer, Refused, Request, Routes
from azureml.online import Online
from azureml.proxy import Proxy
from azureml.registry import Registry
from azureml.storage import Storage
from azureml.tokens import Identities, bearer
from azureml.web import Web
from azureml.workspace import GROUP, GROUP_PATH, OWNERS, SUBSCRIPTION, WORKSPACE, Workspace

PROTECTED = ("/subscriptions/", "/mferp/", "/history/", "/data/", "/mlflow/", "/registrymanagement")


class AzureML:
    """A workspace and a registry that are there while the block runs.

    Attributes:
        requests: method and path of every call so far.
        unknown: those of them that nothing here answers.
        network: variables that lead a process's requests for Azure's hosts here.
    """

    def __init__(
        self,
        python: Path,
        mlflow: str | None = None,
        serving: Path | None = None,
        taken: Iterable[str] = (),
    ) -> None:
        """
        Args:
            python: of the environment in which the steps of jobs run.
            mlflow: the URL of an MLflow tracking server, for the workspace's tracking.
            serving: Python of an environment with Azure ML's inference server, in which online
                deployments run; without one they are documents only.
            taken: the names of endpoints that other workspaces of the region have.
        """
        self.python, self.mlflow = python, mlflow
        self.serving, self.taken = serving, taken
        self.requests: list[tuple[str, str]] = []
        self.unknown: list[tuple[str, str]] = []
        self.network: dict[str, str] = {}
        self._faults = Faults()
        self._lock = Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="azureml-", ignore_cleanup_errors=True)
        self._server: Server | None = None

    def start(self) -> None:
        folder = Path(self._folder.name)
        certificate, key = self_signed(folder)
        self._server = Server(("127.0.0.1", 0), _handler(self), certificate, key)
        self.certificate = certificate
        self.address = f"https://localhost:{self._server.server_port}"
        self._routes = Routes()
        self.identities = Identities(self.address)
        self.storage = Storage(self.address)
        self.documents = Documents(self.address, GROUP_PATH, OWNERS)
        self.workspace = Workspace(self.address, self.storage, self.documents)
        proxy = Proxy(self.mlflow, self.workspace.tracking_uri, self.documents)
        self.jobs = Jobs(
            self.documents, self.storage, proxy, self.python, folder / "jobs", self.job_settings()
        )
        history = History(self.address, self.documents, self.storage, self.jobs)
        # The documents come last: their paths are those of everything that is not special.
        self.registry = Registry(self.address, self.storage, self.documents, self.jobs.assets)
        self.online = Online(
            self.address,
            self.documents,
            self.jobs.assets,
            self.serving,
            folder / "online",
            self.taken,
        )
        self.batch = Batch(self.address, self.documents, self.jobs)
        parts = [self.identities, self.batch, self.storage, proxy, Artifacts(self.storage)]
        self.web = Web(self.address, GROUP_PATH, self.python)
        parts += [self.workspace, self.online, self.registry, history, self.web]
        parts += [self.jobs, self.documents]
        for part in parts:
            part.add_routes(self._routes)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self.jobs.stop()
            self.online.stop()
            self.web.stop()
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self._folder.cleanup()

    def __enter__(self) -> "AzureML":
        self.start()
        return self

    def __exit__(self, *words: object) -> None:
        self.stop()

    def settings(self, managed_identity: bool = False) -> dict[str, str]:
        """The environment variables of a process whose SDK is to talk to this alone.

        Args:
            managed_identity: as a job on Azure ML is; else with a service principal.
        """
        identity = self.identities
        who = identity.managed_identity() if managed_identity else identity.service_principal()
        return (
            self._cloud()
            | who
            | {
                "AZUREML_ARM_SUBSCRIPTION": SUBSCRIPTION,
                "AZUREML_ARM_RESOURCEGROUP": GROUP,
                "AZUREML_ARM_WORKSPACE_NAME": WORKSPACE,
            }
        )

    def job_settings(self) -> dict[str, str]:
        """What a job finds in its environment."""
        tracking = {"MLFLOW_TRACKING_URI": self.workspace.tracking_uri} if self.mlflow else {}
        return self.settings(managed_identity=True) | tracking

    def fault(
        self,
        method: str,
        path_regex: str,
        status: int = 200,
        times: int = 1,
        delay: float = 0,
        cut: bool = False,
        retry_after: int = 1,
    ) -> None:
        """Have the next requests fail: `method` may be `*`, the pattern is searched in the path.

        A status of 200 lets them through, after the delay; `cut` ends the connection unanswered.
        """
        self._faults.add(Fault(method, path_regex, status, times, delay, cut, retry_after))

    def clear_faults(self) -> None:
        self._faults.clear()

    def state(self) -> tuple[Any, Any]:
        """A copy of all that was put here, for `restore`."""
        return self.documents.state(), copy.deepcopy(self.storage.blobs)

    def restore(self, state: tuple[Any, Any]) -> None:
        """Have again what was there then, with no faults and no requests counted."""
        documents, blobs = state
        self.documents.restore(documents)
        self.storage.blobs = copy.deepcopy(blobs)
        self.requests, self.unknown = [], []
        self.clear_faults()

    def answer(self, request: Request) -> Answer | None:
        """The answer to one request; none where the connection is to be cut."""
        with self._lock:
            self.requests.append((request.method, request.path))
        fault = self._faults.next(request.method, request.path)
        if fault:
            time.sleep(fault.delay)
            if fault.cut:
                return None
            if fault.status in CODES:
                return fault.answer()
        if request.path.lower().startswith(PROTECTED) and not bearer(request):
            return Fault(request.method, request.path, 401).answer()
        try:
            return self._routes.answer(request)
        except Refused as refusal:
            if "is not emulated" in str(refusal):
                self.unknown.append((request.method, request.path))
            return refusal.answer
        except Exception as error:
            traceback.print_exc()
            return Answer(500, {"error": {"code": "EmulatorError", "message": repr(error)}})

    def _cloud(self) -> dict[str, str]:
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.address}/metadata/endpoints",
            "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{self.address}/",
            "REQUESTS_CA_BUNDLE": str(self.certificate),
            "AZURE_TOKEN_CREDENTIALS": "prod",
            "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
        }


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any, certificate: Path, key: Path):
        super().__init__(address, handler)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made in the request's own thread: a slow client holds nobody up."""
        request.settimeout(60)
        with self._context.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, client_address, self)

    def handle_error(self, *words: object) -> None:
        """A client that goes away in the middle is what some tests are about."""


def _handler(emulator: AzureML) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            path = "/" + unquote(parts.path).lstrip("/")
            request = Request(self.command, path, query, self.headers, body, self.path)
            answer = emulator.answer(request)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers}
            headers.setdefault("Content-Length", str(len(answer.data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.data)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = respond  # noqa: N815

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    return Handler
