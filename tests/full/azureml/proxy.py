"""The workspace's tracking: an MLflow server, reached by the path that Azure ML gives it."""

import json
import re
import time
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request as Call
from urllib.request import urlopen

from azureml.documents import Document, Documents
from azureml.messages import Answer, Refused, Request, Routes
from azureml.workspace import DATASTORES, WORKSPACE

PATH = r"/mlflow/v\d\.\d/subscriptions/.+?(?P<path>/api/2\.0/mlflow(-artifacts)?/.+)"
TIMEOUT = 60
ARTIFACTS = re.compile(rb'("artifact_uri": *")[^"]*/([0-9a-f]{32})/artifacts"')


class Proxy:
    """Passes on what mlflow's client asks the workspace."""

    def __init__(self, server: str | None, tracking_uri: str, documents: Documents) -> None:
        self.server, self.tracking_uri, self.documents = server, tracking_uri, documents
        self.aliases: dict[str, str] = {}  # runs of MLflow by the id of their job

    def add_routes(self, routes: Routes) -> None:
        routes.add("GET POST PUT PATCH DELETE", PATH, self._pass_on)

    def new_run(self, experiment: str, parent: str | None = None) -> str | None:
        """The id of a run in the experiment, as Azure ML makes one for each job.

        Args:
            parent: the id of the job that the run's own belongs to.
        """
        if not self.server:
            return None
        query = f"experiments/get-by-name?{urlencode({'experiment_name': experiment})}"
        status, found = self._call("GET", query)
        if status == 404:
            number = self._call("POST", "experiments/create", {"name": experiment})[1]
        else:
            number = found["experiment"]
        run = {"experiment_id": number["experiment_id"], "start_time": int(time.time() * 1000)}
        if parent:
            run["tags"] = [{"key": "mlflow.parentRunId", "value": parent}]
        return self._call("POST", "runs/create", run)[1]["run"]["info"]["run_id"]

    def metric(self, run: str, name: str) -> float | None:
        """The last value that a run has logged."""
        query = f"runs/get?{urlencode({'run_id': run})}"
        logged = self._call("GET", query)[1]["run"]["data"].get("metrics", [])
        return next((one["value"] for one in logged if one["key"] == name), None)

    def tag(self, run: str, key: str, value: str) -> None:
        """Set a tag of a run."""
        self._call("POST", "runs/set-tag", {"run_id": run, "key": key, "value": value})

    def _call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        answer = self._ask(method, f"/api/2.0/mlflow/{path}", data, "application/json")
        return answer.status, json.loads(answer.data)

    def _pass_on(self, request: Request, match: re.Match[str]) -> Answer:
        if not self.server:
            raise Refused(404, "NotFound", "The emulator was given no MLflow server.")
        query = urlsplit(request.target).query
        for job, run in self.aliases.items():
            query = re.sub(rf"(run_(uu)?id=){re.escape(job)}\b", rf"\g<1>{run}", query)
        path = match["path"] + (f"?{query}" if query else "")
        kind = request.headers.get("Content-Type", "application/json")
        answer = self._ask(request.method, path, request.body or None, kind)
        if match["path"].endswith("/model-versions/create") and answer.status == 200:
            self._register(json.loads(answer.data)["model_version"])
        # Artifacts go to the workspace's storage, not to the server's.
        here = rb'\1%s/experiments/all/runs/\2/artifacts"' % self.tracking_uri.encode()
        return replace(answer, body=ARTIFACTS.sub(here, answer.data))

    def _register(self, version: Document) -> None:
        """Keep a version that MLflow has registered: in the workspace both are one registry."""
        place = version["source"].partition("/artifacts/")[2]
        folder = f"ExperimentRun/dcid.{version['run_id']}/{place}/"
        properties = {
            "modelUri": f"azureml://datastores/{DATASTORES[0]}/paths/{folder}",
            "modelType": "mlflow_model",
            "tags": {},
        }
        key = f"workspaces/{WORKSPACE}/models/{version['name']}/versions/{version['version']}"
        self.documents.put(key, {"properties": properties})

    def _ask(self, method: str, path: str, data: bytes | None, kind: str) -> Answer:
        call = Call(f"{self.server}{path}", data, {"Content-Type": kind}, method=method)
        try:
            with urlopen(call, timeout=TIMEOUT) as response:
                return Answer(response.status, response.read(), _headers(response.headers))
        except HTTPError as error:
            return Answer(error.code, error.read(), _headers(error.headers))


def _headers(headers: Any) -> dict[str, str]:
    return {"Content-Type": headers.get("Content-Type", "application/json")}
