"""A training by Azure's AutoML: the search runs there, the gate for its best model here."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from seedling.azure import automl, places, workspace
from seedling.azure.places import AUTOML
from seedling.azure.training import AzureRun, begun
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.registry.open import WORKSPACE
from seedling.settings import MODEL_REGISTRY
from seedling.training import handed_over, pipeline
from seedling.training.local_run import LocalRun
from seedling.training.outcomes import chosen_of
from seedling.training.pipeline import Component, Pipeline

FITTED_BY = "Azure's AutoML"
ADOPT = """python -m seedling.steps.adopt --config ${{inputs.config}} --model ${{inputs.model}}
--training ${{inputs.training}} --found ${{inputs.found}} --learned-from ${{inputs.rows}}
--by ${{inputs.by}} --output ${{outputs.trained}}"""


class AutoMlRun(AzureRun):
    """A search for one model: its best one is compared with the champion of that model.

    The steps after the search run on this machine, in whose environment the model must answer.
    """

    kind: ClassVar[str] = AUTOML

    def __init__(self, project: Project, client: Any, job: str, models: Sequence[str]) -> None:
        super().__init__(project, client, job, models)
        self.gate: LocalRun | None = None

    @classmethod
    def start(
        cls, project: Project, models: Sequence[str], source: str | None = None, left: bool = False
    ) -> "list[AzureRun]":
        """Submit a search.

        Raises:
            ProjectError: it is not for one model, its dataset is missing, or Azure refuses.
        """
        chosen = chosen_of(project, models).models
        if len(chosen) != 1:
            raise ProjectError(
                "AutoML searches one model: name the one whose champion it is to beat, of "
                f"{', '.join(chosen)}."
            )
        if source:
            raise ProjectError("AutoML learns from the dataset here, without its held-out rows.")
        dataset = project.config.dataset(project.config.trained_model(chosen[0]).dataset)
        rows = automl.training_rows(project, dataset)
        client = workspace.client(project)
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / "rows"
            automl.write_rows(rows, folder)
            data = f"azureml:{dataset.name}:{dataset.version}"  # its file here is what is learned
            (group,) = places.groups(project, client, chosen, data, cls.kind).values()
            made = automl.job(project, group, folder, handed_over.digest(rows))
            return [cls(project, client, begun(client, made, left), chosen)]

    def wait(self, again: str = "") -> None:
        """Follow the search, then put its best model through the gate.

        Raises:
            ProjectError: it cannot be followed, or Ctrl-C; it goes on.
        """
        super().wait(again)
        if self.status != "Completed":
            return
        with workspace.project_errors(f"Looking for the job {self.id}"):
            rows = automl.learned_from(self.client.jobs.get(self.id).tags or {})
        found = self.folder / "found"
        if not found.exists():
            automl.download(self.client, self.id, found)
        steps = gate_of(chosen_of(self.project, self.models), self.models[0], found, rows)
        variables = {MODEL_REGISTRY.name: WORKSPACE}
        (self.gate,) = LocalRun.start(self.project, self.models, variables)
        self.gate.pipeline = steps
        self.gate.wait()

    def output(self, job: str, name: str) -> Path:
        """Return the folder of a step's output; it is missing if the search has failed."""
        return (self.gate or self).folder / job / name

    def problem(self) -> str:
        """Return what failed: the search, or a step after it; empty if neither did."""
        return super().problem() or (self.gate.problem() if self.gate else "")

    def failure(self) -> str:
        """Return where Azure says why the search has failed."""
        return "its page in Azure ML says why"

    def remove(self) -> None:
        """Remove what was downloaded, and the outputs of the steps."""
        super().remove()
        if self.gate:
            self.gate.remove()


def gate_of(chosen: Pipeline, model: str, found: Path, rows: str) -> Pipeline:
    """Return a training pipeline in which a model that is there takes the place of training one.

    Args:
        chosen: the pipeline of the model.
        model: its name.
        found: the folder of the model that is there.
        rows: a hash of what it has learned from; empty if that is not known.
    """
    name = f"train_{model}"
    trained = chosen.jobs[name]
    kept = {key: trained.component.inputs[key] for key in ("config", "model", "training")}
    given = {"found": str(found), "rows": rows, "by": FITTED_BY}
    inputs = kept | {key: {"type": "string", "default": value} for key, value in given.items()}
    path = trained.component.path.with_name("adopt.yml")
    adopt = Component(path, ADOPT, inputs, trained.component.outputs)
    job = replace(
        trained,
        component=adopt,
        inputs={key: value for key, value in trained.inputs.items() if key in kept},
    )
    changed = replace(chosen, jobs={**chosen.jobs, name: job})
    problems = pipeline.problems(changed)
    if problems:
        raise ProjectError(f"{chosen.path.name}: {problems[0]}")
    return changed
