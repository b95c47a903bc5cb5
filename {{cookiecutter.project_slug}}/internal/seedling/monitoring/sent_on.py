"""Findings as metrics: of an MLflow run, and of Azure Monitor where its variable is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seedling import implementations
from seedling.config import Project
from seedling.errors import ProjectError
from seedling.monitoring.drift import UNJUDGED
from seedling.monitoring.findings import TOO_FEW, VERDICTS, Findings
from seedling.settings import (
    APPLICATIONINSIGHTS_CONNECTION_STRING,
    APPLICATIONINSIGHTS_KEY_VAULT_SECRET,
)
from seedling.training import mlflow_runs

CONNECTIONS = APPLICATIONINSIGHTS_CONNECTION_STRING, APPLICATIONINSIGHTS_KEY_VAULT_SECRET
EXPERIMENT = "monitor"  # behind the slug: `runs` lists those of training only


def send(project: Project, found: Findings) -> list[str]:
    """Log findings where they are wanted, and return what kept one place from having them."""
    warnings = []
    try:
        _log(project, found)
    except Exception as error:  # of MLflow, of SQLAlchemy or of requests: the page is written
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        warnings.append(f"MLflow has no metrics of this: {reason}")
    if any(each.is_set() for each in CONNECTIONS):
        try:
            implementations.find("azure monitor metrics")(found)
        except ProjectError as error:
            warnings.append(str(error))
        except Exception as error:
            warnings.append(f"Azure Monitor has no metrics of this: {error}")
    return warnings


def metrics(found: Findings) -> dict[str, float]:
    """Return the numbers of the last window by name.

    `verdict` counts from 0, steady, to 3, severe; it is missing for too few rows.
    """
    numbers: dict[str, float] = {"rows": found.last.rows if found.last else 0}
    if found.verdict != TOO_FEW:
        numbers["verdict"] = VERDICTS.index(found.verdict)
    for each in found.drifts:
        if each.status not in UNJUDGED:
            numbers[f"effect_{each.name}"] = each.effect
            numbers[f"adjusted_p_{each.name}"] = each.adjusted_p
    if found.performance is not None:
        for name, metric in found.performance.metrics.items():
            if metric.value is not None:
                numbers[f"performance_{name}"] = metric.value
    return numbers


def _log(project: Project, found: Findings) -> None:
    """Log the numbers to a run of MLflow, where this project has its runs there."""
    database = mlflow_runs.database_of(project)
    if database is not None and not database.exists():
        return
    with _run(project, found) as tracking:
        tracking.set_tags(
            {"model": found.model, "version": found.version, "verdict": found.verdict}
        )
        mlflow_runs.log_metrics("", metrics(found))


@contextmanager
def _run(project: Project, found: Findings) -> Iterator[Any]:
    """Yield MLflow with an active run: the job's own, or one of an experiment for monitoring."""
    name = f"monitor {found.model}"
    with mlflow_runs.run(project, name, experiment=f"{project.config.slug}-{EXPERIMENT}"):
        yield mlflow_runs.mlflow()
