"""Runs of the training pipeline: on this machine, or on Azure ML."""

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
        """Return the run's name, which its folder below local_assets/reports/ has too."""

    @property
    def models(self) -> Sequence[str]:
        """Return the names of the models that the run trains."""

    @classmethod
    def start(cls, project: Project, models: Sequence[str]) -> "Sequence[Runner]":
        """Start the runs that train these models, or all where there are none.

        Raises:
            ProjectError: the pipeline is invalid, a dataset is missing, or Azure refuses.
        """

    def wait(self) -> None:
        """Wait until the run's last job has ended, with success or failure.

        Raises:
            ProjectError: the run cannot be followed; it goes on.
        """

    def output(self, job: str, name: str) -> Path:
        """Return the folder of a job's output on this machine; it is missing if the job failed."""

    def fetch(self, registered: Iterable[Registration]) -> None:
        """Download the champions' files, so that this machine can serve them."""

    def problem(self) -> str:
        """Return the message about the job that failed; empty if none did."""

    def remove(self) -> None:
        """Remove the run's outputs from this machine."""


def chosen(mode: str | None = None) -> type[Runner]:
    """Return the class of runs that AML_PIPELINE_EXEC_MODE chooses.

    Args:
        mode: its value, unless given.

    Raises:
        ProjectError: the variable has another value than DEV or PROD.
    """
    found: type[Runner] = implementations.find(RUNNERS[mode or AML_PIPELINE_EXEC_MODE.get()])
    return found
