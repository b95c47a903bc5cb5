"""The prediction log: accepted in the request's thread, kept by a thread or process of its own."""

import logging
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread

from seedling.errors import Unavailable
from seedling.serving.drain import ADOPT_EVERY, Drain, Pauses, Shadows
from seedling.serving.drainer import Drainer
from seedling.serving.spool import Counter, Session
from seedling.serving.stores import Store

log = logging.getLogger(__name__)

LARGEST_SEGMENT = 16 * 1024 * 1024  # bytes
MOST_SEGMENTS = 60  # that wait for a drainer before they are made larger


class PredictionLog:
    """Keeps what the service answered, whatever happens to the process or the store.

    `append` returns once the line is in a file of this process's session; a daemon thread brings
    it into the store. A process that dies leaves its session to the others, or to the next start.
    Every process of a forking server gets a session and a thread of its own.
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
            folder: where the spool stands; made when missing.
            open_store: called in the thread, when there is something to keep.
            shadows: further versions, whose records are kept beside those of each line.
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
        """Accept a line of JSON; it outlives the process from here on.

        Raises:
            Unavailable: the spool's folder does not take it; nothing of it stays there.
        """
        data = line + b"\n"
        try:
            while not (self._session or self._begin()).append(data):
                pass  # the log was stopped meanwhile: what comes later gets another session
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(
                f"The prediction log cannot write to {self.folder} ({reason}): make room there, "
                "or let this service write there."
            ) from None

    def start(self, drainer: "Drainer | None" = None) -> None:
        """Let the thread run in this process, where it does not yet.

        Args:
            drainer: brings what is logged to the store instead of the thread, which would take
                turns with the requests.
        """
        with self._starting:
            self.drainer = drainer
            self._stopped = False
            self._run_thread()

    def stop(self, seconds: float = 5) -> None:
        """A last try to bring everything into the store; the rest stays on disk."""
        with self._starting:
            self._stopped = True
            thread, self._thread = self._thread, None
            self._drain.until = time.monotonic() + seconds
            self._wake.set()
        if thread is not None:
            thread.join(seconds)

    def waiting(self) -> int:
        """Accepted lines, one a request, of all processes that are not in the store yet."""
        with self._counting:
            return self._counter.lines()

    def drain(self) -> None:
        """One round: what this process accepted, and now and then what dead ones left.

        Raises:
            ProjectError: the store is away, or cannot be opened.
        """
        session = self._present()
        if session is not None:
            if self._pauses.failures and session.size <= LARGEST_SEGMENT:
                self._bring(session)  # the store must be back before there are more segments
            session.rotate()
            self._bring(session)
        if time.monotonic() >= self._adopt_at:
            self._drain.adopt(session.folder if session else None)
            self._adopt_at = time.monotonic() + ADOPT_EVERY

    def _bring(self, session: Session) -> None:
        for path in session.closed():
            self._drain.segment(path)

    def hand_over(self, drainer: "Drainer") -> None:
        """One round with a drainer: let it have what was accepted, and see that it lives."""
        session = self._present() or self._begin()
        if len(session.closed()) < MOST_SEGMENTS or session.size > LARGEST_SEGMENT:
            session.rotate()
        drainer.keep_alive()

    def _present(self) -> Session | None:
        """This process's session, if it has one."""
        session = self._session
        if session is not None and not session.folder.is_dir():
            log.warning("Somebody removed %s, and what was in it.", session.folder)
            session = self._session = None
        return session

    def _fresh(self) -> None:
        """The state of a process that has not accepted anything."""
        self._session = None
        self._thread = None
        self._stopped = False
        self._starting = Lock()
        self._wake = Event()
        self._drain = Drain(self.folder, self._open_store, self._shadows)
        self._pauses = Pauses(self.folder)
        self._adopt_at = 0.0

    def _forked(self) -> None:
        """In the child: session, thread and connections are the parent's and stay untouched."""
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
