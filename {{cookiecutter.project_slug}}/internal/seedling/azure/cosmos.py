"""Predictions in a container of Cosmos DB, whose partition key is /model."""

import json
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seedling.errors import ProjectError
from seedling.serving.stores import Record, RecordRefused, StoreUnavailable

AT_ONCE = 8  # requests under way
PATIENCE = 10  # seconds for a request with its repetitions
REPETITIONS = 2  # of a request that was throttled; the prediction log waits longer than that
THERE_ALREADY = 409
NEVER = (400, 413)  # not what the container takes, or larger than 2 MB


class CosmosStore:
    """A prediction log's store: an item a record, its JSON as JSON.

    Enters with the key in COSMOS_KEY, else as whoever this machine is to Azure, who needs the
    role "Cosmos DB Built-in Data Contributor". The container is not made here.
    """

    def __init__(self, endpoint: str, database: str, container: str) -> None:
        try:
            import azure.cosmos  # noqa: F401
        except ImportError:
            raise ProjectError(
                "Cosmos DB needs azure-cosmos: run init with the group `azure`."
            ) from None
        self._name = f"Prediction log {endpoint} {database}/{container}"
        self._place = endpoint, database, container
        self._container: Any = None
        self._there: set[str] = set()  # of a batch that was broken off

    def add(self, records: Sequence[Record]) -> None:
        """Keep these records; one that is there already is left as it is.

        Raises:
            StoreUnavailable: some may not have been kept, and all can be given again.
            RecordRefused: one of them can never be kept.
        """
        from azure.core.exceptions import AzureError

        try:
            if self._container is None:
                self._container = self._connect()
        except (AzureError, ValueError) as error:
            raise StoreUnavailable(f"{self._name}: {_reason(error)}") from None
        left = [record for record in records if record.id not in self._there]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            failures = [failure for failure in threads.map(self._create, left) if failure]
        if failures:  # what may go well later goes first
            raise min(failures, key=lambda failure: isinstance(failure, RecordRefused))
        self._there.clear()

    def _create(self, record: Record) -> ProjectError | None:
        """Keep a record; what hindered that, if anything did."""
        from azure.core.exceptions import AzureError

        try:
            self._container.create_item(item(record), timeout=PATIENCE)
        except AzureError as error:
            status = getattr(error, "status_code", None)
            if status in NEVER:
                return RecordRefused(f"{self._name}: refused with status {status}.")
            if status != THERE_ALREADY:
                return StoreUnavailable(f"{self._name}: {_reason(error)}")
        self._there.add(record.id)
        return None

    def _connect(self) -> Any:
        from azure.cosmos import CosmosClient

        logging.getLogger("azure").setLevel(logging.ERROR)  # the prediction log says it once
        endpoint, database, container = self._place
        client = CosmosClient(
            endpoint,
            _credential(),
            connection_timeout=5,
            read_timeout=PATIENCE,
            retry_total=REPETITIONS,
            retry_connect=0,
            retry_read=0,
            retry_backoff_max=2,
            no_response_on_write=True,
        )
        return client.get_database_client(database).get_container_client(container)


def item(record: Record) -> dict[str, Any]:
    """The record as a document."""
    texts = ("inputs", "features", "outputs")
    document = record._asdict() | {"time": record.time.isoformat()}
    return document | {name: json.loads(document[name]) for name in texts}


def _credential() -> Any:
    key = os.environ.get("COSMOS_KEY")
    if key:
        return key
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status:
        return f"it answered with status {status}."
    words = str(getattr(error, "message", None) or error).strip().partition("\n")[0]
    return words or type(error).__name__
