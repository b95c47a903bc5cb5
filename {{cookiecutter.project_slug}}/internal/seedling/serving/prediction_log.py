"""The prediction log: lines are accepted in the request's thread, and stored in the background."""

import logging
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread

from seedling.errors import Unavailable
from seedling.serving.drain import ADOPT_SECONDS, Drain, Pauses, Shadows
from seedling.serving.drainer import Drainer
from seedling.serving.spool import Counter, Session
from seedling.serving.stores import Store

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES = 16 * 1024 * 1024
MAX_SEGMENTS = 60  # sealed; the next ones grow to MAX_SEGMENT_BYTES


class PredictionLog:
    """Keeps the answers of the service, even if the process is killed or the store is down.

    `append` returns once the line is in a file of this process's session; a daemon thread, or the
    drainer, adds it to the store. The session of a process that was killed is adopted by another
    process, or at the next start. Each forked process has its own session and thread.
    """

    _session: Session | None
    _thread: Thread | None
    _starting: Lock
    _wake: Event
    _drain: Drain
    _stopped: bool
    _pauses: Pauses
    _adopt_at: float

    def __init__(
        self, folder: Path, open_store: Callable[[], Store], shadows: Shadows | None = None
    ) -> None:
        """
        Args:
            folder: the folder of the spool; created if missing.
            open_store: opens the store. Called in the thread, at the first record.
            shadows: the versions whose records are added beside those of each line.
        """
        self.folder = folder
        self.drainer: Drainer | None = None
        self._open_store, self._shadows = open_store, shadows
        self._counter = Counter(folder)
        self._counting = Lock()
        self._inherited: list[object] = []
        self._fresh()
        _logs.add(self)

    def append(self, line: bytes) -> None:
        """Write a line of JSON to the spool. Once it returns, a kill does not lose the line.

        Raises:
            Unavailable: the folder of the spool cannot be written; no part of the line is kept.
        """
        data = line + b"\n"
        try:
            while not (self._session or self._begin()).append(data):
                pass  # the log was stopped meanwhile, and its session closed: begin another
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(
                f"The prediction log cannot write to {self.folder} ({reason}): make room there, "
                "or let this service write there."
            ) from None

    def start(self, drainer: "Drainer | None" = None) -> None:
        """Start the thread in this process, unless it runs.

        Args:
            drainer: the process that adds records to the store. Without one the thread does it,
                and competes with the requests for the interpreter.
        """
        with self._starting:
            self.drainer = drainer
            self._stopped = False
            self._run_thread()

    def stop(self, seconds: float = 5) -> None:
        """Try to store everything, for some seconds at most; the rest stays on disk."""
        with self._starting:
            self._stopped = True
            thread, self._thread = self._thread, None
            self._drain.until = time.monotonic() + seconds
            self._wake.set()
        if thread is not None:
            thread.join(seconds)

    def waiting(self) -> int:
        """Return the number of lines of all processes, one a request, that are not stored yet."""
        with self._counting:
            return self._counter.lines()

    def drain(self) -> None:
        """Store this process's lines; every ADOPT_SECONDS, also those of dead processes.

        Raises:
            ProjectError: the store does not answer, or cannot be opened.
        """
        session = self._present()
        if session is not None:
            if self._pauses.failures and session.size <= MAX_SEGMENT_BYTES:
                self._store_sealed(session)  # no more segments until the store answers
            session.rotate()
            self._store_sealed(session)
        if time.monotonic() >= self._adopt_at:
            self._drain.adopt(session.folder if session else None)
            self._adopt_at = time.monotonic() + ADOPT_SECONDS

    def _store_sealed(self, session: Session) -> None:
        for path in session.closed():
            self._drain.segment(path)

    def hand_over(self, drainer: "Drainer") -> None:
        """Seal what was accepted, for the drainer to store, and keep the drainer alive."""
        session = self._present() or self._begin()
        if len(session.closed()) < MAX_SEGMENTS or session.size > MAX_SEGMENT_BYTES:
            session.rotate()
        drainer.keep_alive()

    def _present(self) -> Session | None:
        """Return this process's session, if it has one and its folder is still there."""
        session = self._session
        if session is not None and not session.folder.is_dir():
            log.warning("%s was deleted while in use; its records are lost.", session.folder)
            session = self._session = None
        return session

    def _fresh(self) -> None:
        """Set the state of a process that has not accepted a line."""
        self._session = None
        self._thread = None
        self._stopped = False
        self._starting = Lock()
        self._wake = Event()
        self._drain = Drain(self.folder, self._open_store, self._shadows)
        self._pauses = Pauses(self.folder)
        self._adopt_at = 0.0

    def _forked(self) -> None:
        """Reset the state in a forked child: session, thread and connections are the parent's."""
        if self._session is not None:
            self._session.forsake()
        self._inherited += [self._session, self._drain]
        self._counting = Lock()
        self._fresh()

    def _begin(self) -> Session:
        with self._starting:
            if self._session is None:
                self._session = Session(self.folder)
                if not self._stopped:
                    self._run_thread()
            return self._session

    def _run_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._wake = Event()
            self._drain.until = float("inf")
            self._thread = Thread(
                target=self._run, args=(self._wake,), name="prediction-log", daemon=True
            )
            self._thread.start()

    def _run(self, wake: Event) -> None:
        pause = 0.0
        while not wake.wait(pause):
            pause = self._round()
        self._round()
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def _round(self) -> float:
        """Drain, or let the drainer do it; return the seconds to the next round."""
        try:
            if self.drainer is not None and not self._stopped:
                self.hand_over(self.drainer)
            else:
                self.drain()
        except Exception as error:
            return self._pauses.after(error)
        return self._pauses.after_success()


_logs: "weakref.WeakSet[PredictionLog]" = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_logs):
        each._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
