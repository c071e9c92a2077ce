"""The `lenet bench` command."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lenet.cli._console import print_line, print_table
from lenet.errors import SettingError

if TYPE_CHECKING:
    from lenet.doctor import Report


def bench(
    benchmark: Annotated[
        Literal["train", "predict", "startup"],
        typer.Argument(
            help="Whole epochs of training; prediction of many images and of one; or the time to "
            "the first training step."
        ),
    ] = "train",
    data: Annotated[str, typer.Option("--data", "--dataset", help="The images.")] = "fashion-mnist",
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N,N,…",
            help="CPU threads, one after the other. [default: 1, then one a core]",
            show_default=False,
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", help="Counted turns of each contestant.")
    ] = 5,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Keep the figures as JSON in this file.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure lenet's speed beside PyTorch and, where installed, onnxruntime, JAX, scikit-learn.

    Contestants take turns in one process, so their ratios hold on a busy machine too; a row gives
    the median and the range of the rounds.
    """
    from lenet.core import write_atomically
    from lenet.doctor import run_benchmark

    reports = run_benchmark(benchmark, dataset=data, threads=_read_threads(threads), rounds=rounds)
    text = json.dumps([report.to_dict() for report in reports], indent=2)
    if save is not None:
        write_atomically(save, text + "\n")
    if as_json:
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
