"""gunicorn's threaded worker: what it refuses itself is refused in JSON, and never in silence."""

import json
import re
import socket
import struct
import time
from io import BytesIO
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

SILENCE_SECONDS = 10  # that a client may leave a request half sent, or an answer unread
REST_SECONDS = 1.0  # that it may be silent in the rest of a body that has its answer already
LAST_SECONDS = 2.0  # in which a worker that ends still accepts connections
LINGER_SECONDS = 1.0  # that a client has to close a connection, after its last answer
MAX_CHUNK_LINE = 64 * 1024  # bytes of a chunk's size with its extensions, or of all trailers
MIN_PRINTABLE = 0x20
END_OF_HEAD = b"\r\n\r\n"
REASONS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",  # what RFC 9112 asks for where a transfer coding is not known
}
NAMED = ("CONTENT-LENGTH", "TRANSFER-ENCODING", "HOST", "CONTENT-TYPE")

_bare_line_feed = re.compile(rb"(?<!\r)\n").search
_not_ascii = re.compile(rb"[\x80-\xff]")


class HeadRefused(errors.ParseException):
    """The head of a request is not whole; the message is the sentence for the caller."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Chunks(ChunkedReader):
    """gunicorn's reader of a body in chunks, which collects no endless line."""

    def get_data(self, unreader: Any, buf: BytesIO) -> None:
        """Append what arrives next to `buf`, a line as far as it is there."""
        if buf.getbuffer().nbytes > MAX_CHUNK_LINE:
            raise errors.InvalidChunkSize(b"")
        super().get_data(unreader, buf)


class Head(Request):
    """gunicorn's request, which waits for no more bytes of a head that cannot become whole."""

    body: Any

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        """Append what arrives next to `buf`, the head as far as it is there.

        Raises:
            HeadRefused: a line ends without CR, nothing arrives in time, or nothing more will.
        """
        if _bare_line_feed(buf):
            raise HeadRefused(400, "A line of the head ends in LF alone: HTTP asks for CR LF.")
        if buf and buf[0] < MIN_PRINTABLE:
            raise HeadRefused(400, "This is not HTTP: was https:// meant to be http://?")
        try:
            super().read_into(unreader, buf, stop)
            while stop and buf.startswith(b"\r\n"):  # a line break too many of the last request
                del buf[:2]
                if not buf:
                    super().read_into(unreader, buf, stop)
        except (BlockingIOError, TimeoutError):
            words = f"The head of the request was not whole within {SILENCE_SECONDS} seconds."
            raise HeadRefused(408, words) from None
        except errors.NoMoreData:
            raise HeadRefused(400, "The request ended before its head did.") from None

    def parse_request_line(self, line_bytes: bytes) -> None:
        """Read method, address and version; UTF-8 in the address counts as percent-encoded."""
        super().parse_request_line(
            _not_ascii.sub(lambda byte: b"%%%02X" % ord(byte[0]), line_bytes)
        )

    def set_body_reader(self) -> None:
        """Choose the reader of the body by the headers."""
        super().set_body_reader()
        if isinstance(self.body.reader, ChunkedReader):
            self.body = Body(Chunks(self, self.unreader))

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> Any:
        """Return the headers; a wrong trailer is an error of the body, which the app reads."""
        try:
            return super().parse_headers(data, from_trailer)
        except errors.ParseException as error:
            if from_trailer:
                raise errors.ChunkMissingTerminator(b"") from error
            raise


class Heads(RequestParser):
    """gunicorn's parser of a connection, for `Head`."""

    mesg_class = Head


class Worker(ThreadWorker):
    """gunicorn's threaded worker as the service needs it.

    Silent clients have a time limit. No header becomes a name of WSGI's own. Requests that were
    sent without waiting for answers are answered one after the other.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_accept = float("inf")
        # Else SCRIPT_NAME and PATH_INFO of a proxy on this machine would move the routes.
        self.cfg.set("forwarder_headers", "")
        self.cfg.set("secure_scheme_headers", {})
        self.cfg.set("header_map", "drop")

    def handle(self, conn: Any) -> Any:
        """Answer a request of a connection."""
        limit = struct.pack("ll", SILENCE_SECONDS, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, limit)
        if conn.parser is None and not conn.cfg.is_ssl:
            conn.parser = Heads(conn.cfg, conn.sock, conn.client)
        kept = super().handle(conn)
        if kept is False:  # here, since gunicorn's own loop would wait for a client that stays
            util.close_graceful(conn.sock, LINGER_SECONDS)
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; return whether the connection may be used again."""
        try:
            return super().handle_request(req, conn)
        except (BlockingIOError, TimeoutError):
            self.log.info("A client did not take its answer within %d s.", SILENCE_SECONDS)
            return False

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Return whether the connection may be used again, once the body's rest is read.

        A client that is silent in it holds the thread a second; gunicorn would wait for five.
        """
        try:
            deadline = time.monotonic() + REST_SECONDS
            return keepalive and bool(conn.parser.finish_body(deadline=deadline))
        except (OSError, errors.ParseException):  # the body is not whole: the app has said so
            return False

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Close the connection or wait for its next request, unless that is there already."""
        kept = None if fs.cancelled() or fs.exception() else fs.result()
        if kept is False:  # `handle` has closed it
            self.nr_conns -= 1
            conn.close()
            return
        if kept is not True or not self.alive:
            super().finish_request(conn, fs)
            return
        unreader = conn.parser.unreader
        waiting = unreader.take_buffered().lstrip(b"\r\n")
        unreader.unread(waiting)
        if END_OF_HEAD in waiting:
            self.enqueue_req(conn)
        else:
            super().finish_request(conn, fs)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what is no request of HTTP, with a sentence in JSON."""
        status, words = refusal(exc, self.cfg)
        if status == 500:
            self.log.exception("The service failed to answer.")
        else:
            self.log.info("Refused a request of %s: %s", addr[0] if addr else "a socket", words)
        body = json.dumps({"error": words}).encode()
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\n"
            "Connection: close\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write_nonblock(client, head.encode() + body)
        except OSError:  # the client has gone
            self.log.debug("The client closed the connection before its refusal.")

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait a second at most; at its end, gunicorn waits graceful_timeout for idle clients."""
        super().wait_for_and_dispatch_events(min(timeout, 1.0))
        self._take_waiting()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end to wait for connections."""
        self._take_waiting()
        super().set_accept_enabled(enabled)

    def _take_waiting(self) -> None:
        """Accept who has connected, if this worker ends: the operating system would reset them."""
        if self.alive or time.monotonic() > self._last_accept:
            return
        self._last_accept = min(self._last_accept, time.monotonic() + LAST_SECONDS)
        before = -1
        while before < self.nr_conns < self.worker_connections:
            before = self.nr_conns
            for listener in self.sockets:
                self.accept(listener)


def refusal(error: BaseException, cfg: Any) -> tuple[int, str]:
    """Return the status and the sentence that answer what gunicorn could not read.

    The sentence repeats nothing of the request, which may hold a key.
    """
    if isinstance(error, HeadRefused):
        return error.status, str(error)
    if isinstance(error, errors.InvalidHeader) and error.hdr in NAMED:
        return 400, f"The header {error.hdr.title()} is wrong, or is there more than once."
    if isinstance(error, errors.LimitRequestLine):
        most = cfg.limit_request_line
        return 414, f"The address is longer than the {most:,} bytes that the first line may have."
    if isinstance(error, errors.LimitRequestHeaders):
        most, long = cfg.limit_request_fields, cfg.limit_request_field_size
        return 431, f"The headers are too many or too long: at most {most}, of {long:,} bytes each."
    for kind, status, words in KINDS:
        if isinstance(error, kind):
            return status, words
    return 500, "The service failed to answer; its log has the details."


KINDS: tuple[tuple[type[BaseException], int, str], ...] = (
    (
        errors.InvalidRequestLine,
        400,
        "The first line is not one of HTTP, as `GET /ready HTTP/1.1`.",
    ),
    (errors.InvalidRequestMethod, 400, "The method is not one of HTTP, as GET or POST."),
    (errors.InvalidHTTPVersion, 400, "The version of HTTP is not known here: HTTP/1.1 is."),
    (errors.InvalidHeaderName, 400, "The name of a header has a character that none may have."),
    (errors.InvalidHeader, 400, "A header is not of the form `name: value`, without controls."),
    (errors.ObsoleteFolding, 400, "A header goes on in the next line: put it into one."),
    (errors.ExpectationFailed, 417, "The header Expect may only ask for 100-continue."),
    (errors.UnsupportedTransferCoding, 501, "The header Transfer-Encoding may only be chunked."),
    (errors.ForbiddenProxyRequest, 403, "This proxy may not speak the PROXY protocol here."),
    (errors.ConfigurationProblem, 404, "There is nothing at this address: it lacks the prefix."),
    (errors.ParseException, 400, "The request is not valid HTTP."),
    (OSError, 400, "The connection did not speak TLS as it should."),
)
