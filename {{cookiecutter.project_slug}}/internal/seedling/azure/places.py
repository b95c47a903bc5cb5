"""The places of trainings on Azure ML: data, cluster and environment. A job has one of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seedling.azure import clusters, data, environment, workspace
from seedling.ci import build
from seedling.config import Dataset, Project
from seedling.registry.open import WORKSPACE
from seedling.settings import MODEL_REGISTRY, SMOKE
from seedling.training import made_with
from seedling.training.outcomes import build_id

GROUPS = ("train", "aml")  # of pyproject.toml, for the steps
# Kinds of training jobs.
PIPELINE, COMMAND, AUTOML, PARALLEL = "pipeline", "command", "automl", "parallel"
# The tags of a job that say which models it trains, and how.
MODELS, KIND = "models", "kind"
# Those that say which build has submitted it.
BUILD, COMMIT, BRANCH = "build_id", "commit", "branch"
LEFT_BY = "left_by"  # the tag with the CI system whose build did not wait for the job


class Place(NamedTuple):
    """The data that the steps of a job read, the cluster and the environment that they run in."""

    source: str  # the URI of the dataset
    cluster: str
    environment: str


class Group(NamedTuple):
    """Models of a dataset that one job trains.

    Attributes:
        dataset: what they learn from.
        places: by model.
        shared: of the steps of no model, and of all where the job has one place only.
    """

    dataset: Dataset
    places: Mapping[str, Place]
    shared: Place

    @property
    def models(self) -> list[str]:
        return [*self.places]

    def tags(self, kind: str) -> dict[str, str]:
        """Return the tags of the job: what it trains, how, of which data, and in which build."""
        source = self.shared.source
        return {
            MODELS: " ".join(self.models),
            KIND: kind,
            "data": source if "://" in source else source.removeprefix("azureml:"),
            BUILD: build_id(),
            **_of_build(),
        }


def groups(
    project: Project, client: Any, models: Sequence[str], source: str | None, kind: str
) -> dict[str, Group]:
    """Return the jobs to make by dataset; a second one of a dataset by that and its first model.

    Models of one dataset are in one job. A pipeline has a cluster and an environment for each
    step; another job has one of each.

    Args:
        project: the project of the models.
        client: of the workspace.
        models: what is trained.
        source: the URI of the data, instead of that of each model's dataset.
        kind: of the jobs.

    Raises:
        ProjectError: a dataset is not registered as it is here, an environment is not there, or
            Azure refuses.
    """
    finder = _Finder(project, client, source, kind)
    alike: dict[tuple[str, ...], dict[str, Place]] = {}
    for model in models:
        dataset = project.config.trained_model(model).dataset
        place = finder.place(model)
        key = (dataset, *(place[:1] if kind == PIPELINE else place))
        alike.setdefault(key, {})[model] = place
    found: dict[str, Group] = {}
    for (name, *_), places in alike.items():
        first, *others = dict.fromkeys(places.values())
        shared = Place(first.source, *finder.where("")) if others else first
        title = name if name not in found else f"{name}-{next(iter(places))}"
        found[title] = Group(project.config.dataset(name), places, shared)
    return found


def variables() -> Mapping[str, str]:
    """Return the environment variables of a step."""
    commit = made_with.commit(Path.cwd())  # the job has the code, without its git
    return {
        **({made_with.COMMITS[0]: commit} if commit else {}),
        "PYTHONPATH": "internal",
        "BUILD_ID": build_id(),
        MODEL_REGISTRY.name: WORKSPACE,
        **({SMOKE.name: "1"} if SMOKE.get() else {}),
    }


def _of_build() -> dict[str, str]:
    """Return commit and branch, where CI submits the job."""
    now = build.current()
    return {COMMIT: now.commit, BRANCH: now.branch} if now else {}


class _Finder:
    """Finds data, clusters and environments in the workspace, each once."""

    def __init__(self, project: Project, client: Any, source: str | None, kind: str) -> None:
        self.project, self.client, self.source, self.kind = project, client, source, kind
        self.sources: dict[tuple[str, str | None], str] = {}
        self.clusters: dict[str, str] = {}

    def place(self, model: str) -> Place:
        dataset = self.project.config.dataset(self.project.config.trained_model(model).dataset)
        name = workspace.settings(self.project, model).training.dataset_name
        asked = dataset.name, name
        if self.source is None and asked not in self.sources:
            self.sources[asked] = (
                data.registered(self.project, self.client, dataset)
                if name is None
                else data.asset(self.client, dataset, name)
            )
        return Place(self.source or self.sources[asked], *self.where(model))

    def where(self, model: str) -> tuple[str, str]:
        """Return cluster and environment of a model's steps; of the project's for no model."""
        name = workspace.settings(self.project, model).compute.cluster_name
        if name not in self.clusters:
            self.clusters[name] = clusters.ensure(self.project, self.client, model)
        if self.kind == AUTOML:  # has one of its own
            return self.clusters[name], ""
        made = environment.for_training(self.project, self.client, GROUPS, model)
        return self.clusters[name], made
