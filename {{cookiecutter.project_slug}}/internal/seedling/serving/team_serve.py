"""The team's Serve object of serve/serve.py, which answers /run."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

from seedling import team_code
from seedling.config import Config, NamedDataset, Project, Stage, stage
from seedling.errors import ProjectError, Unavailable
from seedling.serving import assets
from seedling.serving.models import LeftOut, Models, NotRegistered

log = logging.getLogger(__name__)

LOADING = "serve/serve.py is still being loaded."


class TeamServe:
    """Loads the team's Serve object while the service answers its other routes.

    Attributes:
        problem: the error message while /run cannot answer, else "".
        warnings: error messages of what does not keep the models from answering: `run` if it asks
            a model that is not registered here, so that /run does not answer; `datasets` if
            the file of one is not here.
    """

    def __init__(self, project: Project, environment: str | None = None) -> None:
        """
        Args:
            project: the project whose serve/serve.py is loaded.
            environment: the value of ENVIRONMENT, unless given. For app-dev, `run_fake` is called,
                and no feature store connected to.
        """
        self.problem = LOADING
        self.warnings: dict[str, str] = {}
        self._project = project
        self._environment = environment
        self._fake = stage(project.model_yaml, environment) is Stage.APP_DEV
        self._object: Any = None
        self._engine: Any = None
        self._refusal = ""  # why /run is not offered by this process
        self._tried = Event()

    @property
    def is_missing(self) -> bool:
        """Return whether `load` was called and could not make the object."""
        return self._tried.is_set() and self._object is None

    def load(self, config: Config, models: Models) -> None:
        """Make the Serve object. An error becomes the `problem` or one of the `warnings`."""
        self.warnings = {}
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
            raise Unavailable(self.problem or self.warnings.get("run") or self._refusal or LOADING)
        function: Callable[..., Any] = self._object.run_fake if self._fake else self._object.run
        return function

    def _datasets(self, config: Config) -> list[NamedDataset]:
        """Return the datasets with the folders of their files; warn of those that are not there."""
        found, warnings = assets.datasets(self._project, config, self._environment)
        for words in warnings:
            log.warning("%s", words)
            self.warnings["datasets"] = " ".join(warnings)
        return found

    def _make(self, config: Config, models: Models) -> tuple[Any, str]:
        """Return the object, or None and the error message."""
        from seedling.data import feature_store  # half of the service's start-up time

        try:
            if self._engine is None and not self._fake:
                self._engine = feature_store.connect(self._project, read_only=True)
            details = config.named_datasets if self._fake else self._datasets(config)
            made = team_code.serve_class()(
                config=config,
                sql_engine=self._engine,
                models=models,
                model_details=config.models,
                dataset_details=details,
            )
            return made, ""
        except LeftOut as error:  # the image of one model, while serve.py uses another
            self._refusal = f"/run is not for this service. {error}"
            log.info("%s", self._refusal)
            return None, ""
        except NotRegistered as error:
            words = f"/run does not answer: serve/serve.py asks a missing model. {error}"
            self.warnings["run"] = words
            log.warning("%s", words)
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
