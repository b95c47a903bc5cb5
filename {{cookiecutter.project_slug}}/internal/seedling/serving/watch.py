"""Watch model.yaml, and what this machine registers, while the service runs."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from seedling.config import Config, Project
from seedling.errors import ProjectError
from seedling.serving import selection

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.25  # between two looks at the files: a rollback waits for one


class Watch:
    """Reads model.yaml and this machine's registrations again when one of them has changed.

    Attributes:
        warning: the error message while they cannot be read, else "".
    """

    def __init__(self, project: Project, config: Config, environment: str | None = None) -> None:
        """
        Args:
            project: its model.yaml and its file of registrations are watched.
            config: their content as the service knows it.
            environment: the value of ENVIRONMENT, unless given.
        """
        self.warning = ""
        self._project = project
        self._config = config
        self._environment = environment
        self._modified: tuple[int, ...] = ()
        self._stopping = Event()

    def changed(self) -> Config | None:
        """Return the content of the files; None if it is as before, or is faulty."""
        modified = selection.modified(self._project)
        if modified == self._modified:
            return None
        self._modified = modified
        try:
            config = selection.config(Project(self._project.root), self._environment)
        except ProjectError as error:
            log.error("A change is not taken over, the service goes on as before: %s", error)
            self.warning = f"{error} The service goes on as before."
            return None
        self.warning = ""
        if config == self._config:
            return None
        self._config = config
        return config

    def start(
        self, take_over: Callable[[Config], None], note: Callable[[tuple[int, ...]], None]
    ) -> None:
        """Start a thread that looks for changes of the files.

        Args:
            take_over: called with each new content of them.
            note: called with the times of their last change, once that is taken over.
        """

        def run() -> None:
            noted: tuple[int, ...] = ()
            while True:
                if self._modified != noted:
                    noted = self._modified
                    note(noted)
                if self._stopping.wait(WATCH_SECONDS):
                    return
                config = self.changed()
                if config is not None:
                    take_over(config)

        Thread(target=run, name="watch the files", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end at its next look."""
        self._stopping.set()
