"""The registry: assets that workspaces share, with a storage and a front end of its own."""

import re
import uuid

from azureml.assets import Assets
from azureml.documents import SCOPE, URIS, Documents
from azureml.messages import Answer, Refused, Request, Routes
from azureml.storage import SAS, Storage
from azureml.workspace import GROUP, REGISTRY, SUBSCRIPTION, WORKSPACE

ASSET = re.compile(r".*/(?P<kind>\w+)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)")


class Registry:
    """Uploads go to new containers, shared assets are copied into them.

    Attributes:
        shares_tags: whether what is shared brings its tags; nothing says that Azure's does.
    """

    def __init__(
        self, address: str, storage: Storage, documents: Documents, assets: Assets
    ) -> None:
        self.address, self.storage = address, storage
        self.documents, self.assets = documents, assets
        self.shares_tags = True

    def add_routes(self, routes: Routes) -> None:
        discovery = r"/registrymanagement/v1\.0/registries/(?P<name>[^/]+)/discovery"
        routes.add("GET", discovery, self._discover)
        version = r"/[^/]+/versions/[^/]+"
        # Code is uploaded in the same way to a workspace.
        routes.add("POST", SCOPE + rf"/\w+{version}/startPendingUpload", self._upload)
        routes.add("PUT", SCOPE + rf"/tempdatarefs{version}", self._upload_once)
        routes.add("POST", SCOPE + rf"/datarefs{version}", self._download)
        routes.add("POST", SCOPE + "/import", self._share)

    def _discover(self, request: Request, match: re.Match[str]) -> Answer:
        if match["name"] != REGISTRY:
            raise Refused(404, "ResourceNotFound", f"There is no registry {match['name']}.")
        return Answer(
            body={
                "registryName": REGISTRY,
                "primaryRegion": "westeurope",
                "regions": ["westeurope"],
                "subscriptionId": SUBSCRIPTION,
                "resourceGroup": GROUP,
                "primaryRegionResourceProviderUri": f"{self.address}/",
            }
        )

    def _upload(self, request: Request, match: re.Match[str]) -> Answer:
        """A new container for an asset's files, and the URL that opens it."""
        self.documents.key(match)
        return _opened(self.storage.container_url(self.storage.new_container()))

    def _upload_once(self, request: Request, match: re.Match[str]) -> Answer:
        """Files of a version that is there already stay what they are."""
        if self.documents.find(self._named(request, match)):
            raise Refused(409, "UserError", f"{request.json()['assetId']} is there already.")
        return self._upload(request, match)

    def _named(self, request: Request, match: re.Match[str]) -> str:
        """The key of the asset that a request's body names."""
        self.documents.key(match)
        found = ASSET.fullmatch(request.json()["assetId"])
        if not found:
            raise Refused(400, "UserError", f"{request.json()['assetId']} is no asset's id.")
        return f"{match['owner']}/{found['kind']}/{found['name']}/versions/{found['version']}"

    def _download(self, request: Request, match: re.Match[str]) -> Answer:
        """The URL that opens the container of an asset's files."""
        properties = self.documents.get(self._named(request, match))["properties"]
        wanted = request.json()["blobUri"]
        if wanted not in [properties.get(name) for name in URIS]:
            raise Refused(400, "UserError", f"{wanted} is not where the asset's files are.")
        container = wanted.removeprefix(self.address).split("/")[1]
        return _opened(self.storage.container_url(container))

    def _share(self, request: Request, match: re.Match[str]) -> Answer:
        """Copy a workspace's asset; the answer has no body."""
        self.documents.key(match)
        wanted = request.json()["properties"]
        found = ASSET.fullmatch(wanted["sourceAssetId"])
        if not found:
            raise Refused(400, "UserError", f"{wanted['sourceAssetId']} is no asset's id.")
        kind, name, version = found.groups()
        source = self.documents.get(f"workspaces/{WORKSPACE}/{kind}/{name}/versions/{version}")
        properties = source["properties"]
        for uri in set(URIS) & properties.keys():
            properties[uri] = self.assets.copy(properties[uri])
        if not self.shares_tags:
            properties["tags"] = {}
        name, version = (
            wanted.get("destinationName", name),
            wanted.get("destinationVersion", version),
        )
        self.documents.put(
            f"{match['owner']}/{kind}/{name}/versions/{version}", {"properties": properties}
        )
        return Answer(200)


def _opened(url: str) -> Answer:
    credential = {"credentialType": "SAS", "sasUri": f"{url}?{SAS}"}
    reference = {"blobUri": url, "credential": credential, "storageAccountArmId": "storage"}
    return Answer(
        body={
            "pendingUploadId": str(uuid.uuid4()),
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": reference,
        }
    )
