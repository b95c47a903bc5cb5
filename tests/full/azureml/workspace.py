"""The workspace: where things are, which secrets open them, what is deployed."""

import re
import uuid
from typing import Any

from azureml.documents import PROVIDER, SCOPE, Document, Documents
from azureml.messages import Answer, Request, Routes
from azureml.storage import CONTAINER, KEY, SUFFIX, Storage

SUBSCRIPTION, GROUP = "22222222-2222-2222-2222-222222222222", "seedling"
WORKSPACE, REGISTRY = "workspace", "registry"
GROUP_PATH = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
WORKSPACE_PATH = f"{GROUP_PATH}/providers/{PROVIDER}/workspaces/{WORKSPACE}"
OWNERS = {
    f"workspaces/{WORKSPACE}": WORKSPACE_PATH,
    f"registries/{REGISTRY}": f"azureml://registries/{REGISTRY}",
}
DATASTORES = ("workspaceblobstore", "workspaceartifactstore")
CLUSTER = "cpu-cluster"
MINUTE = "PT1M"


class Workspace:
    """What is there before anybody has put anything, and what completes what is put."""

    def __init__(self, address: str, storage: Storage, documents: Documents) -> None:
        self.address, self.storage, self.documents = address, storage, documents
        here = f"workspaces/{WORKSPACE}"
        for name in DATASTORES:
            documents.put(f"{here}/datastores/{name}", self._datastore(name))
        documents.put(f"{here}/computes/{CLUSTER}", _cluster())
        documents.completions |= {
            "schedules": _schedule,
        }

    def add_routes(self, routes: Routes) -> None:
        routes.add("GET", "/metadata/endpoints", lambda *_: Answer(body=self._cloud()))
        routes.add("GET", "/discovery", lambda *_: Answer(body=self._urls()))
        routes.add("GET", SCOPE, self._get)
        routes.add("POST", SCOPE + r"/datastores/[^/]+/listSecrets", self._secrets)
        endpoint = r"/(?P<path>(online|batch)Endpoints/[^/]+)"
        routes.add("POST", SCOPE + endpoint + "/(listKeys|token|regenerateKeys)", self._keys)

    def _cloud(self) -> list[Document]:
        return [
            {
                "name": "Emulator",
                # The client makes the id of Azure ML from what follows the second dot.
                "portal": "https://portal.azure.com",
                "resourceManager": self.address,
                "authentication": {"loginEndpoint": self.address, "audiences": [self.address]},
                "suffixes": {"storage": SUFFIX},
            }
        ]

    def _urls(self) -> Document:
        names = (
            "api",
            "catalog",
            "experimentation",
            "gallery",
            "history",
            "hyperdrive",
            "labeling",
        )
        names += ("modelmanagement", "pipelines", "studio")
        return dict.fromkeys(names, self.address)

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        self.documents.key(match)
        name = match["owner"].split("/")[1]
        properties = {
            "workspaceId": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "friendlyName": name,
            "provisioningState": "Succeeded",
            "discoveryUrl": f"{self.address}/discovery",
            "mlFlowTrackingUri": self.tracking_uri,
            "storageAccount": f"{GROUP_PATH}/providers/Microsoft.Storage/storageAccounts/storage",
        }
        document = {"id": WORKSPACE_PATH, "name": name, "location": "westeurope"}
        return Answer(body=document | {"properties": properties, "tags": {}, "kind": "Default"})

    @property
    def tracking_uri(self) -> str:
        """What mlflow must be told; the plugin of azureml-mlflow makes an URL of it."""
        return f"azureml://{self.address.removeprefix('https://')}/mlflow/v2.0{WORKSPACE_PATH}"

    def _datastore(self, name: str) -> Document:
        return {
            "properties": {
                "datastoreType": "AzureBlob",
                "accountName": self.storage.account,
                "containerName": CONTAINER,
                "endpoint": SUFFIX,
                "protocol": "https",
                "isDefault": name == DATASTORES[0],
                "credentials": {"credentialsType": "AccountKey"},
            }
        }

    def _secrets(self, request: Request, match: re.Match[str]) -> Answer:
        self.documents.key(match)
        return Answer(body={"secretsType": "AccountKey", "key": KEY})

    def _keys(self, request: Request, match: re.Match[str]) -> Answer:
        self.documents.get(self.documents.key(match))
        keys = {"primaryKey": "primary", "secondaryKey": "secondary"}
        return Answer(body=keys | {"accessToken": "token", "expiryTimeUtc": 0})

    def _deployment(self, key: str, document: Document) -> None:
        self.documents.get(key.rsplit("/", 2)[0])  # its endpoint must be there
        document["properties"].setdefault("scaleSettings", {"scaleType": "Default"})


def _schedule(key: str, document: Document) -> None:
    document["properties"].setdefault("isEnabled", True)


def _cluster() -> dict[str, Any]:
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": MINUTE}
    details = {"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "scaleSettings": scale}
    properties = {"computeType": "AmlCompute", "computeLocation": "westeurope"}
    return {"location": "westeurope", "properties": properties | {"properties": details}}
