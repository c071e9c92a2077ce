"""What an installation has and how fast it is: `lenet doctor` and `lenet bench`."""

import shutil
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from lenet.cli._command import Data, Given, Printed, Quiet, command
from lenet.cli._console import print_json, print_line, print_table
from lenet.core import json_text, option
from lenet.errors import InterruptedBenchmark, SettingError

if TYPE_CHECKING:
    from lenet.doctor import Report

_ROUNDS = 5  # where there is time
_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG"}
_INDENT = " " * 17
_LEAST_WIDTH = 20  # of the text, however narrow a terminal is


@command(Printed)
def doctor(given: Given) -> None:
    """Say what this installation has, whether it works, and what to do where it does not.

    Leaves with exit code 1 if something is wrong. Nothing is fetched or sent.
    """
    from lenet.doctor import examine

    findings = examine()
    states = [finding.state for finding in findings]
    wrong, notes = states.count("wrong"), states.count("note")
    if given.of(Printed).json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print_text(f"{_MARKS[finding.state]:<6} {finding.name:<9} ", finding.text)
            for line in finding.advice.splitlines():
                _print_text(_INDENT, line)
        if wrong:
            print_line("\n1 thing is wrong." if wrong == 1 else f"\n{wrong} things are wrong.")
        else:
            mark = f", with {notes} note{'s' if notes > 1 else ''} above" if notes else ""
            print_line(f"\nEverything works{mark}.")
    if wrong:
        raise typer.Exit(1)


def _print_text(before: str, text: str) -> None:
    """Write a line, in a terminal broken to its width; an indented one is to be copied as it is."""
    columns = shutil.get_terminal_size((0, 0)).columns  # 0 in a pipe
    if not columns or text.startswith(" "):
        print_line(before + text)
        return
    width = max(columns, len(_INDENT) + _LEAST_WIDTH)
    for line in textwrap.wrap(
        before + text,
        width,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        print_line(line)


@dataclass(frozen=True)
class _Bench(Data, Printed):
    """What is measured.

    Attributes:
        benchmark: Whole epochs of training; prediction of many images and of one; or the time to
            the first training step.
        threads: CPU threads, one after the other.
        rounds: Counted turns of each contestant.
        only: Who takes part, such as `lenet,eager`.
        all: Measure the slow contestants and all recipes too, for as long as it takes.
        save: Keep the figures as JSON in this file.
    """

    benchmark: Literal["train", "predict", "startup"] = option("train", argument=True)
    threads: str | None = option(None, metavar="N,N,…", usual="1, then one a core")
    rounds: int | None = option(
        None, metavar="N", usual=f"{_ROUNDS}, or as many as fit into 3 minutes"
    )
    only: str | None = option(None, metavar="NAME,NAME,…", usual="all that are not slow")
    all: bool = False
    save: Path | None = None


@command(_Bench, Quiet)
def bench(given: Given) -> None:
    """Measure lenet's speed beside PyTorch and, where installed, onnxruntime, JAX, scikit-learn.

    Contestants take turns in one process, so their ratios hold on a busy machine too; a row gives
    the median and the range of the rounds.
    """
    from lenet.core import write_atomically
    from lenet.doctor import run_benchmark

    wanted = given.of(_Bench)
    stopped: InterruptedBenchmark | None = None
    try:
        reports = run_benchmark(
            wanted.benchmark,
            dataset=wanted.data or "fashion-mnist",
            threads=_read_threads(wanted.threads),
            rounds=wanted.rounds,
            only=wanted.only.split(",") if wanted.only is not None else (),
            all=wanted.all,
            quiet=given.of(Quiet).quiet,
        )
    except InterruptedBenchmark as error:
        stopped, reports = error, error.reports
        if not reports:
            raise
    text = json_text([report.to_dict() for report in reports], indent=2)
    try:
        if wanted.save is not None:
            write_atomically(wanted.save, text + "\n")
    finally:  # minutes went into these figures
        if wanted.json:
            print_line(text)
        else:
            for report in reports:
                _print_report(report)
            if not stopped:
                _print_left_out(wanted, reports)
    if stopped:
        raise stopped


def _print_left_out(wanted: _Bench, reports: list["Report"]) -> None:
    """Write what was not measured, for want of time, and how it is."""
    if wanted.all:
        return
    counts = [len(each.rounds) for report in reports for each in report.measurements]
    if wanted.rounds is None and counts and min(counts) < _ROUNDS:
        print_line(
            f"No more than {min(counts)} of {_ROUNDS} rounds fitted into 3 minutes; "
            f"`--rounds {_ROUNDS}` takes the time."
        )
    if wanted.benchmark == "train":
        print_line(
            "Left out: ReLU, max pooling and AdamW, and batch normalisation: `--all` measures them."
        )


def _read_threads(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        message = f"`--threads` takes numbers with commas between them, not `{text}`."
        raise SettingError(message) from None


def _print_report(report: "Report") -> None:
    machine = report.machine
    plural = "thread" if report.threads == 1 else "threads"
    torch = f"PyTorch {machine['torch']}" if machine["torch"] else "no PyTorch"
    print_line(f"{report.task}, {report.threads} {plural}")
    print_line(
        f"{machine['processor']}, lenet {machine['lenet']}, {torch}, "
        f"kernels {machine['kernels'] or 'none'}"
    )
    print_table(report.rows())
    for remark in report.remarks():
        print_line(remark)
    print_line()
