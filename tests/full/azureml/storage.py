"""Blob storage: as much of its REST API as uploading, listing and downloading ask for."""

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Lock
from xml.sax.saxutils import escape

from azureml.messages import Answer, Request, Routes

KEY = base64.b64encode(b"the storage account's key").decode()
SAS = "sv=2024-01-01&sig=emulator"
CONTAINER = "azureml"
SUFFIX = "core.windows.net"
# An account's URL carries its name in its path; a SAS URL begins with its container.
ACCOUNT_PATH = r"/blob/[^/]+"


@dataclass
class Blob:
    data: bytes
    metadata: dict[str, str] = field(default_factory=dict)
    etag: str = field(default_factory=lambda: f'"{uuid.uuid4().hex}"')
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    def headers(self) -> dict[str, str]:
        told = {f"x-ms-meta-{name}": value for name, value in self.metadata.items()}
        return told | {
            "ETag": self.etag,
            "Last-Modified": format_datetime(self.modified, usegmt=True),
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-server-encrypted": "true",
        }


class Storage:
    """One account's containers, kept in memory; a container is there once a blob is in it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.blobs: dict[tuple[str, str], Blob] = {}
        self.callers: set[str] = set()  # the schemes of their authorisation
        self._blocks: dict[tuple[str, str], dict[str, bytes]] = {}
        self._lock = Lock()

    @property
    def account(self) -> str:
        """The account's name, from which the client makes URLs that lead here."""
        return self.address.removeprefix("https://") + "/blob/storage"

    def url(self, name: str) -> str:
        """The URL that opens a blob of the account's container."""
        # MLflow's plugin downloads from nowhere but `.blob.` and the cloud's suffix.
        return f"https://{self.account}.blob.{SUFFIX}/{CONTAINER}/{name}?{SAS}"

    def container_url(self, container: str) -> str:
        return f"{self.address}/{container}"

    def new_container(self) -> str:
        return f"upload-{uuid.uuid4().hex}"

    def put(self, container: str, name: str, data: bytes) -> None:
        with self._lock:
            self.blobs[container, name] = Blob(data)

    def append(self, container: str, name: str, data: bytes) -> None:
        """For logs, which are read while they grow."""
        with self._lock:
            kept = self.blobs.get((container, name))
            self.blobs[container, name] = Blob((kept.data if kept else b"") + data)

    def below(self, container: str, prefix: str) -> dict[str, bytes]:
        """The blobs of a folder by their paths in it, or one blob by its last name."""
        folder = prefix.rstrip("/") + "/" if prefix else ""
        with self._lock:
            single = self.blobs.get((container, prefix))
            if single is not None:
                return {prefix.rsplit("/", 1)[-1]: single.data}
            return {
                name.removeprefix(folder): blob.data
                for (place, name), blob in self.blobs.items()
                if place == container and name.startswith(folder)
            }

    def add_routes(self, routes: Routes) -> None:
        start = rf"({ACCOUNT_PATH}/(?P<container>[^/]+)|/(?P<upload>upload-[^/]+))"
        routes.add("GET HEAD PUT", start + "/?", self._container)
        routes.add("GET HEAD PUT DELETE", start + "/(?P<name>.+)", self._blob)

    def _container(self, request: Request, match: re.Match[str]) -> Answer:
        container = match["container"] or match["upload"]
        if request.query.get("comp") == "list":
            return Answer(200, self._list(container, request), {"Content-Type": "application/xml"})
        return Answer(201 if request.method == "PUT" else 200, None, Blob(b"").headers())

    def _blob(self, request: Request, match: re.Match[str]) -> Answer:
        self.callers.add(request.headers.get("Authorization", "").partition(" ")[0])
        key = match["container"] or match["upload"], match["name"]
        with self._lock:
            if request.method == "PUT":
                return self._put(request, key)
            blob = self.blobs.get(key)
            if blob is None:
                return _error(404, "BlobNotFound")
            if request.method == "DELETE":
                del self.blobs[key]
                return Answer(202)
        return _read(request, blob)

    def _put(self, request: Request, key: tuple[str, str]) -> Answer:
        comp = request.query.get("comp", "")
        if comp == "metadata":
            if key not in self.blobs:
                return _error(404, "BlobNotFound")
            self.blobs[key].metadata = _metadata(request)
            return Answer(200, None, self.blobs[key].headers())
        if comp == "block":
            self._blocks.setdefault(key, {})[request.query["blockid"]] = request.body
            return Answer(201, None, _digest(request.body))
        if request.headers.get("If-None-Match") == "*" and key in self.blobs:
            return _error(409, "BlobAlreadyExists")
        data = request.body
        if comp == "blocklist":
            blocks = self._blocks.pop(key, {})
            ids = re.findall(r"<(?:Latest|Uncommitted|Committed)>([^<]+)<", request.body.decode())
            data = b"".join(blocks[block] for block in ids)
        self.blobs[key] = Blob(data, _metadata(request))
        digest = {} if comp else _digest(data)
        return Answer(201, None, self.blobs[key].headers() | digest)

    def _list(self, container: str, request: Request) -> bytes:
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter")
        items, folders = [], set()
        with self._lock:
            for (place, name), blob in sorted(self.blobs.items(), key=lambda item: item[0]):
                if place != container or not name.startswith(prefix):
                    continue
                rest = name.removeprefix(prefix)
                if delimiter and delimiter in rest:
                    folders.add(prefix + rest.split(delimiter)[0] + delimiter)
                else:
                    items.append(_item(name, blob))
        items += [
            f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>" for name in sorted(folders)
        ]
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<EnumerationResults ContainerName="{escape(container)}">'
            f"<Blobs>{''.join(items)}</Blobs><NextMarker/></EnumerationResults>"
        ).encode()


def _read(request: Request, blob: Blob) -> Answer:
    asked = request.headers.get("x-ms-range") or request.headers.get("Range")
    headers = blob.headers()
    if not asked:
        return Answer(200, blob.data, headers | {"x-ms-blob-content-length": str(len(blob.data))})
    start, _, end = asked.removeprefix("bytes=").partition("-")
    first, last = int(start), min(int(end or len(blob.data)), len(blob.data) - 1)
    if first >= len(blob.data):
        return _error(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(blob.data)}"
    return Answer(206, blob.data[first : last + 1], headers)


def _metadata(request: Request) -> dict[str, str]:
    prefix = "x-ms-meta-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in request.headers.items()
        if name.lower().startswith(prefix)
    }


def _digest(data: bytes) -> dict[str, str]:
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return {"Content-MD5": base64.b64encode(md5).decode()}


def _item(name: str, blob: Blob) -> str:
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>"
        f"<Last-Modified>{format_datetime(blob.modified, usegmt=True)}</Last-Modified>"
        f"<Etag>{blob.etag}</Etag><Content-Length>{len(blob.data)}</Content-Length>"
        "<BlobType>BlockBlob</BlobType></Properties>"
        f"<Metadata>{metadata}</Metadata></Blob>"
    )


def _error(status: int, code: str) -> Answer:
    words = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    body = f'<?xml version="1.0" encoding="utf-8"?>{words}'
    headers = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return Answer(status, body.encode(), headers)
