"""Count for Prometheus: requests, durations, predictions by class, the prediction log."""

import logging
import os
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import glob
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, exposition, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OTHER = "other"  # the label of any unknown route, method, model or class: callers cannot add labels
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BUCKET_SECONDS = (
    *(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
)

Add = Callable[[float], None]


class Metrics:
    """The metrics of one service, of all its workers if PROMETHEUS_MULTIPROC_DIR is set.

    The variable has to be set before prometheus_client is first imported. If it is, a process may
    hold one Metrics only: two would overwrite each other's counts.

    Args:
        waiting: returns how many lines of all workers wait for the prediction log's store. Called
            at every scrape, by the worker that answers it.
        models: the outcomes of each model, as `add_model` takes them.
        routes: the URL rules of the service, as `add_routes` takes them.
    """

    def __init__(
        self,
        waiting: Callable[[], float],
        models: Mapping[str, Sequence[Any]] | None = None,
        routes: Iterable[str] = (),
    ) -> None:
        self._models = dict(models or {})
        self._routes = frozenset(routes)
        own = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total",
            "Requests answered.",
            ["route", "method", "status"],
            registry=own,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds until a request was answered.",
            ["route", "model"],
            buckets=BUCKET_SECONDS,
            registry=own,
        )
        self._predictions = Counter(
            "predictions_total",
            "Predictions by class, which is empty where a model does not choose among classes.",
            ["model", "version", "prediction"],
            registry=own,
        )
        self._refused = Counter(
            "prediction_log_refused_total",
            "Records that the prediction log could not accept.",
            registry=own,
        )
        self._scraped = own
        if values.ValueClass._multiprocess:
            self._scraped = CollectorRegistry()
            self._scraped.register(_Workers(os.environ[FOLDER]))
        self._scraped.register(_Waiting(waiting))
        self._answered: dict[tuple[str, str, int, str], tuple[Add, Add]] = {}
        self._predicted: dict[tuple[str, str], _Classes] = {}

    def add_model(self, name: str, outcomes: Sequence[Any]) -> None:
        """Count this model under its name from its next request on.

        Args:
            name: the model's name.
            outcomes: the classes that it chooses from; none where its task has no classes.
        """
        self._models = {**self._models, name: outcomes}

    def add_routes(self, routes: Iterable[str]) -> None:
        """Count requests of these URL rules under their own names."""
        self._routes = self._routes.union(routes)

    def answered(self, route: str, method: str, status: int, model: str, seconds: float) -> None:
        """Count a request.

        Args:
            route: the URL rule; for a path that has none, "other".
            method: GET, POST and so on.
            status: the HTTP status of the answer.
            model: the name of the served model in the path, or "".
            seconds: the time until the answer.
        """
        found = self._answered.get((route, method, status, model))
        if found is None:
            found = self._children(route, method, status, model)
        found[0](1)
        found[1](seconds)

    def predicted(self, model: str, version: str, predictions: Sequence[Any]) -> None:
        """Count the predictions of one request."""
        classes = self._predicted.get((model, version))
        if classes is None:
            classes = self._classes(model, version)
        classes.count(predictions)

    def refused(self, records: int = 1) -> None:
        """Count records that the prediction log could not accept."""
        self._refused.inc(records)

    def text(self) -> tuple[bytes, str]:
        """Return the body and the content type of GET /metrics."""
        return exposition.generate_latest(self._scraped), exposition.CONTENT_TYPE_LATEST

    def _children(self, route: str, method: str, status: int, model: str) -> tuple[Add, Add]:
        """Return the counters of such a request. Kept only if all its names are known."""
        known = (
            route if route in self._routes else OTHER,
            method if method in METHODS else OTHER,
            status,
            model if model in self._models or not model else OTHER,
        )
        children = (
            self._requests.labels(known[0], known[1], str(status)).inc,
            self._seconds.labels(known[0], known[3]).observe,
        )
        if known == (route, method, status, model):
            self._answered[(route, method, status, model)] = children
        return children

    def _classes(self, model: str, version: str) -> "_Classes":
        if model not in self._models:
            return _Classes(self._predictions, OTHER, "", [])
        classes = _Classes(self._predictions, model, version, self._models[model])
        self._predicted[(model, version)] = classes
        return classes


class _Classes:
    """Counts the predictions of one version of a model, by class."""

    def __init__(self, counter: Counter, model: str, version: str, labels: Iterable[Any]) -> None:
        named = {label: str(label) for label in labels}
        self._add = {
            label: counter.labels(model, version, name).inc for label, name in named.items()
        }
        self._rest = counter.labels(model, version, OTHER if named else "").inc

    def count(self, predictions: Sequence[Any]) -> None:
        """Count n predictions."""
        if not self._add:
            self._rest(len(predictions))
            return
        try:
            if len(predictions) == 1:
                self._add.get(predictions[0], self._rest)(1)
                return
            tally = Tally(predictions)
        except TypeError:  # a value that is no class, such as a list
            self._rest(len(predictions))
            return
        for value, times in tally.items():
            self._add.get(value, self._rest)(times)


class _Workers(Collector):
    """Adds up the counts of all workers, including those that have ended."""

    def __init__(self, folder: str) -> None:
        self._pattern = os.path.join(folder, "*.db")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        # A worker that was killed just as it opened its file leaves it empty for ever.
        files = [path for path in glob(self._pattern) if os.path.getsize(path)]
        yield from MultiProcessCollector.merge(files)


class _Waiting(Collector):
    """Reports how many lines wait for the prediction log's store; nothing while that is unknown."""

    def __init__(self, waiting: Callable[[], float]) -> None:
        self._waiting_records = waiting

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge."""
        try:
            records = self._waiting_records()
        except Exception as error:
            log.warning("The number of records that wait for the store is unknown: %s", error)
            return
        yield GaugeMetricFamily(
            "prediction_log_waiting_records",
            "Records that wait to be written to the prediction log's store.",
            value=records,
        )

    def describe(self) -> Iterator[Metric]:
        """Yield the name without the value, which the registry does not need at the start."""
        yield GaugeMetricFamily("prediction_log_waiting_records", "")
