"""The prediction log in a container of Cosmos DB, whose partition key is /model."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from seedling.azure import identity
from seedling.errors import ProjectError
from seedling.serving.stores import Record, RecordRefused, StoreUnavailable, time_text
from seedling.settings import COSMOS_KEY

PARALLEL_REQUESTS = 8
REQUEST_SECONDS = 10  # for a request with its repetitions
MAX_RETRIES = 2  # of a request that was throttled; the prediction log waits longer than that
CONFLICT = 409  # the id is there already
REFUSED = (400, 413)  # not what the container takes, or larger than 2 MB
PAGE_RECORDS = 200  # read at a time; a record may have 256 KiB
JSON_FIELDS = ("inputs", "features", "outputs")


class CosmosStore:
    """A store of the prediction log: an item for each record, with its JSON as JSON.

    Connects with the key in COSMOS_KEY; without one, with this machine's identity in Azure, which
    needs the role "Cosmos DB Built-in Data Contributor". Creates no container.
    """

    def __init__(self, endpoint: str, database: str, container: str) -> None:
        """
        Args:
            endpoint: the URL of the account.
            database, container: their names.

        Raises:
            ProjectError: azure-cosmos is not installed.
        """
        try:
            import azure.cosmos  # noqa: F401
        except ImportError:
            raise ProjectError(
                "Cosmos DB needs azure-cosmos: run init with the group `azure`."
            ) from None
        self._name = f"Prediction log {endpoint} {database}/{container}"
        self._location = endpoint, database, container
        self._client: Any = None
        self._kept: set[str] = set()  # ids of a batch that was only kept in part

    def add(self, records: Sequence[Record]) -> None:
        """Keep these records; one that is there already is left as it is.

        Raises:
            StoreUnavailable: some may not have been kept, and all can be given again.
            RecordRefused: one of them can never be kept.
        """
        with self._own_errors():
            self._container()
        left = [record for record in records if record.id not in self._kept]
        with ThreadPoolExecutor(PARALLEL_REQUESTS) as threads:
            failures = [failure for failure in threads.map(self._create, left) if failure]
        if failures:  # one that may go well later takes precedence
            raise min(failures, key=lambda failure: isinstance(failure, RecordRefused))
        self._kept.clear()

    def read(
        self,
        start: datetime,
        end: datetime,
        *,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        route: str | None = None,
    ) -> Iterator[Record]:
        """Yield the records of a time window, oldest first; see Store."""
        given = {"model": model, "version": version, "role": role, "route": route}
        values = {name: value for name, value in given.items() if value is not None}
        conditions = ["c.time >= @start", "c.time < @end"]
        conditions += [f"c.{name} = @{name}" for name in values]
        values |= {"start": time_text(start), "end": time_text(end)}
        scope: dict[str, Any] = {"enable_cross_partition_query": True}
        if model is not None:
            scope = {"partition_key": model}
        with self._own_errors():
            items = self._container().query_items(
                f"SELECT * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.time",  # noqa: S608 - names of fields
                parameters=[{"name": f"@{name}", "value": value} for name, value in values.items()],
                max_item_count=PAGE_RECORDS,
                **scope,
            )
            for document in items:
                yield record_of(document)

    def _create(self, record: Record) -> ProjectError | None:
        """Keep a record, or return the error."""
        from azure.core.exceptions import AzureError

        try:
            self._container().create_item(item(record), timeout=REQUEST_SECONDS)
        except AzureError as error:
            status = getattr(error, "status_code", None)
            if status in REFUSED:
                return RecordRefused(f"{self._name}: refused with status {status}.")
            if status != CONFLICT:
                return StoreUnavailable(f"{self._name}: {_reason(error)}")
        self._kept.add(record.id)
        return None

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        """Raise the errors of Azure's SDK as StoreUnavailable."""
        from azure.core.exceptions import AzureError

        try:
            yield
        except (AzureError, ValueError) as error:
            raise StoreUnavailable(f"{self._name}: {_reason(error)}") from None

    def _container(self) -> Any:
        """Return the client of the container; connect at the first call."""
        if self._client is not None:
            return self._client
        from azure.cosmos import CosmosClient

        logging.getLogger("azure").setLevel(logging.ERROR)  # the prediction log says it once
        endpoint, database, container = self._location
        account = CosmosClient(
            endpoint,
            _credential(),
            connection_timeout=5,
            read_timeout=REQUEST_SECONDS,
            retry_total=MAX_RETRIES,
            retry_connect=0,
            retry_read=0,
            retry_backoff_max=2,
            no_response_on_write=True,
        )
        self._client = account.get_database_client(database).get_container_client(container)
        return self._client


def item(record: Record) -> dict[str, Any]:
    """Return the record as a document of the container."""
    document = record._asdict() | {"time": time_text(record.time)}
    return document | {name: json.loads(document[name]) for name in JSON_FIELDS}


def record_of(document: Mapping[str, Any]) -> Record:
    """Return the record that `item` made the document of."""
    values = {name: document[name] for name in Record._fields}
    values["time"] = datetime.fromisoformat(document["time"])
    for name in JSON_FIELDS:
        values[name] = json.dumps(document[name], ensure_ascii=False, separators=(",", ":"))
    return Record(**values)


def _credential() -> Any:
    key = COSMOS_KEY.get()
    if key:
        return key
    return identity.credential(may_ask=False)


def _reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status:
        return f"it answered with status {status}."
    words = str(getattr(error, "message", None) or error).strip().partition("\n")[0]
    return words or type(error).__name__
