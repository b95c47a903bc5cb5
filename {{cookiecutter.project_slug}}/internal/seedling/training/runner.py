"""Runs of the training pipeline, wherever they are: on this machine, or on Azure ML."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from seedling import implementations
from seedling.config import Project
from seedling.settings import AML_PIPELINE_EXEC_MODE
from seedling.training.notes import Registration

# The names of implementations by AML_PIPELINE_EXEC_MODE.
RUNNERS = {"DEV": "training here", "PROD": "training on azure ml"}


class Runner(Protocol):
    """A run of the training pipeline for some models."""

    @property
    def id(self) -> str:
        """Its name, which that of its reports' folder follows."""

    @property
    def models(self) -> Sequence[str]:
        """The models that it trains."""

    @classmethod
    def start(cls, project: Project, models: Sequence[str]) -> "Sequence[Runner]":
        """Start the runs that train these models, or all where there are none.

        Raises:
            ProjectError: the pipeline does not hold together, a dataset is missing, or Azure
                refuses.
        """

    def wait(self) -> None:
        """Wait until its last job has ended, well or not.

        Raises:
            ProjectError: it cannot be followed; it goes on.
        """

    def output(self, job: str, name: str) -> Path:
        """Return the folder of a job's output on this machine; missing where the job failed."""

    def fetch(self, registered: Iterable[Registration]) -> None:
        """Have the files of the champions on this machine, which is to serve them."""

    def problem(self) -> str:
        """Return which job failed and why; empty where all ended well."""

    def remove(self) -> None:
        """Remove its outputs from this machine."""


def chosen() -> type[Runner]:
    """Return the kind of run that AML_PIPELINE_EXEC_MODE names.

    Raises:
        ProjectError: it names none.
    """
    found: type[Runner] = implementations.find(RUNNERS[AML_PIPELINE_EXEC_MODE.get()])
    return found
