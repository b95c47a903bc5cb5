"""Read the bodies of requests, up to MAX_BODY_BYTES."""

from contextlib import suppress

from flask import Request, request
from werkzeug.exceptions import RequestEntityTooLarge

MAX_BODY_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


def body() -> bytes:
    """Return the body of the request.

    Raises:
        RequestEntityTooLarge: it is too large. werkzeug cuts off one without a length.
    """
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    found = asked.get_data()
    if len(found) >= MAX_BODY_BYTES and asked.content_length is None:
        raise RequestEntityTooLarge
    return found


def discard() -> None:
    """Read the rest of a body that is too large, so that the client reads the answer."""
    stream = request.environ["wsgi.input"]
    with suppress(OSError):
        for _ in range(4 * MAX_BODY_BYTES // CHUNK_BYTES):
            if not stream.read(CHUNK_BYTES):
                return
