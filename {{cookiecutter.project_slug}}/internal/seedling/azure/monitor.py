"""Requests and warnings of the service, sent to Azure Monitor from a thread."""

import logging
import os
import random
import threading
import time
import traceback
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from seedling.errors import ProjectError
from seedling.masking import masked
from seedling.serving.logs import REQUEST_ID
from seedling.settings import APPLICATIONINSIGHTS_CONNECTION_STRING, OTEL_TRACES_SAMPLER_ARG

try:
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorTraceExporter,
    )
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        SpanKind,
        Status,
        StatusCode,
        set_span_in_context,
    )
except ImportError:
    raise ProjectError(
        "APPLICATIONINSIGHTS_CONNECTION_STRING is set, but azure-monitor-opentelemetry-exporter "
        "is not installed: run init with the group `azure`. Nothing is sent."
    ) from None

VARIABLE = APPLICATIONINSIGHTS_CONNECTION_STRING.name
# The exporter would send statistics of itself to Microsoft, and get settings.
QUIET = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)
SAMPLE_RATE = "_MS.sampleRate"  # percent, by which Azure Monitor scales its counts up again
MAX_FLUSH_SECONDS = 5.0  # for the last records, at the end of the process
NETWORK = {"timeout": 5, "read_timeout": 10, "retry_total": 1}  # seconds; a batch is then lost
SEVERITY = {
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
THEIRS = ("azure.", "opentelemetry.")  # its records of a failed sending would be sent


class Telemetry:
    """Sends in batches, a few seconds late; where the queue is full, the oldest are lost."""

    def __init__(self, resource: Resource, ratio: float, connection: str) -> None:
        options: dict[str, Any] = {"connection_string": connection, "disable_offline_storage": True}
        self._ids = _Ids()
        self._spans = TracerProvider(
            ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids
        )
        self._spans.add_span_processor(
            BatchSpanProcessor(AzureMonitorTraceExporter(**options, **NETWORK))
        )
        self._records = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._records.add_log_record_processor(
            BatchLogRecordProcessor(AzureMonitorLogExporter(**options, **NETWORK))
        )
        self._ratio = ratio
        self._tracer = self._spans.get_tracer(__name__)
        self._nothing = Context()  # no span around it
        self._handler = _Warnings(self._records)
        for name in ("", "gunicorn.error"):  # which passes nothing on to the root
            logging.getLogger(name).addHandler(self._handler)

    def request(
        self,
        route: str,
        method: str,
        status: int,
        started_ns: int,
        ended_ns: int,
        request_id: str,
        attributes: Mapping[str, Any],
    ) -> None:
        """Record a request that was answered; times are nanoseconds since 1970, UTC."""
        if self._ratio < 1 and random.random() >= self._ratio:  # noqa: S311 - no secret
            return
        self._ids.request.id = request_id
        facts = {
            SAMPLE_RATE: self._ratio * 100,
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "request_id": request_id,
            **attributes,
        }
        span = self._tracer.start_span(
            f"{method} {route}", self._nothing, SpanKind.SERVER, facts, start_time=started_ns
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)

    def stop(self) -> None:
        """Send what is waiting, for a few seconds at most."""
        for name in ("", "gunicorn.error"):
            logging.getLogger(name).removeHandler(self._handler)
        threads = [
            threading.Thread(target=provider.shutdown, daemon=True)
            for provider in (self._spans, self._records)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + MAX_FLUSH_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


class _Ids(RandomIdGenerator):
    """A request's trace is named after its id, which joins it to what was logged meanwhile."""

    def __init__(self) -> None:
        self.request = threading.local()

    def generate_trace_id(self) -> int:
        return _trace_id(self.request.id)


class _Warnings(logging.Handler):
    """Hands what is logged from warning on to OpenTelemetry."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.WARNING)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(THEIRS):
            return
        try:
            self._provider.get_logger(record.name).emit(_translated(record))
        except Exception:
            self.handleError(record)


def start(service_name: str, service_version: str) -> Telemetry:
    """Start sending to Azure Monitor, to the address in APPLICATIONINSIGHTS_CONNECTION_STRING.

    Raises:
        ProjectError: the connection string or the ratio of OTEL_TRACES_SAMPLER_ARG is wrong.
    """
    os.environ.update(dict.fromkeys(QUIET, "true"))
    connection = APPLICATIONINSIGHTS_CONNECTION_STRING.get().strip(" ;")
    os.environ[VARIABLE] = connection  # the exporter reads it once more
    resource = Resource.create({"service.name": service_name, "service.version": service_version})
    try:
        return Telemetry(resource, OTEL_TRACES_SAMPLER_ARG.get(), connection)
    except ValueError as error:
        raise ProjectError(
            f"{VARIABLE}: {str(error).rstrip('.')}. Copy it from the resource's overview page in "
            "Azure's portal. Nothing is sent."
        ) from None


def _trace_id(request_id: str) -> int:
    return int.from_bytes(blake2b(request_id.encode(), digest_size=16).digest())


def _translated(record: logging.LogRecord) -> LogRecord:
    attributes: dict[str, Any] = {}
    context = Context()
    request_id = REQUEST_ID.get()
    if request_id is not None:
        attributes["request_id"] = request_id
        of_request = SpanContext(_trace_id(request_id), 0, is_remote=False)
        context = set_span_in_context(NonRecordingSpan(of_request), context)
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__name__
        attributes["exception.message"] = masked(str(record.exc_info[1]))
        lines = traceback.format_exception(*record.exc_info)
        attributes["exception.stacktrace"] = masked("".join(lines))
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=context,
        severity_text=record.levelname,
        severity_number=SEVERITY.get(record.levelno, SeverityNumber.WARN),
        body=masked(record.getMessage()),
        attributes=attributes,
    )
