"""Limit the time of the team's code, which nothing can interrupt once it runs."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from threading import BoundedSemaphore, Thread
from typing import Any

from seedling.errors import Unavailable

log = logging.getLogger(__name__)

MAX_CALLS = 8  # at a time: those that are waited for, and those that were given up


class TimeLimit:
    """Makes calls in threads of their own and stops waiting for those that take too long.

    A call that was given up goes on, and occupies one of MAX_CALLS places until it returns. When no
    place is left, the process can make no more calls: `on_exhausted` is called, so that the process
    can be replaced. The threads are daemons, so that they do not delay its end.
    """

    def __init__(self) -> None:
        self.on_exhausted: Callable[[], None] = lambda: None
        self._places = BoundedSemaphore(MAX_CALLS)
        self._reported = False

    @property
    def exhausted(self) -> bool:
        """Return whether no place is left."""
        if self._places.acquire(blocking=False):
            self._places.release()
            return False
        return True

    def call(self, seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the function; return its value, or raise its error.

        Raises:
            Unavailable: it did not return in time, or no place is left.
        """
        if not self._places.acquire(blocking=False):
            self._report_exhausted()
            raise Unavailable("Too many earlier calls have not returned yet; try again later.")
        self._reported = False
        outcome: Future[Any] = Future()
        work = (outcome, copy_context(), function, arguments)
        Thread(target=self._run, args=work, name="within-limit", daemon=True).start()
        try:
            return outcome.result(seconds)
        except TimeoutError:
            if outcome.done():  # raised by the function itself: a connection, a lock
                raise
            words = f"There was no answer within {seconds:g} seconds; try again."
            raise Unavailable(words) from None

    def _run(
        self,
        outcome: "Future[Any]",
        context: Context,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
    ) -> None:
        try:
            outcome.set_result(context.run(function, *arguments))
        except Exception as error:
            outcome.set_exception(error)
        except BaseException as error:  # SystemExit would end the process
            outcome.set_exception(RuntimeError(f"It raised {type(error).__name__}"))
        finally:
            self._places.release()

    def _report_exhausted(self) -> None:
        if not self._reported:
            self._reported = True
            log.error(
                "%d calls of the team's code have not returned: no more can be made.", MAX_CALLS
            )
            self.on_exhausted()
