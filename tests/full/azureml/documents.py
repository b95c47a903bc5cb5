"""Azure's resource manager: documents by their paths, what is put is what is got."""

import copy
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from urllib.parse import urlencode

from azureml.messages import Answer, Refused, Request, Routes

Document = dict[str, Any]
PROVIDER = "Microsoft.MachineLearningServices"
# The managed front end of a registry has the same paths below a prefix of its own.
SCOPE = (
    r"(/mferp/managementfrontend)?/subscriptions/(?P<subscription>[^/]+)"
    rf"/resourceGroups/(?P<group>[^/]+)/providers/{re.escape(PROVIDER)}"
    r"/(?P<owner>(workspaces|registries)/[^/]+)"
)
PAGE = 100
URIS = ("dataUri", "modelUri", "codeUri")


class Documents:
    """Every resource of the workspace and the registry, by owner and path.

    Attributes:
        completions: by kind, what completes a document before it is kept, or refuses it.
        page: how many documents a list has before its client must ask for more.
    """

    def __init__(self, address: str, group: str, owners: dict[str, str]) -> None:
        """
        Args:
            group: the resource group's path.
            owners: how an id begins, by owner.
        """
        self.address, self.group, self.owners = address, group, owners
        self.completions: dict[str, Callable[[str, Document], None]] = {}
        self.page = PAGE
        self._kept: dict[str, Document] = {}
        self._lock = RLock()

    def add_routes(self, routes: Routes) -> None:
        path = SCOPE + r"/(?P<path>.+?)/?"
        routes.add("GET", path, self._get)
        routes.add("PUT PATCH", path, self._put)
        routes.add("DELETE", path, self._delete)

    def key(self, match: re.Match[str]) -> str:
        """The owner of a request's path, checked, with the path below it."""
        group = f"/subscriptions/{match['subscription']}/resourceGroups/{match['group']}"
        if group.lower() != self.group.lower():
            words = f"Resource group '{match['group']}' could not be found."
            raise Refused(404, "ResourceGroupNotFound", words)
        if match["owner"] not in self.owners:
            raise Refused(404, "ResourceNotFound", f"There is no {match['owner']}.")
        return f"{match['owner']}/{match['path']}" if "path" in match.re.groupindex else ""

    def find(self, key: str) -> Document | None:
        """A copy of the document."""
        with self._lock:
            return copy.deepcopy(self._kept.get(key))

    def get(self, key: str) -> Document:
        document = self.find(key)
        if document is None:
            raise Refused(404, "ResourceNotFound", f"The resource {key} was not found.")
        return document

    def put(self, key: str, body: Document) -> Document:
        """Keep the document; a version's container is kept up to date with it."""
        with self._lock:
            document = self._completed(key, copy.deepcopy(body))
            before = self._kept.get(key)
            if before:
                _refuse_another_uri(before, document)
                _refuse_another_component(before, document)
                document["systemData"]["createdAt"] = before["systemData"]["createdAt"]
            self._kept[key] = document  # one that is there already keeps its place in lists
            if re.fullmatch(r"[^/]+/[^/]+/\w+/[^/]+/versions/[^/]+", key):
                self._keep_container(key)
            return copy.deepcopy(document)

    def state(self) -> dict[str, Document]:
        with self._lock:
            return copy.deepcopy(self._kept)

    def restore(self, state: dict[str, Document]) -> None:
        with self._lock:
            self._kept = copy.deepcopy(state)

    def put_bare(self, key: str) -> None:
        """Keep a document that has no properties."""
        owner, path = _owner(key)
        with self._lock:
            self._kept[key] = {
                "id": f"{self.owners[owner]}/{path}",
                "name": path.rsplit("/", 1)[-1],
                "properties": None,
            }

    def change(self, key: str, **properties: Any) -> None:
        """Set properties of a document that is there."""
        with self._lock:
            self._kept[key]["properties"].update(properties)

    def remove(self, key: str) -> bool:
        """Forget the document with all that is below it; whether it was there."""
        with self._lock:
            paths = [path for path in self._kept if path == key or path.startswith(f"{key}/")]
            for path in paths:
                del self._kept[path]
        return bool(paths)

    def children(self, key: str) -> list[Document]:
        """The documents one name below a path, the newest first."""
        pattern = re.compile(re.escape(key) + "/[^/]+")
        with self._lock:
            found = [document for path, document in self._kept.items() if pattern.fullmatch(path)]
            return copy.deepcopy(found[::-1])

    def _with_hash(self, content_hash: str) -> list[Document]:
        """The code with this content, whatever its name is: its client uploads it only once."""
        with self._lock:
            return [
                copy.deepcopy(document)
                for key, document in self._kept.items()
                if re.search("/codes/[^/]+/versions/", key)
                and document["properties"]["properties"].get("hash_sha256") == content_hash
            ]

    def _completed(self, key: str, document: Document) -> Document:
        owner, path = _owner(key)
        now = datetime.now(UTC).isoformat()
        author = {"createdBy": "emulator", "createdByType": "Application"}
        document |= {
            "id": f"{self.owners[owner]}/{path}",
            "name": path.rsplit("/", 1)[-1],
            "type": f"{PROVIDER}/{owner.split('/')[0]}/{_kind(path)}",
            "systemData": author | {"createdAt": now, "lastModifiedAt": now},
        }
        properties = document.setdefault("properties", {})
        if _kind(path) != "jobs":
            properties["provisioningState"] = "Succeeded"
        complete = self.completions.get(_kind(path))
        if complete:
            complete(key, document)
        return document

    def _keep_container(self, key: str) -> None:
        container = key.rsplit("/", 2)[0]
        versions = [document["name"] for document in self.children(f"{container}/versions")]
        numbers = [int(version) for version in versions if version.isdigit()]
        told = {"latestVersion": versions[0], "nextVersion": str(max(numbers, default=0) + 1)}
        before = self._kept.pop(container, None)
        properties = before["properties"] if before else {"isArchived": False, "tags": {}}
        newest = self._kept[key]["properties"]
        kinds = {name: newest[name] for name in ("dataType", "modelType") if name in newest}
        body = {"properties": properties | kinds | told}
        self._kept[container] = self._completed(container, body)

    def _get(self, request: Request, match: re.Match[str]) -> Answer:
        key = self.key(match)
        if self._is_collection(match["path"]):
            return Answer(body=self._page(key, request))
        return Answer(body=self.get(key))

    def _put(self, request: Request, match: re.Match[str]) -> Answer:
        key, body = self.key(match), request.json()
        known = self.find(key)
        if request.method == "PATCH":
            body = _merged(self.get(key), body)
        return Answer(200 if known else 201, self.put(key, body))

    def _delete(self, request: Request, match: re.Match[str]) -> Answer:
        return Answer(200 if self.remove(self.key(match)) else 204)

    def _is_collection(self, path: str) -> bool:
        return len(path.split("/")) % 2 == 1

    def _page(self, key: str, request: Request) -> Document:
        query = dict(request.query)
        everything = self._with_hash(query["hash"]) if "hash" in query else self.children(key)
        found = list(_wanted(everything, query))
        start = int(query.get("$skip", 0))
        size = int(query.get("$top") or query.get("top") or self.page)
        page: Document = {"value": found[start : start + size]}
        if start + size < len(found):
            query["$skip"] = str(start + size)
            page["nextLink"] = f"{self.address}{request.path}?{urlencode(query)}"
        return page


def _owner(key: str) -> tuple[str, str]:
    kind, name, path = key.split("/", 2)
    return f"{kind}/{name}", path


def _kind(path: str) -> str:
    """`models/versions` for `models/churn/versions/3`."""
    return "/".join(path.split("/")[::2])


def _merged(document: Document, change: Document) -> Document:
    merged = dict(document)
    for name, value in change.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def _wanted(documents: list[Document], query: dict[str, str]) -> Iterator[Document]:
    for document in documents:
        properties = document["properties"]
        if properties is None:
            continue
        archived = properties.get("isArchived", False)
        if query.get("listViewType", "All") != "All" and archived != (
            query["listViewType"] == "ArchivedOnly"
        ):
            continue
        yield document


def _refuse_another_uri(before: Document, after: Document) -> None:
    for name in URIS:
        if _short(before["properties"].get(name)) != _short(after["properties"].get(name)):
            raise Refused(400, "UserError", "Asset paths cannot be updated.")


def _short(uri: str | None) -> str:
    """A URI without the workspace, which may be told in it or not."""
    return re.sub(r"(?i)^azureml://subscriptions/.+?/workspaces/[^/]+/", "azureml://", uri or "")


def _refuse_another_component(before: Document, after: Document) -> None:
    """A version of a component is what it was made as; its tags may change."""
    specs = [(one["properties"] or {}).get("componentSpec") for one in (before, after)]
    if specs[0] is not None and _untold(specs[0]) != _untold(specs[1]):
        raise Refused(409, "Conflict", f"Component {before['name']} exists and is immutable.")


def _untold(spec: Document) -> Document:
    """A component without the words that may be changed."""
    words = ("description", "display_name", "tags")
    return {name: value for name, value in spec.items() if name not in words}
