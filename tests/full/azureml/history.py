"""The run history: how far a job is, what it said, and where its outputs are."""

import re
from datetime import datetime

from azureml.assets import Asset
from azureml.documents import SCOPE, URIS, Document, Documents
from azureml.jobs import JOBS, Jobs
from azureml.messages import Answer, Refused, Request, Routes
from azureml.runs import Run
from azureml.storage import Storage
from azureml.workspace import DATASTORES

OUTPUT = re.compile(r".*/azureml_(?P<run>.+)_output_data_(?P<name>[^/]+)/versions/1")
JOB_OUTPUT = re.compile(
    r"azureml://jobs/(?P<run>[^/]+)/outputs/(?P<name>[^/]+)(/paths/?(?P<path>.*))?/?"
)
MODEL_TYPES = {
    "custom_model": "CustomModel",
    "mlflow_model": "MLFlowModel",
    "triton_model": "TritonModel",
}
LOGS = "default"  # the output that holds a run's logs


class History:
    """Answers for runs, those of a pipeline's steps too."""

    def __init__(self, address: str, documents: Documents, storage: Storage, jobs: Jobs) -> None:
        self.address, self.documents = address, documents
        self.storage, self.jobs = storage, jobs
        documents.completions |= {"models/versions": self._model, "data/versions": self._located}

    def add_routes(self, routes: Routes) -> None:
        history = r"/history/v1\.0" + SCOPE
        routes.add("GET", history + "/runs/(?P<run>[^/]+)", self._get)
        routes.add("GET", history + "/runs/(?P<run>[^/]+)/details", self._details)
        routes.add("GET", history + "/runs/(?P<run>[^/]+)/children", self._children)
        routes.add("POST", history + "/rundata", self._data)
        routes.add("PATCH", history + "/experiments/[^/]+/runs/(?P<run>[^/]+)", self._edit)
        resolved = SCOPE + "/(dataversion|models)/batchGetResolvedUris"
        routes.add("POST", r"/(data|modelregistry)/v1\.0" + resolved, self._uris)

    def _find(self, name: str) -> Run:
        if name not in self.jobs.runs:
            raise Refused(404, "UserError", f"Run {name} not found.")
        return self.jobs.runs[name]

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(body=self._run(self._find(match["run"])))

    def _children(self, request: Request, match: re.Match[str]) -> Answer:
        parent = self._find(match["run"]).id
        found = [run for run in self.jobs.runs.values() if run.root == parent != run.id]
        return Answer(body={"value": [self._run(run) for run in found]})

    def _details(self, request: Request, match: re.Match[str]) -> Answer:
        run = self._find(match["run"])
        logs = {name: self.storage.url(f"{run.artifacts}/{name}") for name in sorted(run.logs)}
        return Answer(body=self._run(run) | {"target": "cpu-cluster", "logFiles": logs})

    def _edit(self, request: Request, match: re.Match[str]) -> Answer:
        """Set what people may change of a job, as the portal's page and the SDK's update do."""
        run = self._find(match["run"])
        tags = request.json().get("tags")
        if tags is not None:
            key = f"{JOBS}/{run.id}"
            known = self.documents.get(key)["properties"].get("tags") or {}
            self.documents.change(key, tags={**known, **tags})
        return Answer(body=self._run(run))

    def _data(self, request: Request, match: re.Match[str]) -> Answer:
        run = self._find(request.json()["runId"])
        return Answer(body={"runMetadata": self._run(run)})

    def _uris(self, request: Request, match: re.Match[str]) -> Answer:
        found = {}
        for asset_id in request.json()["values"]:
            parts = OUTPUT.fullmatch(asset_id)
            if parts:
                asset = _outputs(self._find(parts["run"]))[parts["name"]]
                found[asset_id] = {"uri": asset.uri, "path": asset.uri, "type": asset.type}
        return Answer(body={"values": found})

    def _model(self, key: str, document: Document) -> None:
        document["properties"].setdefault("flavors", {})
        self._located(key, document)

    def _located(self, key: str, document: Document) -> None:
        """A job's output is registered under the URI at which it is."""
        properties = document["properties"]
        for name in URIS:
            found = JOB_OUTPUT.fullmatch(properties.get(name, ""))
            if not found:
                continue
            outputs = _outputs(self._find(found["run"]))
            if found["name"] not in outputs:
                raise Refused(400, "UserError", f"{properties[name]} is no output of that job.")
            uri = outputs[found["name"]].uri.rstrip("/") + "/" + (found["path"] or "")
            properties[name] = uri.rstrip("/")

    def _run(self, run: Run) -> Document:
        error = {"error": {"code": "UserError", "message": run.error}} if run.error else None
        return {
            "runId": run.id,
            "parentRunId": run.root if run.root != run.id else None,
            "rootRunId": run.root,
            "displayName": run.name or run.id,
            "experimentId": run.experiment,
            "status": run.status,
            "createdUtc": _text(run.created),
            "startTimeUtc": _text(run.started),
            "endTimeUtc": _text(run.ended),
            "error": error,
            "warnings": [],
            "tags": {},
            "properties": {},
            "outputs": {
                name: self._reference(run, name, asset) for name, asset in _outputs(run).items()
            },
        }

    def _reference(self, run: Run, name: str, asset: Asset) -> Document:
        asset_id = (
            "azureml://locations/westeurope/workspaces/emulator/data/"
            f"azureml_{run.id}_output_data_{name}/versions/1"
        )
        return {"assetId": asset_id, "type": MODEL_TYPES.get(asset.type, asset.type)}


def _outputs(run: Run) -> dict[str, Asset]:
    uri = f"azureml://datastores/{DATASTORES[1]}/paths/{run.artifacts}/"
    return run.outputs | {LOGS: Asset("uri_folder", uri)}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
