"""Send the findings about a model to Azure Monitor as metrics, on which an alert can stand."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seedling.azure import key_vault
from seedling.azure.monitor import NETWORK, QUIET, VARIABLE
from seedling.errors import ProjectError
from seedling.monitoring.findings import TOO_FEW, VERDICTS, Findings
from seedling.settings import (
    APPLICATIONINSIGHTS_CONNECTION_STRING,
    APPLICATIONINSIGHTS_KEY_VAULT_SECRET,
)

try:
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
except ImportError:
    raise ProjectError(
        f"{VARIABLE} is set, but azure-monitor-opentelemetry-exporter is not installed: run init "
        "with the group `azure`. No metric is sent."
    ) from None

FLUSH_MILLISECONDS = 15_000.0


class _Exporter(AzureMonitorMetricExporter):
    """Notes whether all was taken: the reader does not say."""

    failed = False

    def export(self, *words: Any, **options: Any) -> MetricExportResult:
        result = super().export(*words, **options)
        self.failed = self.failed or result is not MetricExportResult.SUCCESS
        return result


Number = tuple[str, float, Mapping[str, str]]  # a metric's name, its value, its dimensions


def send(found: Findings) -> None:
    """Send the numbers of findings, to the address in APPLICATIONINSIGHTS_CONNECTION_STRING.

    Where that is not set, it is read from the Key Vault.

    Raises:
        ProjectError: the connection string is wrong, or nothing could be sent.
    """
    send_numbers(found.project, list(_numbers(found)))


def _numbers(found: Findings) -> Iterator[Number]:
    """Yield what is known of the last window; a verdict counts from 0, steady, to 3, severe."""
    model = {"model": found.model, "version": found.version}
    if found.verdict in VERDICTS:
        yield "model_verdict", VERDICTS.index(found.verdict), model
    if found.last:
        yield "model_rows", found.last.rows, model
    for drift in found.drifts:
        if drift.status != TOO_FEW:
            yield "model_drift_effect", drift.effect, model | {"column": drift.name}
    if found.performance:
        for name, interval in found.performance.metrics.items():
            if interval.value is not None:
                yield "model_performance", interval.value, model | {"metric": name}


def send_numbers(service_name: str, numbers: Sequence[Number]) -> None:
    """Send numbers as metrics.

    Args:
        service_name: the project's, by which Azure Monitor knows the service too.
        numbers: those of one name differ in their dimensions.

    Raises:
        ProjectError: the connection string is wrong, or nothing could be sent.
    """
    logging.getLogger("azure").setLevel(logging.ERROR)  # what it warns of stands in the error
    os.environ.update(dict.fromkeys(QUIET, "true"))
    connection = APPLICATIONINSIGHTS_CONNECTION_STRING.get().strip(" ;")
    if not connection:
        connection = key_vault.read(APPLICATIONINSIGHTS_KEY_VAULT_SECRET.get()).strip(" ;")
    os.environ[VARIABLE] = connection  # the exporter reads it once more
    try:
        exporter = _Exporter(connection_string=connection, disable_offline_storage=True, **NETWORK)
    except ValueError as error:
        raise ProjectError(f"{VARIABLE}: {str(error).rstrip('.')}. No metric is sent.") from None
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider(
        [reader], Resource.create({"service.name": service_name}), shutdown_on_exit=False
    )
    meter = provider.get_meter(__name__)
    gauges = {name: meter.create_gauge(name) for name, _, _ in numbers}
    for name, value, dimensions in numbers:
        gauges[name].set(value, dict(dimensions))
    try:
        ended = provider.force_flush(FLUSH_MILLISECONDS)
    finally:
        provider.shutdown()
    if exporter.failed or not ended:
        raise ProjectError("Azure Monitor does not answer: no metric is sent.")
