"""The bodies of requests, within limits."""

from contextlib import suppress

from flask import Request, request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST = 16 * 1024 * 1024  # bytes
CHUNK = 64 * 1024  # bytes


def body() -> bytes:
    """The request's body; one without a length, which werkzeug would cut off, is refused too."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    found = asked.get_data()
    if len(found) >= LARGEST and asked.content_length is None:
        raise RequestEntityTooLarge
    return found


def discard() -> None:
    """Read what a client goes on to send, so that it comes to read the answer; within limits."""
    stream = request.environ["wsgi.input"]
    with suppress(OSError):
        for _ in range(4 * LARGEST // CHUNK):
            if not stream.read(CHUNK):
                return
