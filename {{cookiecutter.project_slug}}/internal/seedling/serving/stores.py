"""The stores of the prediction log: SQLite, PostgreSQL, or Cosmos DB."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from seedling import implementations
from seedling.config import Config, PredictionLog, Project, Stage, expand, stage
from seedling.errors import ProjectError, Unavailable
from seedling.settings import LOCAL_PREDICTION_LOG, PREDICTION_LOG, SPOOL_FOLDER

# What the ids of requests that `simulate-month` makes up begin with.
SIMULATED = "simulated-"
LEARNED = "-learned-"  # is in them where a month has rows that the model has learned from


class StoreUnavailable(Unavailable):
    """The store did not answer; the same call may succeed later."""


class RecordRefused(ProjectError):
    """The store will never take one of these records as it is."""


class Record(NamedTuple):
    """The answer of one version to one request; `inputs`, `features`, `outputs` are JSON text.

    `features` is a list with an object for each row; `inputs`, likewise, what the caller sent
    beside them, such as the entity's key; `outputs` is the answer of the model's task.
    For /run they are what serve.py was given and answered.
    """

    id: str
    request_id: str
    time: datetime  # of the answer, with its zone
    route: str
    model: str
    version: str
    role: str  # "served" or "shadow"
    inputs: str
    features: str
    outputs: str

    @property
    def is_simulated(self) -> bool:
        """Return whether the rows were made up by `simulate-month`."""
        return self.request_id.startswith(SIMULATED)

    @property
    def is_learned(self) -> bool:
        """Return whether they are of a month with rows that the model has learned from."""
        return self.is_simulated and LEARNED in self.request_id


class Store(Protocol):
    def add(self, records: Sequence[Record]) -> None:
        """Keep these records; one whose id is there already is left as it is.

        Raises:
            StoreUnavailable: some may not have been kept, and all can be given again.
            RecordRefused: one of them can never be kept.
        """

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
        """Yield the records of a time window, oldest first, with a page of them in memory.

        Those that are added meanwhile may be among them. A store without any yields nothing.

        Args:
            start: the first moment of the window, with its zone.
            end: the moment after the window, with its zone.
            model: the records of this model only.
            version: the records of this version only. A record of /run names several models and
                versions, separated by commas, where serve.py used several.
            role: "served" or "shadow" only.
            route: the records of this route only, such as "/run".

        Raises:
            StoreUnavailable: the store did not answer.
        """


def time_text(moment: datetime) -> str:
    """Return the time as stores keep it: UTC, all of one length, so that text sorts as time does.

    Raises:
        ValueError: it has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def log_settings(config: Config, environment: str | None = None) -> PredictionLog | None:
    """Return where the prediction log is kept; None where it is off.

    The variable PREDICTION_LOG, a URL or `off`, takes precedence over model.yaml. Cosmos DB is for
    production: elsewhere the log is the SQLite database of this machine.

    Args:
        config: names the place.
        environment: the value of ENVIRONMENT, unless given.
    """
    given = PREDICTION_LOG.get()
    if given:
        return None if given == "off" else PredictionLog(url=given)
    settings = config.serving.prediction_log
    here = PredictionLog(url=LOCAL_PREDICTION_LOG.get())
    if settings == "off":
        return None
    if settings.url == LOCAL_PREDICTION_LOG.default:
        return here
    is_production = stage(config, environment) is Stage.PRODUCTION
    return settings if settings.url or is_production else here


def spool_of(project: Project) -> Path:
    """Return the folder of accepted lines: SPOOL_FOLDER, or local_assets/spool/."""
    given = SPOOL_FOLDER.get()
    return Path(given) if given else project.assets / "spool"


def open_store(project_root: Path, settings: PredictionLog) -> Store:
    """Return the store that model.yaml names. Connects at the first call of the store.

    Raises:
        ProjectError: the URL is wrong, or its driver is not installed.
    """
    if settings.url:
        from seedling.serving.sql_store import SqlStore

        return SqlStore(expand(settings.url, "serving.prediction_log.url"), project_root)
    open_cosmos = implementations.find("cosmos db")
    store: Store = open_cosmos(settings.endpoint, settings.database, settings.container)
    return store
