"""What is known of a job, or of a step of one, while it runs and afterwards."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from azureml.assets import Asset
from azureml.processes import Process

FINAL = ("Completed", "Failed", "Canceled")


@dataclass
class Run:
    """
    Attributes:
        root: the id of the job that was submitted.
        logs: their names below the artifacts.
        tracked: the id of its run in MLflow.
    """

    id: str
    root: str
    kind: str
    experiment: str
    name: str = ""
    status: str = "NotStarted"
    error: str = ""
    cancelled: bool = False
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    outputs: dict[str, Asset] = field(default_factory=dict)
    logs: set[str] = field(default_factory=set)
    process: Process | None = None
    tracked: str | None = None

    @property
    def artifacts(self) -> str:
        """The folder of the storage that has the run's logs."""
        return f"ExperimentRun/dcid.{self.id}"

    def cancel(self) -> None:
        if self.status not in FINAL:
            self.cancelled = True
            if self.process:
                self.process.kill()
