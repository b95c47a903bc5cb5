"""Answer requests: read the rows, have a model answer them, log and count the answer."""

import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from seedling.config import Config, Project, Stage, stage
from seedling.config.serving import AS_GIVEN
from seedling.errors import NotFound, Unavailable
from seedling.registry import model_files
from seedling.serving import (
    loading,
    log_lines,
    log_texts,
    logs,
    model_info,
    protocols,
    run_features,
    selection,
    taken_over,
    unnamed,
)
from seedling.serving.bodies import refuse_too_many
from seedling.serving.drainer import Drainer
from seedling.serving.limits import TimeLimit
from seedling.serving.metrics import Metrics
from seedling.serving.models import RUN, Lineup, Models, Run, ServedModel
from seedling.serving.monitor import Telemetry, open_telemetry
from seedling.serving.prediction_log import PredictionLog
from seedling.serving.shadows import Shadows
from seedling.serving.stores import log_settings, open_store, spool_of
from seedling.serving.team_serve import TeamServe
from seedling.serving.watch import Watch

log = logging.getLogger(__name__)

STUCK = "Calls of the team's code do not return: this process can make no more of them."


class Service:
    """The models, prediction log and metrics of one process.

    Until `start`, it has no threads and no connections, so that workers can be forked from it.
    """

    def __init__(
        self, project: Project, environment: str | None = None, forking: bool = False
    ) -> None:
        """
        Args:
            project: its model.yaml names the models.
            environment: the value of the variable ENVIRONMENT, unless given.
            forking: whether workers are forked from this process. Models with compiled trees are
                then loaded at `start`, because onnxruntime does not survive a fork.
        """
        self.project = project
        self.fake = stage(project.model_yaml, environment) is Stage.APP_DEV
        self.models = Models()
        self.models.left_out = selection.left_out(project)
        self.time_limit = TimeLimit()
        self.telemetry: Telemetry | None = None
        self.team_serve = TeamServe(project, environment)
        config = selection.config(project, environment)
        self.log = None if self.fake else _prediction_log(project, config, environment)
        self.metrics = Metrics(self.log.waiting if self.log else lambda: 0)
        self._watch = Watch(project, config, environment)
        self._taken_over = taken_over.Note(project)
        self._loader = loading.Loader(project, environment)
        self._forking = forking
        self._arrangement = loading.Arrangement(config, {}, {}, {})
        self._remark = ""
        self._warned = False
        self._in_production = stage(config, environment) is Stage.PRODUCTION
        self._arrange(config)

    @property
    def config(self) -> Config:
        """Return model.yaml as this process serves it."""
        return self._arrangement.config

    @property
    def model_problems(self) -> Mapping[str, str]:
        """Return the error messages of models that are not served, by model."""
        return self._arrangement.problems

    @property
    def problems(self) -> dict[str, str]:
        """Return the error messages that keep it from being ready: of models, "run", "calls"."""
        found = dict(self.model_problems)
        if self.team_serve.problem:
            found["run"] = self.team_serve.problem
        if self.time_limit.exhausted:
            found["calls"] = STUCK
        return found

    @property
    def warnings(self) -> dict[str, str]:
        """Return the error messages of what does not keep the models from answering."""
        found = dict(self._arrangement.warnings)
        if self._watch.warning:
            found["model.yaml"] = self._watch.warning
        return found | self.team_serve.warnings

    def start(self, apart: bool = False) -> None:
        """Start threads and connections. Call it in the process that answers, after the fork.

        Args:
            apart: move the log to its store in another process, not in a thread.
        """
        if self._forking:
            self._forking = False
            self._arrange(self.config)
        if not self.fake:  # model.yaml may have changed since the master read it
            changed = self._watch.changed()
            if changed is not None:
                self._arrange(changed)
                log.info("model.yaml was read again: %s", self.roles())
        self._warm_up()
        if self.log:
            root = self.project.root
            self.log.start(Drainer(root, spool_of(self.project)) if apart else None)
        if not self.fake:
            self._watch.start(self._take_over, self._note)

    def open(self) -> None:
        """Load the team's Serve object and connect to the monitor, while the models answer."""
        self.team_serve.load(self.config, self.models)
        if self.telemetry is None:
            self.telemetry = open_telemetry(self.config)

    def stop(self) -> None:
        """Stop the threads; move what is logged to its store if that answers."""
        self._watch.stop()
        self._taken_over.remove()
        if self.log:
            self.log.stop()
        if self.telemetry:
            self.telemetry.stop()

    def model(self, name: str | None) -> ServedModel:
        """Return a served model by its name; for None, the best one.

        Raises:
            NotFound: there is no model of this name.
            Unavailable: it could not be loaded, and why.
        """
        if name is None:
            return self.models.best
        if name in self.models:
            return self.models[name]
        for problem in (name, "models"):
            if problem in self.model_problems:
                raise Unavailable(self.model_problems[problem])
        known = ", ".join(self.models) or "none"
        raise NotFound(f"There is no model {name!r} here; there are: {known}.")

    def predict(self, body: bytes, model: str) -> dict[str, Any]:
        """Return the answer of `/<model>/predict`: predictions, scores, labels, model, version."""
        served = self.model(model)
        lineup = served.lineup
        return self._answer(served, lineup, lineup.reader.body(body), "/predict")

    def score(self, body: bytes, model: str | None = None) -> dict[str, Any]:
        """Return the answer of `/score` to a body in any format of Azure ML's clients.

        An endpoint of Azure ML has one route: the body may name the `model` beside the rows.
        """
        served = self.model(model or protocols.named_model(body))
        lineup = served.lineup
        reader = lineup.reader
        columns = list(reader.columns.values())
        sent = protocols.score_rows(body, reader.names, columns, also=reader.beside)
        return self._answer(served, lineup, reader.instances(sent), "/score")

    def invocations(
        self, body: bytes, content_type: str | None, model: str | None = None
    ) -> dict[str, Any]:
        """Return the answer of `/invocations` to a body in any format of MLflow's clients."""
        served = self.model(model)
        lineup = served.lineup
        reader = lineup.reader
        columns = list(reader.columns.values())
        most = self._arrangement.config.serving.most_rows
        sent = protocols.rows(
            body, content_type, reader.names, columns, also=reader.beside, most_rows=most
        )
        return self._answer(served, lineup, reader.instances(sent), "/invocations")

    def run(self, user_inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of `/run`: an id, the inputs, and what the team's serve.py returned.

        The id is that of the record in the prediction log.
        """
        function = self.team_serve.function(self.config.serving.time_limit)
        run = Run(user_inputs)
        token = RUN.set(run)
        try:
            features, outputs = self.within_limit(function, user_inputs)
        finally:
            RUN.reset(token)
        answered = dict.fromkeys(name for name, _ in run.answered_by)
        asked = [self.models[name] for name in answered if name in self.models]
        columns = [each for model in asked for each in model.dataset.raw]
        features = run_features.typed(features, columns)
        id = str(uuid4())
        if self.log:
            datasets = [model.dataset for model in self.models.values()]
            kept, called = self.config.serving.logged_texts, (user_inputs, features, outputs)
            logged = log_texts.of_run(kept, called, run.answers, datasets)
            self._append(log_lines.run_line(*logged, run.answered_by, id), id)
        found = {"id": id, "user_inputs": user_inputs}
        return found | {"features": features, "outputs": outputs}

    def within_limit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that may take long; answer 503 once the time limit is over."""
        return self.time_limit.call(self.config.serving.time_limit, function, *arguments)

    def facts(self) -> list[model_info.ModelFacts]:
        """Return what the page and the OpenAPI document say about the served versions."""
        return model_info.facts(self.config, self._arrangement.lineups, self._unnamed().model)

    def roles(self) -> dict[str, Any]:
        """Return the champion of each model, and challengers, shadows and warnings if any."""
        found = model_info.roles(self.config, self._arrangement.lineups)
        return found | ({"warnings": self.warnings} if self.warnings else {})

    def mlflow_version(self) -> str:
        """Return the MLflow version that wrote the first model; empty where none is served."""
        for registered in self.config.models[:1]:
            return model_files.mlflow_version(self.project.model_path(registered))
        return ""

    def _answer(
        self, served: ServedModel, lineup: Lineup, rows: list[Any], route: str
    ) -> dict[str, Any]:
        """Return the model's answer to n rows, logged and counted."""
        serving = self._arrangement.config.serving
        refuse_too_many(len(rows), serving.most_rows)
        if lineup.plain:
            answer = self.within_limit(served.predict, lineup, rows)
        else:
            answer = served.predict(lineup, rows)
        if self.log:
            has_more = any(lineup.reader.has_more(row) for row in rows)
            features = lineup.reader.names if has_more else None
            by_row, id = lineup.champion.task.by_row, log_lines.new_id()
            kept = serving.logged_texts
            sent, shown = log_texts.of_answer(kept, lineup.champion, rows, answer)
            self._append(log_lines.answer_line(route, sent, features, shown, by_row, id), id)
        self._count(answer)
        return answer

    def _append(self, line: bytes, id: str) -> None:
        """Accept a line of the prediction log; its id goes out with the answer."""
        assert self.log is not None
        try:
            self.log.append(line)
            logs.PREDICTION_ID.set(id)
        except Unavailable:
            self.metrics.refused()
            raise

    def _count(self, answer: Mapping[str, Any]) -> None:
        predictions = answer["predictions"]
        if "versions" not in answer:
            self.metrics.predicted(answer["model"], answer["version"], predictions)
            return
        versions = answer["versions"]
        for version in dict.fromkeys(versions):
            pairs = zip(versions, predictions, strict=True)
            own = [prediction for answered_by, prediction in pairs if answered_by == version]
            self.metrics.predicted(answer["model"], version, own)

    def _take_over(self, config: Config) -> None:
        """Serve the versions and shares of a new model.yaml, without a restart."""
        self._arrange(config)
        log.info("model.yaml was read again: %s", self.roles())
        self._warm_up()
        if self.team_serve.is_missing:
            self.open()

    def _note(self, seen: tuple[int, ...]) -> None:
        """Note which versions answer, for the verbs that change them."""
        lineups = self._arrangement.lineups
        self._taken_over.write(
            seen, {name: lineup.champion.version for name, lineup in lineups.items()}
        )

    def _arrange(self, config: Config) -> None:
        """Load what model.yaml names and answer with it from now on."""
        before = self._arrangement
        loaded = self._loader.load(config, before_fork=self._forking)
        for name, problem in loaded.problems.items():
            if before.problems.get(name) != problem:  # a worker inherits what is logged already
                log.error("%s: %s", name, problem)
        for warning in loaded.warnings.values():
            log.warning("%s", warning)
        arrangement = loaded.after(before)
        trained = [model.name for model in arrangement.config.training.models]
        self._arrangement = arrangement
        self._warn_of_texts(arrangement)
        best = self._unnamed()
        if best.remark and best.remark != self._remark:  # a worker inherits what is logged already
            log.warning("%s", best.remark)
        self._remark = best.remark
        self.models.arrange(arrangement.lineups, trained, arrangement.problems, best.model)
        for name, lineup in arrangement.lineups.items():
            champion = lineup.champion
            self.metrics.add_model(name, champion.task.outcomes(champion.dataset.target))

    def _warn_of_texts(self, arrangement: loading.Arrangement) -> None:
        """Say where texts that a model redacts are kept as they were sent, in production."""
        served = [lineup.champion for lineup in arrangement.lineups.values()]
        redacting = any(version.task.copied for version in served)
        is_given = arrangement.config.serving.logged_texts == AS_GIVEN
        if redacting and is_given and self.log and not self._warned and self._in_production:
            self._warned = True
            log.warning(
                "The prediction log keeps texts as they are sent: `logged_texts: redacted` below "
                "serving in model.yaml keeps what is found in them out of it."
            )

    def _unnamed(self) -> unnamed.Choice:
        """Choose the model that answers where a request names none."""
        served = {name: lineup.champion for name, lineup in self._arrangement.lineups.items()}
        champions = {
            name: unnamed.Champion(
                version.dataset, version.measured.metrics, version.measured.lower_is_better
            )
            for name, version in served.items()
        }
        return unnamed.choose(self.config, champions)

    def _warm_up(self) -> None:
        arrangement = self._arrangement
        problems = {**arrangement.problems, **loading.warm_up(arrangement.lineups)}
        self._arrangement = arrangement._replace(problems=problems)


def _prediction_log(
    project: Project, config: Config, environment: str | None
) -> PredictionLog | None:
    settings = log_settings(config, environment)
    if settings is None:
        return None
    root, spool = project.root, spool_of(project)
    return PredictionLog(spool, lambda: open_store(root, settings), Shadows(project))
