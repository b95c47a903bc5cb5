"""What gunicorn calls, for metrics and logs: its configuration names these."""

import atexit
import os
import shutil
import socket
import struct
import sys
import tempfile
from pathlib import Path
from threading import Thread
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.serving import logs
from seedling.serving.access import Access

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SILENCE = 10  # seconds that a client may leave a request half sent, or an answer unread
_made: dict[int, Path] = {}  # the folder that a master made, by its process id


def load_settings() -> None:
    """Read .env; end with one line where a setting cannot be meant."""
    try:
        Project.find()
        Access.from_environment(os.environ)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


def app() -> Any:
    """The service for workers that are forked; ends with one line where it cannot be made."""
    from seedling.serving.app import create_app  # imports prometheus_client: see share_metrics

    try:
        return create_app(start=False)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


def share_metrics() -> None:
    """Have the workers count into files of one folder, which any of them sums up.

    gunicorn loads a preloaded app before it calls `on_starting`, and prometheus_client looks at
    the variable when it is imported: the configuration file calls this as it is read. Reading it
    again (SIGHUP) changes nothing; a new master (SIGUSR2) gets a folder of its own.
    """
    if os.getpid() not in _made:
        folder = Path(tempfile.mkdtemp(prefix="metrics-"))
        _made[os.getpid()] = folder
        os.environ[FOLDER] = str(folder)
        atexit.register(_remove)  # an app that cannot be loaded ends gunicorn without on_exit


def on_starting(server: Any) -> None:
    """Refuse to listen where others than this machine could call without a key."""
    hosts = [bind if isinstance(bind, str) else str(bind[0]) for bind in server.cfg.address]
    try:
        Access.from_environment(os.environ).refuse_exposed(hosts)
    except ProjectError as error:
        sys.exit(f"Error: {error}")


def post_worker_init(worker: Any) -> None:
    """Threads and connections belong to the worker that uses them."""
    service = _service(worker)
    if service:
        service.time_limit.on_exhausted = lambda: setattr(worker, "alive", False)
        service.start(apart=True)
        Thread(target=service.open, name="open serve.py", daemon=True).start()


def worker_exit(server: Any, worker: Any) -> None:
    """The requests in flight have been answered: what they logged goes to its store."""
    service = _service(worker)
    if service:
        service.stop()


def child_exit(server: Any, worker: Any) -> None:
    """A worker has ended, killed or not: its counts stay, its gauges go."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    _remove()


def _service(worker: Any) -> Any:
    """None where the app could not be loaded, or is another."""
    app = getattr(worker, "wsgi", None)
    return getattr(app, "extensions", {}).get("service")


def _remove() -> None:
    """Remove the folder, if this is the master: its workers inherit what it registered."""
    folder = _made.pop(os.getpid(), None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


class Worker(ThreadWorker):
    """gunicorn's threads, none of which a silent client holds for ever."""

    def handle(self, conn: Any) -> Any:
        limit = struct.pack("ll", SILENCE, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, limit)
        return super().handle(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """At the end, gunicorn itself would wait its whole graceful_timeout for an idle client."""
        super().wait_for_and_dispatch_events(min(timeout, 1.0))


class JsonLogger(Logger):
    """gunicorn's own lines in the form of all others.

    Not through `logconfig_dict`, with which gunicorn prepares an access log for every request.
    """

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logs.configure(self.loglevel)

    def _set_handler(self, log: Any, output: Any, fmt: Any, stream: Any = None) -> None:
        super()._set_handler(log, output, logs.formatter(), stream)
