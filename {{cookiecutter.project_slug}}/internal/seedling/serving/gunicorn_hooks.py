"""The hooks of gunicorn, as gunicorn.conf.py names them: settings, workers, metrics, logs."""

import atexit
import ctypes
import os
import shutil
import socket
import struct
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from gunicorn.glogging import Logger

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.masking import mask_output
from seedling.serving import logs
from seedling.serving.access import Access
from seedling.serving.gunicorn_worker import Worker  # noqa: F401 - gunicorn.conf.py names it here
from seedling.serving.memory import return_large_blocks
from seedling.settings import LOG_FORMAT, LOG_LEVEL

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SO_ATTACH_FILTER = 26  # of Linux's asm-generic/socket.h; Python has no name for it
# A classic BPF program (code, jumps if true and false, operand) on a segment of TCP: it drops those
# whose flags, byte 13, have SYN without ACK, which is how a connection begins.
NO_SYN = [
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte
        (0x54, 0, 0, 0x12),  # keep SYN and ACK
        (0x15, 0, 1, 0x02),  # if that is SYN alone
        (0x06, 0, 0, 0),  # drop it
        (0x06, 0, 0, 0xFFFFFFFF),  # else let all of it through
    )
]
_made: dict[int, Path] = {}  # the folder of the metrics, by the process id of its master


def load_settings() -> None:
    """Read .env; exit with one line if a setting is wrong."""
    mask_output()
    try:
        Project.find()
        LOG_LEVEL.get()
        LOG_FORMAT.get()
        Access.from_environment(os.environ)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


def app() -> Any:
    """Return the app for workers to be forked; exit with one line if it cannot be made."""
    from seedling.serving.app import create_app  # after share_metrics: imports prometheus_client

    try:
        return create_app(start=False)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


def share_metrics() -> None:
    """Let the workers count into files of one folder, which any worker adds up.

    prometheus_client reads the variable when it is imported, and gunicorn loads a preloaded app
    before it calls `on_starting`: therefore gunicorn.conf.py calls this itself. Reading that file
    again (SIGHUP) changes nothing; a new master (SIGUSR2) gets a folder of its own.
    """
    if os.getpid() not in _made:
        folder = Path(tempfile.mkdtemp(prefix="metrics-"))
        _made[os.getpid()] = folder
        os.environ[FOLDER] = str(folder)
        atexit.register(_remove)  # gunicorn calls no on_exit when the app cannot be loaded


def on_starting(server: Any) -> None:
    """Exit if other machines could call without a key."""
    hosts = [bind if isinstance(bind, str) else str(bind[0]) for bind in server.cfg.address]
    try:
        Access.from_environment(os.environ).refuse_exposed(hosts)
    except ProjectError as error:
        sys.exit(f"Error: {error}")
    stop = server.stop

    def end(graceful: bool = True) -> None:
        """Close the queue of connections; the workers accept those in it (see gunicorn_worker).

        It stays open where another master answers on the same sockets, as after SIGUSR2, or where
        they are systemd's, which starts the next service on them.
        """
        is_last = server.reexec_pid == server.master_pid == 0 and not server.systemd
        for listener in server.LISTENERS if is_last else ():
            close_queue(listener.sock)
        stop(graceful)

    server.stop = end


def close_queue(listener: socket.socket) -> None:
    """Let no further connection into the queue of a listening socket; those in it stay there.

    With an empty backlog alone, Linux lets in as many as begin at the same moment.
    """
    listener.listen(0)
    if sys.platform == "linux" and listener.family in (socket.AF_INET, socket.AF_INET6):
        instructions = ctypes.create_string_buffer(b"".join(NO_SYN))
        program = struct.pack("HP", len(NO_SYN), ctypes.addressof(instructions))
        with suppress(OSError):  # a sandbox that has no such filters
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def post_worker_init(worker: Any) -> None:
    """Start threads and connections, which belong to the worker that uses them."""
    return_large_blocks()
    service = _service(worker)
    if service:
        service.time_limit.on_exhausted = lambda: setattr(worker, "alive", False)
        service.start(apart=True)
        Thread(target=service.open, name="open serve.py", daemon=True).start()


def worker_exit(server: Any, worker: Any) -> None:
    """Stop the service after its last answer, and store what was logged."""
    service = _service(worker)
    if service:
        service.stop()


def child_exit(server: Any, worker: Any) -> None:
    """Remove the gauges of a worker that has ended; its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    """Remove the folder of the metrics."""
    _remove()


def _service(worker: Any) -> Any:
    """Return the worker's service; None if its app could not be loaded, or is another app."""
    app = getattr(worker, "wsgi", None)
    return getattr(app, "extensions", {}).get("service")


def _remove() -> None:
    """Remove the folder, if this process made it: workers inherit the atexit function."""
    folder = _made.pop(os.getpid(), None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


class JsonLogger(Logger):
    """The logger of gunicorn, with the format of all other log lines.

    `logconfig_dict` could set it too, but then gunicorn prepares an access log for every request.
    """

    def setup(self, cfg: Any) -> None:
        """Configure gunicorn's loggers, then the root logger."""
        super().setup(cfg)
        logs.configure(self.loglevel)

    def _set_handler(self, log: Any, output: Any, fmt: Any, stream: Any = None) -> None:
        super()._set_handler(log, output, logs.formatter(), stream)
