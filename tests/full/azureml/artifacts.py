"""The artifacts of MLflow's runs, which Azure ML keeps in its own storage."""

import re

from azureml.documents import SCOPE, Document
from azureml.messages import Answer, Refused, Request, Routes
from azureml.storage import CONTAINER, Storage

RUN = r"/history/v1\.0" + SCOPE + r"/experiment(s|ids)/[^/]+/runs/(?P<run>[^/]+)/artifacts"


class Artifacts:
    """Tells where a run's files are, or are to go; the client moves them itself."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def add_routes(self, routes: Routes) -> None:
        routes.add("GET", RUN, self._list)
        routes.add("GET", RUN + "/contentinfo", self._find)
        routes.add("GET", RUN + "/prefix/contentinfo", self._below)
        routes.add("POST", RUN + "/batch/metadata", self._new)

    def _list(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(body={"value": [self._told(match, path) for path in self._paths(match)]})

    def _find(self, request: Request, match: re.Match[str]) -> Answer:
        path = request.query["path"]
        if path not in self._paths(match):
            raise Refused(404, "UserError", f"There is no artifact {path}.")
        return Answer(body=self._told(match, path))

    def _below(self, request: Request, match: re.Match[str]) -> Answer:
        found = [path for path in self._paths(match) if path.startswith(request.query["path"])]
        return Answer(body={"value": [self._told(match, path) for path in found]})

    def _new(self, request: Request, match: re.Match[str]) -> Answer:
        paths = [one["path"] for one in request.json()["paths"]]
        told = {path: self._told(match, path) for path in paths}
        return Answer(body={"artifacts": told, "artifactContentInformation": told, "errors": {}})

    def _paths(self, match: re.Match[str]) -> list[str]:
        return sorted(self.storage.below(CONTAINER, _folder(match)))

    def _told(self, match: re.Match[str], path: str) -> Document:
        url = self.storage.url(f"{_folder(match)}/{path}")
        container = f"dcid.{match['run']}"
        return {"contentUri": url, "origin": "ExperimentRun", "container": container, "path": path}


def _folder(match: re.Match[str]) -> str:
    return f"ExperimentRun/dcid.{match['run']}"
