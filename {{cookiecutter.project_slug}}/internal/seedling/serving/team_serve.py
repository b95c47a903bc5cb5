"""The team's Serve object of serve/serve.py, which answers /run."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

from seedling import team_code
from seedling.config import Config, Project
from seedling.errors import ProjectError, Unavailable
from seedling.serving.models import LeftOut, Models, NotRegistered

log = logging.getLogger(__name__)

LOADING = "serve/serve.py is still being loaded."


class TeamServe:
    """Loads the team's Serve object while the service answers its other routes.

    Attributes:
        problem: the error message while /run cannot answer, else "".
        warning: the error message if it asks a model that is not registered here, else "": /run
            does not answer then, and the models do.
    """

    def __init__(self, project: Project, fake: bool) -> None:
        """
        Args:
            project: the project whose serve/serve.py is loaded.
            fake: call `run_fake`, and connect to no feature store.
        """
        self.problem = LOADING
        self.warning = ""
        self._project = project
        self._fake = fake
        self._object: Any = None
        self._engine: Any = None
        self._refusal = ""  # why /run is not offered by this process
        self._tried = Event()

    @property
    def is_missing(self) -> bool:
        """Return whether `load` was called and could not make the object."""
        return self._tried.is_set() and self._object is None

    def load(self, config: Config, models: Models) -> None:
        """Make the Serve object. An error becomes the `problem` or the `warning`."""
        self.warning = ""
        self._object, self.problem = self._make(config, models)
        self._tried.set()

    def function(self, wait_seconds: float) -> Callable[..., Any]:
        """Return `run` of the Serve object; `run_fake` where answers are made up.

        Args:
            wait_seconds: how long to wait for the object while it is being loaded.

        Raises:
            Unavailable: it is not loaded, and why.
        """
        self._tried.wait(wait_seconds)
        if self._object is None:
            raise Unavailable(self.problem or self.warning or self._refusal or LOADING)
        function: Callable[..., Any] = self._object.run_fake if self._fake else self._object.run
        return function

    def _make(self, config: Config, models: Models) -> tuple[Any, str]:
        """Return the object, or None and the error message."""
        from seedling.data import feature_store  # half of the service's start-up time

        try:
            if self._engine is None and not self._fake:
                self._engine = feature_store.connect(self._project, read_only=True)
            made = team_code.serve_class()(
                config=config,
                sql_engine=self._engine,
                models=models,
                model_details=config.models,
                dataset_details=config.datasets,
            )
            return made, ""
        except LeftOut as error:  # the image of one model, while serve.py uses another
            self._refusal = f"/run is not for this service. {error}"
            log.info("%s", self._refusal)
            return None, ""
        except NotRegistered as error:
            self.warning = f"/run does not answer: serve/serve.py asks a missing model. {error}"
            log.warning("%s", self.warning)
            return None, ""
        except Unavailable as error:  # logged already, once for all workers, where the model is
            return None, str(error)
        except ProjectError as error:
            problem = str(error)
        except Exception:
            log.exception("serve/serve.py failed at start-up")
            problem = "serve/serve.py failed at start-up; the log has the details."
        log.error("run: %s", problem)
        return None, problem
