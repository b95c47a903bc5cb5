"""The sections `feature_store` and `serving` of model.yaml."""

from typing import Any, Literal

from pydantic import Field, field_validator
from pydantic import model_validator as validates_model

from seedling.config.document import Section
from seedling.settings import LOCAL_PREDICTION_LOG

LoggedTexts = Literal["as_given", "redacted", "left_out"]
AS_GIVEN: LoggedTexts = "as_given"
REDACTED: LoggedTexts = "redacted"


class FeatureStore(Section):
    """A SQLAlchemy URL, or server and database of an Azure SQL that takes a token."""

    url: str | None = None
    server: str | None = None
    database: str | None = None

    @validates_model(mode="after")
    def _one_way_in(self) -> "FeatureStore":
        azure_sql = self.server is not None and self.database is not None
        if azure_sql == (self.url is not None) or (self.server is None) != (self.database is None):
            raise ValueError("give either url, or server and database")
        return self


class PredictionLog(Section):
    """The place of the prediction log: a SQLAlchemy URL, or a container of Cosmos DB."""

    url: str | None = None
    endpoint: str | None = None
    database: str | None = None
    container: str | None = None

    @validates_model(mode="after")
    def _one_place(self) -> "PredictionLog":
        cosmos = (self.endpoint, self.database, self.container)
        if self.url == "off":
            raise ValueError("to keep no log, say `prediction_log: off` without url")
        if any(cosmos) != all(cosmos) or any(cosmos) == (self.url is not None):
            raise ValueError("give either url, or endpoint, database and container")
        return self


class MonitoringStore(Section):
    """The container of Cosmos DB with the prediction log, by the names of Model-Seedling."""

    uri: str
    database_name: str
    container_name: str

    def prediction_log(self) -> PredictionLog:
        """Return the same place as `serving.prediction_log` has it."""
        names = {"database": self.database_name, "container": self.container_name}
        return PredictionLog(endpoint=self.uri, **names)


class Serving(Section):
    """The prediction log, the model that answers where none is named, the limits of a request.

    `logged_texts` says what the log has of free texts, which may name people: all of it, what the
    model's answer leaves of it, or nothing. With `require_signature`, a version is served only if
    `model.sig` in its folder is a signature by the key whose public half is the file `public_key`.
    """

    prediction_log: PredictionLog | Literal["off"] = PredictionLog(url=LOCAL_PREDICTION_LOG.default)
    logged_texts: LoggedTexts = AS_GIVEN
    model: str | None = None  # the best champion unless given
    most_rows: int = Field(default=10_000, ge=1)  # of one request
    time_limit: float = Field(default=30, gt=0)  # seconds
    require_signature: bool = False
    public_key: str = "signing.pub"  # in the project's folder

    @field_validator("prediction_log", mode="before")
    @classmethod
    def _off_as_its_url_too(cls, given: Any) -> Any:
        return "off" if given == {"url": "off"} else given
