"""Format log lines: as JSON objects, or as plain text on a terminal."""

import logging
import random
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from seedling.masking import masked
from seedling.settings import LOG_FORMAT

PROJECT_PACKAGES = (
    *("seedling", "columns", "common_utils", "dataset_creation", "models", "serve", "tasks"),
)
HANDLER = "scoring"
FIELDS = {"levelname": "level", "name": "logger", "exc_info": "exception", "stack_info": "stack"}

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
PREDICTION_ID: ContextVar[str | None] = ContextVar("prediction_id", default=None)

_fits = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch


def new_request_id(header: str | None) -> str:
    """Return the caller's X-Request-ID if it is 1 to 128 of A-Z a-z 0-9 . _ -, else a new id."""
    if header is not None and _fits(header):
        return header
    return f"{random.getrandbits(128):032x}"


def configure(level: int | str) -> None:
    """Send the log to stderr: the project's from a level on, that of libraries from warning on.

    Args:
        level: a number, or debug, info, warning, error, critical; any other word is info.
    """
    if isinstance(level, str):
        level = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    handler = logging.StreamHandler()
    handler.set_name(HANDLER)
    handler.setFormatter(formatter())
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in PROJECT_PACKAGES:
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)


def formatter() -> logging.Formatter:
    """Return the formatter of LOG_FORMAT, `json` or `text`; unless set, text on a terminal."""
    form = LOG_FORMAT.get() or ("text" if sys.stderr.isatty() else "json")
    if form == "text":
        return _Text("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
    return _Line(["levelname", "name", "message"], rename_fields=FIELDS)


class _Text(logging.Formatter):
    """A line, and the lines of its exception, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return masked(super().format(record))


class _Line(JsonFormatter):
    """A line with time (UTC), level, logger, message, request_id within a request, exception.

    Secrets in it are masked.
    """

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Add the fields of a record to the JSON object."""
        time = datetime.fromtimestamp(record.created, UTC)
        log_data["time"] = time.isoformat(timespec="milliseconds")
        super().add_fields(log_data, record, message_dict)
        for name, value in log_data.items():
            if isinstance(value, str):
                log_data[name] = masked(value)
        request_id = REQUEST_ID.get()
        if request_id is not None:
            log_data["request_id"] = request_id
