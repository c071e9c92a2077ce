"""What a service counts, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Histogram:
    """How often values fell below each of some bounds.

    Args:
        bounds: Upper bounds, which belong to their bucket, from the least on.
    """

    def __init__(self, bounds: Sequence[float]):
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    """What a service has done since it started."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds = Histogram(_SECONDS)
        self.batches = Histogram(_BATCH_SIZES)
        self.predictions: Counter[tuple[str, str]] = Counter()
        self.dropped: Counter[str] = Counter()

    def to_text(
        self, figures: Mapping[str, tuple[str, str, float]], processes: Mapping[str, int]
    ) -> str:
        """All figures as text.

        Args:
            figures: Those of this moment: names with the kind, an explanation and the value.
            processes: The numbers of the service's processes, whose memory and time are told.
        """
        lines = _family("lenet_requests_total", "counter", "Requests by route and HTTP status.")
        for (route, status), count in sorted(self.requests.items()):
            lines.append(_sample("lenet_requests_total", count, route=route, status=str(status)))
        name = "lenet_predict_seconds"
        lines += _histogram(name, "Time from a request's headers to its answer.", self.seconds)
        lines += _histogram("lenet_batch_requests", "Requests in a worker's batch.", self.batches)
        name = "lenet_predictions_total"
        lines += _family(name, "counter", "Answers by model and by doubt: none, blank, unsure.")
        for (model, doubt), count in sorted(self.predictions.items()):
            lines.append(_sample(name, count, model=model, doubt=doubt))
        name = "lenet_connections_dropped_total"
        lines += _family(name, "counter", "Connections that were closed, by reason.")
        for reason, count in sorted(self.dropped.items()):
            lines.append(_sample(name, count, reason=reason))
        for name, (kind, explanation, value) in figures.items():
            lines += [*_family(name, kind, explanation), _sample(name, value)]
        return "\n".join([*lines, *_processes(processes), ""])


def _processes(processes: Mapping[str, int]) -> list[str]:
    """Memory and processor time of processes, where the system tells them as Linux does."""
    memory = _family("lenet_process_resident_memory_bytes", "gauge", "Memory of each process.")
    times = _family("lenet_process_cpu_seconds_total", "counter", "Time of each process.")
    for process, number in processes.items():
        try:
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            # The name before `)` may hold blanks.
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError, IndexError):
            continue
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        size = pages * os.sysconf("SC_PAGE_SIZE")
        memory.append(_sample("lenet_process_resident_memory_bytes", size, process=process))
        times.append(_sample("lenet_process_cpu_seconds_total", seconds, process=process))
    return memory + times


def _family(name: str, kind: str, explanation: str) -> list[str]:
    """The two lines before the samples of a name."""
    return [f"# HELP {name} {explanation}", f"# TYPE {name} {kind}"]


def _histogram(name: str, explanation: str, histogram: Histogram) -> list[str]:
    """A histogram: its buckets include those before them."""
    lines = _family(name, "histogram", explanation)
    below = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        below += count
        label = bound if isinstance(bound, str) else f"{bound:g}"
        lines.append(_sample(f"{name}_bucket", below, le=label))
    return [*lines, _sample(f"{name}_sum", histogram.total), _sample(f"{name}_count", below)]


def _sample(name: str, value: float, **labels: str) -> str:
    """A line with a value."""
    told = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}"
