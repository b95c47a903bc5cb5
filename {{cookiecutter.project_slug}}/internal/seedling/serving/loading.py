"""Load the model versions that model.yaml names, and arrange them in a line-up for each model."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from seedling.compiled import forms
from seedling.config import Config, Project, RegisteredModel, Stage, stage
from seedling.data.example_rows import example
from seedling.errors import ProjectError
from seedling.serving import assets, models, selection
from seedling.serving.models import Lineup, Version

log = logging.getLogger(__name__)

Key = tuple[str, str, str]  # name, version and hash of a registered version


class Arrangement(NamedTuple):
    """The versions that a process serves by one model.yaml. Replaced as a whole, never changed.

    Attributes:
        config: the content of model.yaml.
        lineups: for each served model, its champion and challengers.
        problems: error messages by the name of the model that is not served because of them; under
            "models" where none is registered.
        warnings: error messages by the name of the model, or the version of a model, that was left
            out while another version of it is served.
    """

    config: Config
    lineups: Mapping[str, Lineup]
    problems: Mapping[str, str]
    warnings: Mapping[str, str]

    def after(self, before: "Arrangement") -> "Arrangement":
        """Return this arrangement with the earlier line-up of each model that it could not load."""
        kept = {name: lineup for name, lineup in before.lineups.items() if name in self.problems}
        problems = {name: text for name, text in self.problems.items() if name not in kept}
        warnings = {
            name: f"{self.problems[name]} The version that was served before still is."
            for name in kept
        }
        return Arrangement(
            self.config, {**self.lineups, **kept}, problems, {**self.warnings, **warnings}
        )


class Loader:
    """Loads arrangements for one process, each registered version once.

    Keeps the versions of the last arrangement, so that the next one only loads what is new, and the
    errors of downloads, so that a failed one is not repeated by every worker after the fork.
    """

    def __init__(self, project: Project, environment: str | None = None) -> None:
        """
        Args:
            project: its models are loaded.
            environment: the value of ENVIRONMENT, unless given; for app-dev, no model is loaded.
        """
        self._project = project
        self._environment = environment
        self._versions: dict[Key, Version] = {}
        self._failed_downloads: dict[Key, str] = {}

    def load(self, config: Config, before_fork: bool = False) -> Arrangement:
        """Load every version that answers requests. Errors become problems and warnings.

        Args:
            config: the content of model.yaml.
            before_fork: leave versions with compiled trees out: onnxruntime does not survive a
                fork. Load again in the worker.
        """
        if stage(config, self._environment) is Stage.APP_DEV:
            return Arrangement(config, models.fake(config), {}, {})
        loaded: list[Version] = []
        problems: dict[str, str] = {}
        warnings: dict[str, str] = {}
        for registered in config.models:
            try:
                version = None if registered.shadow else self._version(registered, before_fork)
            except ProjectError as error:
                if registered.is_champion:
                    problems[registered.model] = str(error)
                else:
                    warnings[_title(registered)] = str(error)
                continue
            if version is not None:
                version.registered = registered  # its share may have changed
                loaded.append(version)
        self._versions = {_key(version.registered): version for version in loaded}
        lineups: dict[str, Lineup] = {}
        for champion in loaded:
            if champion.registered.is_champion:
                name = champion.registered.model
                versions = [version for version in loaded if version.registered.model == name]
                fitting = [each for each in versions if models.can_share(each, champion)]
                lineups[name] = models.lineup(champion, fitting, config.as_sent(champion.dataset))
                for version in versions:
                    if version not in fitting:
                        warnings[_title(version.registered)] = (
                            f"Version {version.version} of {name} has other features, or another "
                            f"target, than version {champion.version}: it cannot share its "
                            "requests."
                        )
        if not config.models:
            problems["models"] = selection.NOTHING[assets.are_shared(config, self._environment)]
        return Arrangement(config, lineups, problems, warnings)

    def _version(self, registered: RegisteredModel, before_fork: bool) -> Version | None:
        """Return the loaded version; None where it has to be loaded after the fork.

        Raises:
            ProjectError: its files cannot be downloaded, verified or loaded.
        """
        key = _key(registered)
        if key in self._versions:
            return self._versions[key]
        try:
            self._download(registered)
            if before_fork and forms.has_trees(self._project.model_path(registered)):
                return None
            return models.load(self._project, registered)
        except ProjectError:
            raise
        except Exception:
            log.exception("The model %s was not loaded", registered.model)
            raise ProjectError(
                f"The model {registered.model} does not load; the log has the details."
            ) from None

    def _download(self, registered: RegisteredModel) -> None:
        """Download the files of the version where they are needed, unless that failed before."""
        key = _key(registered)
        if key in self._failed_downloads:
            raise ProjectError(self._failed_downloads[key])
        try:
            assets.fetch(self._project, registered, self._environment)
        except ProjectError as error:
            self._failed_downloads[key] = str(error)
            raise


def warm_up(lineups: Mapping[str, Lineup]) -> dict[str, str]:
    """Answer an example row with each version, and return the error messages by model.

    Call it after the fork: the thread pools of scikit-learn, which the first answer starts, do not
    survive one.
    """
    problems = {}
    for name, lineup in lineups.items():
        for version in lineup.versions:
            features = version.dataset.features
            try:
                version.answer([models.as_values(example(features), features)])
            except Exception:
                log.exception("The model %s, version %s, fails", name, version.version)
                problems[name] = f"The model {name} does not answer; the log has the details."
    return problems


def _key(registered: RegisteredModel) -> Key:
    return registered.name, registered.version, registered.sha256


def _title(registered: RegisteredModel) -> str:
    return f"{registered.model}, version {registered.version}"
