"""Files by their URIs: what a step reads from the storage, and what it leaves there."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from azureml.documents import URIS, Documents
from azureml.storage import ACCOUNT_PATH, CONTAINER, Storage
from azureml.workspace import DATASTORES, WORKSPACE

DATASTORE = re.compile(r"azureml://(?:.+/)?datastores/[^/]+/paths/(?P<path>.*)")
VERSION = re.compile(
    r"(?:azureml:(?!//))?(?:azureml://registries/(?P<registry>[^/]+)/|.*/workspaces/[^/]+/)"
    r"(?P<path>(?:data|models|codes)/[^/]+/versions/[^/]+)"
)
FILE = "uri_file"


@dataclass(frozen=True)
class Asset:
    """A file or a folder in the storage."""

    type: str
    uri: str


class Assets:
    """Moves files between the storage and a step's folders."""

    def __init__(self, storage: Storage, documents: Documents) -> None:
        self.storage, self.documents = storage, documents

    def fetch(self, uri: str, folder: Path) -> dict[str, Path]:
        """Write the files below a URI to a folder: where each is, by its path in the asset."""
        written = {}
        for name, data in self.files(uri).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            written[name] = path
        if not written:
            raise FileNotFoundError(f"There is nothing at {uri}.")
        return written

    def files(self, uri: str) -> dict[str, bytes]:
        """The files below a URI, by their paths in the asset."""
        return self.storage.below(*self._place(uri))

    def mount(self, asset: Asset, wanted: str, folder: Path) -> Path:
        """The path at which a step finds an input of the wanted type."""
        written = self.fetch(asset.uri, folder)
        if wanted == FILE and len(written) == 1:
            return next(iter(written.values()))
        return folder

    def keep(self, path: Path, uri: str) -> None:
        """Upload a file, or a folder with all that is in it."""
        container, prefix = self._place(uri)
        if path.is_file():
            self.storage.put(container, prefix.rstrip("/"), path.read_bytes())
        for file in sorted(path.rglob("*")):
            if file.is_file():
                name = f"{prefix.rstrip('/')}/{file.relative_to(path).as_posix()}"
                self.storage.put(container, name, file.read_bytes())

    def copy(self, uri: str) -> str:
        """Copy the files to a container of their own; its URL with their path in it."""
        container, prefix = self._place(uri)
        name = prefix.rstrip("/").rsplit("/", 1)[-1]
        found = self.storage.below(container, prefix)
        new = self.storage.new_container()
        for path, data in found.items():
            single = len(found) == 1 and path == name
            self.storage.put(new, path if single else f"{name}/{path}", data)
        return f"{self.storage.container_url(new)}/{name}"

    def _place(self, uri: str) -> tuple[str, str]:
        """The container and the path in it."""
        found = DATASTORE.fullmatch(uri)
        if found:
            return CONTAINER, found["path"].lstrip("/")
        found = VERSION.fullmatch(uri)
        if found:
            registry = found["registry"]
            owner = f"registries/{registry}" if registry else f"workspaces/{WORKSPACE}"
            properties = self.documents.get(f"{owner}/{found['path']}")["properties"]
            return self._place(next(properties[name] for name in URIS if name in properties))
        # The client joins a build context's URL so that an account in a path falls out of it.
        account = rf"/blob(?=/{CONTAINER}/)|{ACCOUNT_PATH}"
        path = re.sub(account, "", unquote(urlsplit(uri).path), count=1)
        container, _, rest = path.lstrip("/").partition("/")
        return container, rest


def output_uri(job: str, output: str, type_: str) -> str:
    """Where a job's output goes if nobody says where."""
    end = "" if type_ == FILE else "/"
    return f"azureml://datastores/{DATASTORES[0]}/paths/azureml/{job}/{output}{end}"
