"""Read the bodies of requests, up to MAX_BODY_BYTES."""

import time
from contextlib import suppress

from flask import Request, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from seedling.errors import TooMuch

MAX_BODY_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
PAUSE_SECONDS, DISCARD_SECONDS = 1.0, 10.0  # of a client whose body is not read, and for all of it


def body() -> bytes:
    """Return the body of the request.

    Raises:
        RequestEntityTooLarge: it is too large. werkzeug cuts off one without a length.
        BadRequest: it is shorter than its length says.
    """
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    found = asked.get_data()
    length = asked.content_length
    if length is None:
        if len(found) >= MAX_BODY_BYTES:
            raise RequestEntityTooLarge
    elif len(found) < length:
        raise BadRequest
    return found


def refuse_too_many(rows: int, most: int) -> None:
    """Raise TooMuch unless a request may have so many rows."""
    if rows > most:
        raise TooMuch(
            f"{rows:,} rows are more than the {most:,} that one request may ask for: "
            "send them in parts."
        )


def discard() -> None:
    """Read what is left of the request's body, so that the client takes the answer.

    A client that is still sending when the connection ends may never see it. What a client sends
    too slowly, or beyond four times MAX_BODY_BYTES, is not waited for.
    """
    stream, connection = request.environ["wsgi.input"], request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(PAUSE_SECONDS)
    until = time.monotonic() + DISCARD_SECONDS
    with suppress(OSError):
        for _ in range(4 * MAX_BODY_BYTES // CHUNK_BYTES):
            if not stream.read(CHUNK_BYTES) or time.monotonic() > until:
                return
