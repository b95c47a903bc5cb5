"""Batch endpoints: what they are asked becomes a job that runs the deployment's script."""

import re
import shlex
import traceback
import uuid
from threading import Thread

from azureml.assets import Asset
from azureml.documents import Document, Documents
from azureml.jobs import JOBS, Jobs
from azureml.messages import Answer, Refused, Request, Routes
from azureml.parallel import DRIVER
from azureml.runs import Run
from azureml.steps import Step
from azureml.tokens import bearer
from azureml.workspace import WORKSPACE

ENDPOINTS = f"workspaces/{WORKSPACE}/batchEndpoints"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]")
TYPES = {"UriFile": "uri_file", "UriFolder": "uri_folder"}
DEFAULTS = {
    "miniBatchSize": 10,
    "errorThreshold": -1,
    "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
    "outputFileName": "predictions.csv",
}


class Batch:
    """
    Attributes:
        taken: the names of endpoints that other workspaces of the region have.
        twice: whether a mini-batch is delivered twice to a node, and another one to two nodes.
    """

    def __init__(self, address: str, documents: Documents, jobs: Jobs) -> None:
        self.address, self.documents, self.jobs = address, documents, jobs
        self.taken: set[str] = set()
        self.twice = False
        documents.completions["batchEndpoints"] = self._endpoint
        documents.completions["batchEndpoints/deployments"] = self._deployment

    def add_routes(self, routes: Routes) -> None:
        routes.add("POST", "/batch/(?P<endpoint>[^/]+)/jobs", self._invoke)

    def _endpoint(self, key: str, document: Document) -> None:
        name, properties = document["name"], document["properties"]
        if not NAME.fullmatch(name):
            raise Refused(400, "UserError", f"{name} is no name of an endpoint.")
        if name in self.taken:
            words = f"The endpoint name {name} must be unique within a region."
            raise Refused(400, "UserError", words)
        properties["scoringUri"] = f"{self.address}/batch/{name}/jobs"
        default = (properties.setdefault("defaults", None) or {}).get("deploymentName")
        if default:
            self.documents.get(f"{key}/deployments/{default}")

    def _deployment(self, key: str, document: Document) -> None:
        self.documents.get(key.rsplit("/", 2)[0])  # its endpoint must be there
        properties = document["properties"]
        for name in ("compute", "model"):
            if not properties.get(name):
                raise Refused(400, "UserError", f"The deployment lacks its {name}.")
        for name, value in DEFAULTS.items():
            if properties.get(name) is None:
                properties[name] = value
        cluster = properties["compute"].rsplit("/", 1)[-1]
        self.documents.get(f"workspaces/{WORKSPACE}/computes/{cluster}")

    def _invoke(self, request: Request, match: re.Match[str]) -> Answer:
        if not bearer(request):
            return Answer(401, {"error": {"code": "Unauthorized", "message": "Who asks?"}})
        endpoint = self.documents.get(f"{ENDPOINTS}/{match['endpoint']}")
        default = (endpoint["properties"]["defaults"] or {}).get("deploymentName")
        name = request.headers.get("azureml-model-deployment") or default
        if not name:
            raise Refused(400, "UserError", "The endpoint has no default deployment.")
        deployment = self.documents.get(f"{ENDPOINTS}/{match['endpoint']}/deployments/{name}")
        (data,) = request.json()["properties"]["inputData"].values()
        asset = Asset(TYPES[data["jobInputType"]], data["uri"])
        job = f"batchjob-{uuid.uuid4()}"
        self.jobs.runs[job] = Run(job, job, "Pipeline", match["endpoint"])
        properties = {"jobType": "Pipeline", "experimentName": match["endpoint"]}
        properties |= {"jobs": {}, "properties": {}, "tags": {}}
        document = self.documents.put(f"{JOBS}/{job}", {"properties": properties})
        step = _step(deployment["properties"], asset, self.twice)
        Thread(target=self._perform, args=(job, step), daemon=True).start()
        return Answer(201, document)

    def _perform(self, job: str, step: Step) -> None:
        run = self.jobs.runs[job]
        try:
            self.jobs.perform_alone(run, step)
        except Exception as error:
            traceback.print_exc()
            self.jobs.end(run, "Failed", str(error))


def _step(deployment: Document, data: Asset, twice: bool) -> Step:
    """The only step of a scoring job."""
    script = deployment["codeConfiguration"]["scoringScript"]
    command = [
        *("python", str(DRIVER), "--script", script),
        *("--size", str(deployment["miniBatchSize"])),
        *("--retries", str(deployment["retrySettings"]["maxRetries"])),
        *("--threshold", str(deployment["errorThreshold"])),
        *["--twice"] * twice,
    ]
    files = "--data ${{inputs.data}} --rows ${{outputs.score}}/" + deployment["outputFileName"]
    return Step(
        name="batchscoring",
        command=f"{shlex.join(command)} {files}",
        inputs={"data": data},
        types={"data": data.type},
        outputs={"score": "uri_folder"},
        bindings={},
        variables=deployment.get("environmentVariables") or {},
        code=deployment["codeConfiguration"]["codeId"],
    )
