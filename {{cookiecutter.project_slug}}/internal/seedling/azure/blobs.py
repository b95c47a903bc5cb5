"""Download files of Azure's blob storage, by fsspec and adlfs and this machine's identity."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seedling.azure import identity
from seedling.errors import ProjectError
from seedling.masking import masked
from seedling.settings import AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_CONNECTION_STRING

PUBLIC = "blob.core.windows.net"


def download(url: str, folder: Path) -> Path:
    """Copy a blob, or all below a path, into a folder, under its own name; return the copy's path.

    Args:
        url: `az://container/path`, of the account in AZURE_STORAGE_ACCOUNT_NAME; or
            `abfs://container@account.dfs.core.windows.net/path`. With a slash at its end it is that
            of a folder.
        folder: exists.

    Raises:
        ProjectError: adlfs is not installed, the URL names no file or no account, the storage
            refuses this identity or has no such file, or it does not answer.
    """
    try:
        import adlfs
        from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
    except ImportError:
        raise ProjectError(
            "A blob is read by adlfs: run init with the group `blob`, beside the others."
        ) from None
    logging.getLogger("azure").setLevel(logging.ERROR)  # what it warns of stands in the error
    container, path, account = _parts(url)
    copy = folder / path.rpartition("/")[2]
    try:
        storage = adlfs.AzureBlobFileSystem(**_account(account), skip_instance_cache=True)
        if url.endswith("/"):
            _get_all(storage, f"{container}/{path}", copy)
        else:
            storage.get_file(f"{container}/{path}", str(copy))
    except FileNotFoundError:
        raise ProjectError(f"There is no blob {masked(url)}.") from None
    except ClientAuthenticationError as error:
        raise ProjectError(
            f"{masked(url)} cannot be read: no Azure credential is accepted: run `az login`, or "
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in .env. "
            f"({_first_line(error)})"
        ) from None
    except HttpResponseError as error:
        needed = ": it takes the role Storage Blob Data Reader" if error.status_code == 403 else ""
        raise ProjectError(
            f"{masked(url)} cannot be read{needed}. ({_first_line(error)})"
        ) from None
    except (AzureError, OSError, ValueError, RuntimeError) as error:
        raise ProjectError(f"{masked(url)} cannot be read: {_first_line(error)}") from None
    return copy


def _get_all(storage: Any, place: str, folder: Path) -> None:
    """Download all blobs below a place into a new folder, as they are nested there.

    Raises:
        FileNotFoundError: there is none.
        OSError: the name of one leads out of the folder.
    """
    blobs = {name: folder / name.removeprefix(f"{place}/") for name in storage.find(place)}
    if not blobs:
        raise FileNotFoundError(place)
    for name, file in blobs.items():
        if not file.resolve().is_relative_to(folder.resolve()):
            raise OSError(f"the blob {name} leads out of its folder")
        file.parent.mkdir(parents=True, exist_ok=True)
    storage.get([*blobs], [str(file) for file in blobs.values()])


def _parts(url: str) -> tuple[str, str, str]:
    """Return container, path and account of a URL; the account is empty where it has none."""
    parts = urlsplit(url)
    container, _, account = parts.netloc.rpartition("@")
    if not container:
        container, account = account, ""
    path = parts.path.strip("/")
    if parts.query or parts.fragment:
        path = url.partition(parts.netloc)[2].strip("/")  # they are no parts of such a URL
    if not container or not path:
        raise ProjectError(f"{masked(url)} names no file: az://container/path/table.csv.")
    return container, path, account


def _account(given: str) -> dict[str, Any]:
    """Return the arguments of adlfs that say which account, and who asks.

    Args:
        given: the account's name or host, from a URL; that of the settings if empty.
    """
    for setting in (AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_CONNECTION_STRING):
        if not setting.is_set():
            os.environ.pop(setting.name, None)  # adlfs takes an empty one for set
    if AZURE_STORAGE_CONNECTION_STRING.is_set() and not given:
        return {"connection_string": AZURE_STORAGE_CONNECTION_STRING.get()}
    os.environ.pop(AZURE_STORAGE_CONNECTION_STRING.name, None)  # it is of another account
    host = given or AZURE_STORAGE_ACCOUNT_NAME.get()
    if not host:
        raise ProjectError(
            "Whose blob storage? Set AZURE_STORAGE_ACCOUNT_NAME in .env, or write "
            "abfs://container@account.dfs.core.windows.net/path."
        )
    host = host if "." in host or ":" in host else f"{host}.{PUBLIC}"
    return {
        "account_name": host.partition(".")[0],
        "account_host": host.replace(".dfs.", ".blob."),
        "credential": _Chain(),
        "anon": False,
    }


class _Chain:
    """This machine's identity, as adlfs asks for it: by coroutines."""

    def __init__(self) -> None:
        self._credential = identity.credential()

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return an access token for these scopes."""
        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)

    async def close(self) -> None:
        """Leave the chain as it is: other clients of this process may use it."""

    async def __aenter__(self) -> "_Chain":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the chain as it is."""


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return masked(lines[0]) if lines else type(error).__name__
