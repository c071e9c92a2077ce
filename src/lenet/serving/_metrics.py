"""What a service counts, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0)


class Metrics(Collector):
    """What a service has done since it started, and how it is, of which `now` gives the figures."""

    def __init__(self, now: Callable[[], Iterable[Metric]] = lambda: ()):
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series
        self._now = now
        self._registry = CollectorRegistry()
        self._registry.register(self)
        explanation = "Requests by route and HTTP status."
        self.requests = self._counter("lenet_requests", explanation, "route", "status")
        explanation = "Time from a request's headers to its answer."
        self.seconds = self._histogram("lenet_predict_seconds", explanation, _SECONDS)
        explanation = "Requests in a worker's batch."
        self.batches = self._histogram("lenet_batch_requests", explanation, _BATCH_SIZES)
        explanation = "Answers by model and by doubt: none, blank, unsure, far."
        self.predictions = self._counter("lenet_predictions", explanation, "model", "doubt")
        explanation = "Connections that were closed, by reason."
        self.dropped = self._counter("lenet_connections_dropped", explanation, "reason")

    def _counter(self, name: str, explanation: str, *labels: str) -> Callable[..., Counter]:
        """Gives the counter of some labels; they are looked up once, as that costs most."""
        return cache(Counter(name, explanation, labels, registry=self._registry).labels)

    def _histogram(self, name: str, explanation: str, bounds: Sequence[float]) -> Histogram:
        return Histogram(name, explanation, buckets=bounds, registry=self._registry)

    def collect(self) -> Iterable[Metric]:
        return self._now()

    def to_text(self) -> bytes:
        """All figures in Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)


def process_metrics(processes: dict[str, int]) -> list[Metric]:
    """Memory and time of processes by their names, where the system tells them as Linux does."""
    memory = GaugeMetricFamily(
        "lenet_process_resident_memory_bytes", "Memory of each process.", labels=["process"]
    )
    times = CounterMetricFamily(
        "lenet_process_cpu_seconds", "Time of each process.", labels=["process"]
    )
    for process, number in processes.items():
        try:
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            # The name before `)` may hold blanks.
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError, IndexError):
            continue
        memory.add_metric([process], pages * os.sysconf("SC_PAGE_SIZE"))
        ticks = int(fields[11]) + int(fields[12])
        times.add_metric([process], ticks / os.sysconf("SC_CLK_TCK"))
    return [memory, times]
