"""The `lenet report` command."""

from dataclasses import dataclass
from pathlib import Path

from lenet.cli._command import Given, Panel, command
from lenet.cli._console import print_line
from lenet.cli._shared import READING_TO_SCORE, Trained, choose_data
from lenet.core import Compute, option
from lenet.results import SplitName


@dataclass(frozen=True)
class _Report(Trained):
    """What is reported, and where.

    Attributes:
        output: The file to write.
        split: Which images are scored.
    """

    output: Path | None = option(
        None,
        flags=("--output", "-o"),
        usual="`report.html` in the run folder, or `report-DATA-SPLIT.html` with `--data` or "
        "`--split`; for a model file `NAME-report.html` here",
    )
    split: SplitName | None = option(None, usual="test, or validation without test images")


@command(_Report, Panel(Compute, skip=("threads",)), READING_TO_SCORE)
def report(given: Given) -> None:
    """Write one HTML page about a trained network: scores, mistakes, trust, robustness, recipe."""
    from lenet import results

    wanted = given.of(_Report)
    path = results.report(
        wanted.model,
        choose_data(given),
        output=wanted.output,
        split=wanted.split,
        runs_folder=wanted.runs_folder,
        **given.typed_of(Compute),
    )
    print_line(f"Report written to {path}")
