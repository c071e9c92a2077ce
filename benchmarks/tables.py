"""Tables for the documents from the figures that `lenet bench … --save` has kept.

    python benchmarks/tables.py benchmarks/history/2026-11-24-train-*.json

Several files of one benchmark are runs of it: a cell is the median of the runs'
medians and, in brackets, their range; a ratio is formed within each run first.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from lenet.doctor import Report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    tasks: dict[str, dict[int, list[Report]]] = {}
    for file in parser.parse_args().files:
        for values in json.loads(file.read_text(encoding="utf-8")):
            report = Report.from_dict(values)
            tasks.setdefault(report.task, {}).setdefault(report.threads, []).append(report)
    for task, by_threads in tasks.items():
        print_task(task, by_threads)


def print_task(task: str, by_threads: dict[int, list[Report]]) -> None:
    """Print a task's table: a row a contestant, and for each number of threads two columns."""
    reports = next(iter(by_threads.values()))
    first = reports[0]
    rounds = len(first.measurements[0].rounds)
    print(f"{task}, {first.unit}, {len(reports)} runs of {rounds} rounds\n")
    headings = [""]
    for threads in by_threads:
        headings += [f"{threads} thread{'s' if threads > 1 else ''}", "ratio"]
    print_row(headings)
    print_row(["---"] * len(headings))
    for index, measurement in enumerate(first.measurements):
        cells = [measurement.name]
        for runs in by_threads.values():
            figures = [report.measurements[index].median for report in runs]
            ratios = [report.speed_ratio(report.measurements[index]) for report in runs]
            is_baseline = measurement.name == first.baseline
            digits = 0 if min(figures) >= 100 else 1
            cells += [spread(figures, digits), "1" if is_baseline else spread(ratios, 2)]
        print_row(cells)
    for threads, runs in by_threads.items():
        if first.sgemm:
            peaks = [statistics.median(report.sgemm) for report in runs]
            shares = [100 * report.sgemm_share(report.measurements[0]) for report in runs]
            print(
                f"\n{threads} thread(s): sgemm {spread(peaks, 0)} GFLOP/s, of which "
                f"{first.measurements[0].name} reaches {spread(shares, 0)} %"
            )
        for name in first.memory:
            print(f"{name}: {spread([report.memory[name] for report in runs], 0)} MB")
    print()


def spread(values: Sequence[float], digits: int) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def print_row(cells: Sequence[str]) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
