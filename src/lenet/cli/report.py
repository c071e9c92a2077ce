"""The `lenet report` command."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lenet.cli._console import print_line
from lenet.cli._data_options import LabelColumn, ScoredData, SkipBad, choose_data
from lenet.cli._options import Device, Kernels, RunsFolder


def report(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL", help="A run's folder or name, `latest`, or a model file."
        ),
    ] = "latest",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write. [default: `report.html` in the run folder, or "
            "`report-DATA-SPLIT.html` with `--data` or `--split`; for a model file "
            "`NAME-report.html` here]",
            show_default=False,
        ),
    ] = None,
    data: ScoredData = None,
    skip_bad: SkipBad = None,
    label_column: LabelColumn = None,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option(
            "--split",
            help="Which images are scored. [default: test, or validation without test images]",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    kernels: Kernels = "auto",
    runs_folder: RunsFolder = Path("runs"),
) -> None:
    """Write one HTML page about a trained network: scores, mistakes, trust, robustness, recipe."""
    from lenet import results

    path = results.report(
        model,
        choose_data(data, {"skip_bad": skip_bad, "label_column": label_column}),
        output=output,
        split=split,
        device=device,
        kernels=kernels,
        runs_folder=runs_folder,
    )
    print_line(f"Report written to {path}")
