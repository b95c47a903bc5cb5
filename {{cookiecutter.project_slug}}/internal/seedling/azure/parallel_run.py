"""A training of one large table by many nodes at a time."""

from collections.abc import Sequence
from typing import ClassVar

from seedling.azure import parallel_job
from seedling.azure.places import PARALLEL
from seedling.azure.training import AzureRun
from seedling.config import Project
from seedling.training.outcomes import chosen_of


class ParallelRun(AzureRun):
    """A pipeline job with a parallel step that sums up the rows of each group."""

    kind: ClassVar[str] = PARALLEL

    @classmethod
    def start(
        cls, project: Project, models: Sequence[str], source: str | None = None, left: bool = False
    ) -> "list[AzureRun]":
        """Submit a job for each dataset.

        Raises:
            ProjectError: a dataset has no groups or fits into memory, or as `submit`.
        """
        for model in chosen_of(project, models).models:
            dataset = project.config.dataset(project.config.trained_model(model).dataset)
            parallel_job.refuse_unfit(project, dataset, source)
        return super().start(project, models, source, left)
