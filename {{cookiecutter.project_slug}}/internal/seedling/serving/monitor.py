"""Send requests and warnings to Azure Monitor, if its variable is set."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from seedling import implementations
from seedling.config import Config
from seedling.errors import ProjectError
from seedling.settings import APPLICATIONINSIGHTS_CONNECTION_STRING

log = logging.getLogger(__name__)


class Telemetry(Protocol):
    """A monitor, which sends from a thread of its own."""

    def request(
        self,
        route: str,
        method: str,
        status: int,
        started_ns: int,
        ended_ns: int,
        request_id: str,
        attributes: Mapping[str, Any],
    ) -> None:
        """Record an answered request; times are nanoseconds since 1970, UTC."""

    def stop(self) -> None:
        """Send what waits, for a few seconds at most."""


def open_telemetry(config: Config) -> Telemetry | None:
    """Return Azure Monitor if its connection string is set. Logs why it cannot be used.

    Call it in each worker: a thread does not outlive a fork.
    """
    if not APPLICATIONINSIGHTS_CONNECTION_STRING.is_set():
        return None
    try:
        start = implementations.find("azure monitor")
        telemetry: Telemetry = start(config.name, config.api_version)
        return telemetry
    except ProjectError as error:
        log.warning("%s", error)
    except Exception as error:  # the service works without it
        log.warning("Azure Monitor cannot be used: %s. Nothing is sent.", error)
    return None
