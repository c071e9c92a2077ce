"""The `lenet export` command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lenet.cli._console import print_line, print_table
from lenet.cli._data_options import LabelColumn, ScoredData, SkipBad, choose_data
from lenet.cli._options import RunsFolder
from lenet.export import FormatName

if TYPE_CHECKING:
    from lenet.export import Export


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run's folder or name, `latest`, a model file, `digits` or `fashion`.",
        ),
    ] = "latest",
    to: Annotated[
        FormatName,
        typer.Option(
            "--to",
            help="An ONNX file, or one with eight-bit weights; C source, or one in whole numbers; "
            "the playground as one HTML file; a folder for the Hugging Face hub.",
        ),
    ] = "onnx",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file or folder to write. [default: `model…` in the run folder; for a model "
            "file `NAME…` here]",
            show_default=False,
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Round the weights to eight bits.")] = False,
    data: ScoredData = None,
    skip_bad: SkipBad = None,
    label_column: LabelColumn = None,
    runs_folder: RunsFolder = Path("runs"),
) -> None:
    """Write a trained network down for others to use, and see that it answers as PyTorch does.

    The export is run on the test images, ONNX in batches of several sizes. Where its answers differ
    from PyTorch's by more than they may, nothing is written.
    """
    from lenet.export import export_model

    with _progress() as tell:
        made = export_model(
            model,
            to,
            output=output,
            data=choose_data(data, {"skip_bad": skip_bad, "label_column": label_column}),
            int8=int8,
            runs_folder=runs_folder,
            on_progress=tell,
        )
    _print_export(made)


def _print_export(made: "Export") -> None:
    """How the export compares with PyTorch, what it is, and where."""
    images = made.comparisons[0].images
    print_line(
        f"Compared with PyTorch on {made.dataset}, {made.split} split, {images:,} images; "
        f"PyTorch's accuracy is {made.accuracy:.4f}.\n"
    )
    rows = [["batch", "largest difference", "other answers", "accuracy"]]
    rows += [
        [
            str(found.batch_size),
            f"{found.difference:.1e}",
            str(found.disagreements),
            f"{found.accuracy:.4f}",
        ]
        for found in made.comparisons
    ]
    print_table(rows, left_columns=0)
    print_line()
    for name, value in made.facts:
        print_line(f"{name}: {value}")
    print_line(f"\nWritten to {made.path}")


@contextmanager
def _progress() -> "Iterator[Callable[[str], None]]":
    """What is being done, on stderr where that is a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status("") as status:
        yield status.update
