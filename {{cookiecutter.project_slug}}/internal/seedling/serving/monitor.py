"""Requests and warnings, sent to a monitor: Azure Monitor, where its variable is set."""

import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

from seedling import implementations
from seedling.config import Config
from seedling.errors import ProjectError

log = logging.getLogger(__name__)

VARIABLE = "APPLICATIONINSIGHTS_CONNECTION_STRING"


class Telemetry(Protocol):
    """What a monitor offers: it sends from a thread of its own."""

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
        """Record a request that was answered; times are nanoseconds since 1970, UTC."""

    def stop(self) -> None:
        """Send what is waiting, for a few seconds at most."""


def open_telemetry(config: Config) -> Telemetry | None:
    """Azure Monitor, where its connection string is set; a line tells why it cannot be used.

    Call it in each worker: a thread does not outlive a fork.
    """
    if not os.environ.get(VARIABLE):
        return None
    try:
        start = implementations.find("azure monitor")
        telemetry: Telemetry = start(config.name, config.api_version)
        return telemetry
    except ProjectError as error:
        log.warning("%s", error)
    except Exception as error:  # whatever it is, the service goes on
        log.warning("Azure Monitor cannot be used: %s. Nothing is sent.", error)
    return None
