"""The `lenet bench` command."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lenet.cli._command import Given, command
from lenet.cli._console import print_line, print_table
from lenet.cli._shared import Data, Printed
from lenet.core import option
from lenet.errors import SettingError

if TYPE_CHECKING:
    from lenet.doctor import Report


@dataclass(frozen=True)
class _Bench(Data, Printed):
    """What is measured.

    Attributes:
        benchmark: Whole epochs of training; prediction of many images and of one; or the time to
            the first training step.
        threads: CPU threads, one after the other.
        rounds: Counted turns of each contestant.
        save: Keep the figures as JSON in this file.
    """

    benchmark: Literal["train", "predict", "startup"] = option("train", argument=True)
    threads: str | None = option(None, metavar="N,N,…", usual="1, then one a core")
    rounds: int = option(5, metavar="N")
    save: Path | None = None


@command(_Bench)
def bench(given: Given) -> None:
    """Measure lenet's speed beside PyTorch and, where installed, onnxruntime, JAX, scikit-learn.

    Contestants take turns in one process, so their ratios hold on a busy machine too; a row gives
    the median and the range of the rounds.
    """
    from lenet.core import write_atomically
    from lenet.doctor import run_benchmark

    wanted = given.of(_Bench)
    reports = run_benchmark(
        wanted.benchmark,
        dataset=wanted.data or "fashion-mnist",
        threads=_read_threads(wanted.threads),
        rounds=wanted.rounds,
    )
    text = json.dumps([report.to_dict() for report in reports], indent=2)
    if wanted.save is not None:
        write_atomically(wanted.save, text + "\n")
    if wanted.json:
        print_line(text)
        return
    for report in reports:
        _print_report(report)


def _read_threads(text: str | None) -> list[int] | None:
    """Numbers of threads from `1,2`."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        message = f"`--threads` takes numbers with commas between them, not `{text}`."
        raise SettingError(message) from None


def _print_report(report: "Report") -> None:
    """A report for a person."""
    machine = report.machine
    plural = "thread" if report.threads == 1 else "threads"
    print_line(f"{report.task}, {report.threads} {plural}")
    print_line(
        f"{machine['processor']}, lenet {machine['lenet']}, PyTorch {machine['torch']}, "
        f"kernels {machine['kernels'] or 'none'}"
    )
    print_table(report.rows())
    for remark in report.remarks():
        print_line(remark)
    print_line()
