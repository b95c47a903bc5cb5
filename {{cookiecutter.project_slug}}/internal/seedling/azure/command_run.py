"""A training that is one command job: its outputs are those of all its steps."""

from pathlib import Path
from typing import ClassVar

from seedling.azure import command_job
from seedling.azure.places import COMMAND
from seedling.azure.training import AzureRun

STEP = "training"  # the whole job, in messages


class CommandRun(AzureRun):
    """A command job; what it leaves is there once all of it has succeeded."""

    kind: ClassVar[str] = COMMAND

    def output(self, job: str, name: str) -> Path:
        """Return the folder of a step's output, downloaded if the job has succeeded."""
        folder = self.folder / job / name
        if self.status == "Completed" and not folder.exists():
            command_job.download(self.client, self.id, command_job.output_name(job, name), folder)
        return folder

    def failure(self) -> str:
        """Return the last line of the job's log."""
        return self.last_words(STEP, self.id)
