"""What the service holds while it runs: verified models, the team's Serve object, the log."""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from seedling import team_code
from seedling.compiled import forms
from seedling.config import Config, Project, RegisteredModel
from seedling.data.example_rows import example
from seedling.data.scalars import as_json
from seedling.errors import NotFound, ProjectError, TooMuch, Unavailable
from seedling.registry import model_files
from seedling.serving import APP_DEV, assets, logs, models, protocols, selection
from seedling.serving.drainer import Drainer
from seedling.serving.inputs import Reader
from seedling.serving.limits import TimeLimit
from seedling.serving.metrics import Metrics
from seedling.serving.model_info import ModelFacts
from seedling.serving.models import RUN, LeftOut, Lineup, Models, Run, ServedModel, Version
from seedling.serving.monitor import Telemetry, open_telemetry
from seedling.serving.prediction_log import PredictionLog
from seedling.serving.shadows import WATCHED, Shadows
from seedling.serving.stores import log_settings, open_store, spool_of

log = logging.getLogger(__name__)

OF_LINE = ("model", "version", "versions")  # what a line of the log has of its own
LOADING = "serve/serve.py is still being loaded."
STUCK = "Calls of the team's code do not come back: this process can make no more of them."


def _plain(value: Any) -> Any:
    """What serve.py may answer with beside JSON's own types: numpy's numbers and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing that JSON can carry")


ENCODER = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")


class Service:
    """Loads everything once; what could not be loaded is kept as a problem, in words.

    Until `start`, there are no threads and no connections, so that workers can be forked from it.
    """

    def __init__(
        self, project: Project, environment: str | None = None, forking: bool = False
    ) -> None:
        """
        Args:
            project: whose model.yaml names the models.
            environment: what the variable ENVIRONMENT says, unless given.
            forking: whether workers are forked from here. onnxruntime does not outlive a fork, so
                the models that need it are loaded at `start`.
        """
        self.project = project
        self._forking = forking
        self.config: Config = selection.config(project)
        self.environment = environment if environment is not None else os.getenv("ENVIRONMENT", "")
        self.fake = self.environment == APP_DEV
        self.problems: dict[str, str] = {}
        self._seen: tuple[int, ...] = ()  # when model.yaml was changed, as this process knows
        self.models = Models()
        self.models.left_out = selection.left_out(project)
        self.outcomes: dict[str, Sequence[Any]] = {}  # of each model, what it chooses from
        self.warnings: dict[str, str] = {}
        self._objects: dict[str, ServedModel] = {}
        self._loaded: dict[tuple[str, str, str], Version] = {}
        self._absent: dict[tuple[str, str, str], str] = {}  # what stayed away, and why
        self._arrange(self.config)
        self._engine: Any = None
        self._serve: Any = None
        self._without_run = ""  # why nobody misses serve.py
        self._opened = threading.Event()
        self.log = self._open_log()
        self.routes: set[str] = set()
        self.metrics = Metrics(self._waiting, self.outcomes, self.routes)
        self.telemetry: Telemetry | None = None
        self.time_limit = TimeLimit()
        self._stopping = threading.Event()

    def start(self, apart: bool = False) -> None:
        """In the process that answers: warm up what must not be warm before a fork, and watch.

        Args:
            apart: let a process of its own bring the log to its store, and not a thread.
        """
        if self._forking:
            self._forking = False
            self._arrange(self.config)
        if not self.fake:
            self._read_again()  # this worker may take the place of one that knew more
        for served in self.models.values():
            self._warm(served)
        if self.log:
            root = self.project.root
            self.log.start(Drainer(root, spool_of(self.project)) if apart else None)
        if not self.fake:
            threading.Thread(target=self._watch, name="watch model.yaml", daemon=True).start()

    def open(self) -> None:
        """Make the team's Serve object, and reach the monitor: meanwhile the models answer."""
        self._serve = self._load_serve()
        self._opened.set()
        if self.telemetry is None:
            self.telemetry = open_telemetry(self.config)

    def stop(self) -> None:
        """Stop watching, and bring what is logged to its store if that answers."""
        self._stopping.set()
        if self.log:
            self.log.stop()
        if self.telemetry:
            self.telemetry.stop()

    def model(self, name: str | None) -> ServedModel:
        """A served model by its name; the first of model.yaml where none is named."""
        if name is None:
            name = next((entry.model for entry in self.config.models), None)
            name = name or self.config.training.models[0].name
        if name in self.models:
            return self.models[name]
        for problem in (name, "models"):
            if problem in self.problems:
                raise Unavailable(self.problems[problem])
        known = ", ".join(self.models) or "none"
        raise NotFound(f"There is no model {name!r} here; there are: {known}.")

    def predict(self, body: bytes, model: str) -> dict[str, Any]:
        """What the service's own route answers."""
        return self._answer(model, lambda reader: reader.body(body), "/predict")

    def score(self, body: bytes, model: str | None = None) -> dict[str, Any]:
        """What Azure ML's scoring script answers, in any of the shapes that it is sent.

        An endpoint of Azure ML has one route: the body may name the `model` beside the rows.
        """
        model = model or protocols.named_model(body)
        return self._read_by(partial(protocols.score_rows, body), model, "/score")

    def invocations(
        self, body: bytes, content_type: str | None, model: str | None = None
    ) -> dict[str, Any]:
        """What MLflow's scoring server answers."""
        return self._read_by(partial(protocols.rows, body, content_type), model, "/invocations")

    def run(self, user_inputs: Mapping[str, Any]) -> tuple[Any, Any]:
        """Features and outputs, as the team's serve.py answers."""
        self._opened.wait(self.config.serving.time_limit)
        if self._serve is None:
            raise Unavailable(self.problems.get("run") or self._without_run or LOADING)
        run = Run(user_inputs)
        token = RUN.set(run)
        try:
            function = self._serve.run_fake if self.fake else self._serve.run
            features, outputs = self.within_limit(function, user_inputs)
        finally:
            RUN.reset(token)
        features = as_json(features)
        if self.log:
            spoke = run.spoke or [("", "")]
            noted = {
                "route": "/run",
                "inputs": user_inputs,
                "row": features,
                "model": ",".join(dict.fromkeys(name for name, _ in spoke)),
                "version": ",".join(dict.fromkeys(version for _, version in spoke)),
            }
            self._append(noted, outputs)
        return features, outputs

    def facts(self) -> list[ModelFacts]:
        """What the page and the OpenAPI document tell of the versions that answer."""
        return [
            ModelFacts(
                name=name,
                version=version.version,
                description=version.registered.description,
                dataset=version.dataset,
                metrics=as_json(version.measured["metrics"]),
                holdout_rows=version.measured["holdout_rows"],
            )
            for name, served in self._in_order()
            for version in (served.lineup.champion, *(v for _, v in served.lineup.challengers))
        ]

    def _in_order(self) -> list[tuple[str, ServedModel]]:
        """The served models as model.yaml lists them: the first answers where none is named."""
        order = [entry.model for entry in self.config.models]
        return sorted(
            self.models.items(),
            key=lambda item: order.index(item[0]) if item[0] in order else len(order),
        )

    def mlflow_version(self) -> str:
        """The MLflow that wrote the first model; empty where nothing is served."""
        for registered in self.config.models[:1]:
            return model_files.mlflow_version(self.project.model_path(registered))
        return ""

    def waiting_for(self) -> dict[str, str]:
        """What keeps it from being ready, in words."""
        found = dict(self.problems)
        if not self._opened.is_set():
            found["run"] = LOADING
        if self.time_limit.exhausted:
            found["calls"] = STUCK
        return found

    def roles(self) -> dict[str, Any]:
        """Who answers: each model's champion, and the others where it has any."""
        lineups = {name: served.lineup for name, served in self.models.items()}
        challengers = {
            name: {version.version: version.registered.share for _, version in one.challengers}
            for name, one in lineups.items()
            if one.challengers
        }
        shadows: dict[str, list[str]] = {}
        for entry in self.config.models:
            if entry.shadow and entry.model in lineups:
                shadows.setdefault(entry.model, []).append(entry.version)
        roles = {"models": {name: one.champion.version for name, one in lineups.items()}}
        others = {"challengers": challengers, "shadows": shadows, "warnings": self.warnings}
        return roles | {name: found for name, found in others.items() if found}

    def within_limit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call what may take long, and answer 503 once the time limit is over."""
        return self.time_limit.call(self.config.serving.time_limit, function, *arguments)

    def _read_by(
        self, protocol: Callable[..., protocols.Rows], model: str | None, route: str
    ) -> dict[str, Any]:
        def read(reader: Reader) -> list[Any]:
            columns = list(reader.columns.values())
            return reader.instances(protocol(reader.names, columns, also=reader.key_names))

        return self._answer(model, read, route)

    def _answer(
        self, model: str | None, read: Callable[[Reader], list[Any]], route: str
    ) -> dict[str, Any]:
        """The answer for the rows that `read` finds with the model's reader, logged."""
        served = self.model(model)
        lineup = served.lineup
        rows = read(lineup.reader)
        if len(rows) > self.config.serving.most_rows:
            raise TooMuch(
                f"{len(rows):,} rows are more than the {self.config.serving.most_rows:,} that one "
                "request may ask for: send them in parts."
            )
        if lineup.plain:
            answer = self.within_limit(served.predict, lineup, rows)
        else:
            answer = served.predict(lineup, rows)
        if self.log:
            by_row = lineup.champion.task.by_row
            noted: dict[str, Any] = {"route": route, "rows": rows, "by_row": by_row}
            if any(lineup.reader.brings_more(row) for row in rows):
                noted["features"] = lineup.reader.names
            self._append(noted, answer)
        self._count(answer)
        return answer

    def _append(self, noted: dict[str, Any], outputs: Any) -> None:
        assert self.log is not None
        now = time.time_ns()
        line = {
            "id": f"{now:016x}{random.getrandbits(64):016x}",  # in time's order, as indexes like
            "request_id": logs.REQUEST_ID.get() or "",
            "time": now / 1e9,
            **noted,
            "outputs": outputs,
        }
        if "row" not in noted:
            line |= {name: outputs[name] for name in OF_LINE if name in outputs}
            line["outputs"] = {name: outputs[name] for name in outputs if name not in OF_LINE}
        try:
            self.log.append(ENCODER.encode(line))
        except Unavailable:
            self.metrics.refused()
            raise

    def _waiting(self) -> int:
        return self.log.waiting() if self.log else 0

    def _count(self, answer: Mapping[str, Any]) -> None:
        predictions = answer["predictions"]
        if "versions" not in answer:
            self.metrics.predicted(answer["model"], answer["version"], predictions)
            return
        for version in dict.fromkeys(answer["versions"]):
            pairs = zip(answer["versions"], predictions, strict=True)
            mine = [value for its, value in pairs if its == version]
            self.metrics.predicted(answer["model"], version, mine)

    def _arrange(self, config: Config) -> None:
        """Load the versions that model.yaml names, and let them answer from now on."""
        problems: dict[str, str] = {}
        lineups = models.fake(config) if self.fake else self._lineups(config, problems)
        if not self.fake and not config.models:
            problems["models"] = "No model is registered in model.yaml: run train."
        for name, lineup in lineups.items():
            # serve.py keeps the object that it was given: it stays the same for ever.
            served = self._objects.setdefault(name, ServedModel(name, lineup))
            served.lineup = lineup
            self.models[name] = served
        # A model that answers goes on where its new version cannot be loaded.
        for name in self.models.keys() - lineups.keys() - problems.keys():
            del self.models[name]
        for what, words in problems.items():
            if self.problems.get(what) != words:  # a worker knows what was told before the fork
                log.error("%s: %s", what, words)
        for name in self.models.keys() & problems.keys():
            self.warnings[name] = f"{problems.pop(name)} What answered before goes on."
        if "run" in self.problems:
            problems["run"] = self.problems["run"]
        self.problems = problems
        for name, served in self.models.items():
            task = served.lineup.champion.task
            self.outcomes[name] = task.outcomes(served.dataset.target)
        self.config = config

    def _lineups(self, config: Config, problems: dict[str, str]) -> dict[str, Lineup]:
        """Who answers for each model; one whose champion cannot be loaded is left out."""
        self.warnings = {}
        lineups = {}
        for name, versions in self._versions(config, problems).items():
            champion = next((each for each in versions if each.registered.is_champion), None)
            if champion:
                fitting = [version for version in versions if self._fits(version, champion)]
                lineups[name] = models.lineup(champion, fitting)
        return lineups

    def _fits(self, version: Version, champion: Version) -> bool:
        """Whether a version can answer in the champion's place; a warning says why not."""
        fits = models.same_question(version, champion)
        if not fits:
            self._warn(
                version.registered,
                f"Version {version.version} of {version.registered.model} has other features, or "
                f"another target, than version {champion.version}: it cannot share its requests.",
            )
        return fits

    def _versions(self, config: Config, problems: dict[str, str]) -> dict[str, list[Version]]:
        """The versions of each model that can be loaded."""
        loaded: dict[tuple[str, str, str], Version] = {}
        found: dict[str, list[Version]] = {}
        for registered in (entry for entry in config.models if not entry.shadow):
            key = (registered.name, registered.version, registered.sha256)
            version = self._loaded.get(key) or self._load(registered, problems)
            if version is not None:
                version.registered = registered
                loaded[key] = version
                found.setdefault(registered.model, []).append(version)
        self._loaded = loaded
        return found

    def _load(self, registered: RegisteredModel, problems: dict[str, str]) -> Version | None:
        try:
            self._bring(registered)
            if self._forking and forms.has_trees(self.project.model_path(registered)):
                return None
            return models.load(self.project, registered)
        except ProjectError as error:
            words = str(error)
        except Exception:
            log.exception("The model %s was not loaded", registered.model)
            words = f"The model {registered.model} does not load; the log tells more."
        if registered.is_champion:
            problems[registered.model] = words
        else:
            self._warn(registered, words)
        return None

    def _bring(self, registered: RegisteredModel) -> None:
        """Have the version's files on this machine; no worker tries again what failed before."""
        key = (registered.name, registered.version, registered.sha256)
        if key in self._absent:
            raise ProjectError(self._absent[key])
        try:
            assets.bring(self.project, registered, self.environment)
        except ProjectError as error:
            self._absent[key] = str(error)
            raise

    def _warn(self, challenger: RegisteredModel, words: str) -> None:
        """Tell of a challenger in whose place the champion answers."""
        self.warnings[f"{challenger.model}, version {challenger.version}"] = words
        log.warning("%s", words)

    def _warm(self, served: ServedModel) -> None:
        """A first answer of what scikit-learn answers: its threads must not be there at a fork."""
        lineup = served.lineup
        for version in (lineup.champion, *(v for _, v in lineup.challengers)):
            try:
                usual = example(version.dataset.features)
                version.answer([models.as_values(usual, version.dataset)])
            except Exception:
                log.exception("The model %s, version %s, fails", served.name, version.version)
                self.problems[served.name] = (
                    f"The model {served.name} does not answer; the log tells more."
                )

    def _watch(self) -> None:
        """Take over what changes in model.yaml: versions and their shares, without a restart."""
        while not self._stopping.wait(WATCHED):
            if not self._read_again():
                continue
            for served in self.models.values():
                self._warm(served)
            if self._serve is None and self._opened.is_set():
                self.open()

    def _read_again(self) -> bool:
        """Take over model.yaml where it is another than what this process holds."""
        now = selection.seen(self.project)
        if now == self._seen:
            return False
        self._seen = now
        try:
            config = selection.config(Project(self.project.root))
            if config == self.config:
                self.warnings.pop("model.yaml", None)
                return False
            self._arrange(config)
        except ProjectError as error:
            log.error("model.yaml was changed, but the service goes on as before: %s", error)
            self.warnings["model.yaml"] = f"{error} The service goes on as before."
            return False
        log.info("model.yaml was read again: %s", self.roles())
        return True

    def _load_serve(self) -> Any:
        from seedling.data import feature_store  # half of what the service takes to start

        self.problems.pop("run", None)
        try:
            if self._engine is None and not self.fake:
                self._engine = feature_store.connect(self.project, read_only=True)
            return team_code.serve_class()(
                config=self.config,
                sql_engine=self._engine,
                models=self.models,
                model_details=self.config.models,
                dataset_details=self.config.datasets,
            )
        except LeftOut as error:  # the image of one model: serve.py asks for another
            self._without_run = f"/run is not for this service. {error}"
            log.info("%s", self._without_run)
        except ProjectError as error:
            self._problem("run", str(error))
        except Exception:
            log.exception("serve/serve.py failed at start-up")
            self._problem("run", "serve/serve.py failed at start-up; the log tells more.")
        return None

    def _problem(self, what: str, words: str) -> None:
        log.error("%s: %s", what, words)
        self.problems[what] = words

    def _open_log(self) -> PredictionLog | None:
        settings = None if self.fake else log_settings(self.config)
        if settings is None:
            return None
        root, spool = self.project.root, spool_of(self.project)
        return PredictionLog(spool, lambda: open_store(root, settings), Shadows(self.project))
