"""What the service holds while it runs: verified models and the team's Serve object."""

import logging
import os
from collections.abc import Mapping
from typing import Any

import pandas as pd

from .. import feature_store, model_files, team
from ..config import Config, Dataset, Project
from ..errors import NotFound, ProjectError, Unavailable
from ..schema import as_json, example, plain
from . import APP_DEV
from .inputs import Reader

log = logging.getLogger(__name__)


class ServedModel:
    """A registered model as serve.py and the routes use it."""

    def __init__(self, predictor: model_files.Predictor) -> None:
        self.name = predictor.name
        self.version = predictor.version
        self.dataset = predictor.dataset
        self._predictor = predictor
        self._reader = Reader(predictor.dataset)

    def features(self, user_inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The features among what a caller sent; raises InputError naming a wrong one."""
        return self._reader.features(user_inputs)

    def instances(self, value: Any) -> list[dict[str, Any]]:
        return self._reader.instances(value)

    def answer(self, rows: pd.DataFrame | list[dict[str, Any]] | dict[str, Any]) -> dict[str, Any]:
        """Predictions for n rows, as JSON can carry them, with the model's name and version."""
        if isinstance(rows, Mapping):
            rows = [dict(rows)]
        table = pd.DataFrame(rows, columns=self.dataset.feature_names)
        found = self._predictor.answer(table) if len(table) else {}
        return shaped(found, self.dataset, self.name, self.version)


class FakeModel(ServedModel):
    """Answers in the real shape with nothing loaded: what app developers write against."""

    def __init__(self, name: str, dataset: Dataset) -> None:
        self.name, self.version, self.dataset = name, "fake", dataset
        self._reader = Reader(dataset)

    def answer(self, rows: pd.DataFrame | list[dict[str, Any]] | dict[str, Any]) -> dict[str, Any]:
        count = 1 if isinstance(rows, Mapping) else len(rows)
        labels = self.dataset.target.labels
        share = 1 / len(labels) if labels else 0.0
        found = {
            "predictions": [labels[0] if labels else 0.0] * count,
            "scores": [[share] * len(labels)] * count if labels else [],
            "labels": labels,
        }
        return shaped(found, self.dataset, self.name, self.version)


def shaped(found: Mapping[str, Any], dataset: Dataset, name: str, version: str) -> dict[str, Any]:
    """The answer's JSON: `predictions`, `scores` (a row each), `labels`, `model`, `version`."""
    return {
        "predictions": [plain(value) for value in found.get("predictions", [])],
        "scores": [[plain(value) for value in row] for row in found.get("scores", [])],
        "labels": [plain(value) for value in found.get("labels", dataset.target.labels)],
        "model": name,
        "version": version,
    }


class Models(dict[str, ServedModel]):
    """The served models; asking for another says that it is not served, not a KeyError."""

    def __missing__(self, name: str) -> ServedModel:
        raise Unavailable(f"The model {name} is not served: /ready tells why.")


class Service:
    """Loads everything once; what could not be loaded is kept as a problem, in words."""

    def __init__(self, project: Project, environment: str | None = None) -> None:
        self.config: Config = project.config
        self.environment = environment if environment is not None else os.getenv("ENVIRONMENT", "")
        self.fake = self.environment == APP_DEV
        self.problems: dict[str, str] = {}
        self.models = Models()
        self._load_models(project)
        self._serve = self._load_serve(project)

    def model(self, name: str) -> ServedModel:
        if name in self.models:
            return self.models[name]
        if name in self.problems:
            raise Unavailable(self.problems[name])
        known = ", ".join(self.models) or "none"
        raise NotFound(f"There is no model {name!r} here; there are: {known}.")

    def run(self, user_inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Features and outputs, as the team's serve.py answers."""
        if self._serve is None:
            raise Unavailable(self.problems["run"])
        features, outputs = (self._serve.run_fake if self.fake else self._serve.run)(user_inputs)
        return as_json(features), outputs

    def _load_models(self, project: Project) -> None:
        if self.fake:
            for trained in self.config.training.models:
                dataset = self.config.dataset(trained.dataset)
                self.models[trained.name] = FakeModel(trained.name, dataset)
            return
        for registered in self.config.models:
            name, folder = registered.model, project.model_path(registered)
            try:
                predictor = model_files.load(name, registered.version, folder, registered.sha256)
                model = ServedModel(predictor)
                model.answer(example(model.dataset.features))
            except ProjectError as error:
                self._problem(name, str(error))
            except Exception:
                log.exception("The model %s was not loaded", name)
                self._problem(name, f"The model {name} does not answer; the log tells more.")
            else:
                self.models[name] = model
        if not self.config.models:
            self._problem("models", "No model is registered in model.yaml: run train.")

    def _load_serve(self, project: Project) -> Any:
        try:
            engine = None if self.fake else feature_store.connect(project, read_only=True)
            return team.serve_class()(
                config=self.config,
                sql_engine=engine,
                models=self.models,
                model_details=self.config.models,
                dataset_details=self.config.datasets,
            )
        except ProjectError as error:
            self._problem("run", str(error))
        except Exception:
            log.exception("serve/serve.py failed at start-up")
            self._problem("run", "serve/serve.py failed at start-up; the log tells more.")
        return None

    def _problem(self, what: str, words: str) -> None:
        log.error("%s: %s", what, words)
        self.problems[what] = words
