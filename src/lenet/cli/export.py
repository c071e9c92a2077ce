"""The `lenet export` command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lenet.cli._command import READING_TO_SCORE, Given, Printed, Trained, command
from lenet.cli._console import print_json, print_line, print_table
from lenet.core import option
from lenet.export import FormatName

if TYPE_CHECKING:
    from lenet.export import Export


@dataclass(frozen=True)
class _Export(Trained):
    """What is written, and where.

    Attributes:
        to: An ONNX file, or one with eight-bit weights; C source, or one in whole numbers; the
            playground as one HTML file; a folder for the Hugging Face hub.
        output: The file or folder to write.
        int8: Round the weights to eight bits.
    """

    to: FormatName = "onnx"
    output: str | None = option(
        None,
        flags=("--output", "-o"),
        metavar="PATH",
        usual="`model…` in the run folder; for a model file `NAME…` here",
    )
    int8: bool = False


@command(_Export, Printed, READING_TO_SCORE)
def export(given: Given) -> None:
    """Write a trained network down for others to use, and see that it answers as PyTorch does.

    The export is run on the test images, ONNX in batches of several sizes. Where its answers differ
    from PyTorch's by more than they may, nothing is written. NumPy does for PyTorch where that is
    not installed, bar `onnx` and `hub`.
    """
    from lenet.export import export_model

    asked = given.typed_of(_Export) | {"data": given.dataset()}
    with _progress() as tell:
        made = export_model(**asked, on_progress=tell)
    if given.of(Printed).json:
        values = asdict(made)
        print_json({"written": [str(values.pop("path"))], **values, "facts": dict(made.facts)})
        return
    _print_export(made)


def _print_export(made: "Export") -> None:
    images = made.comparisons[0].images
    print_line(
        f"Compared with {made.reference} on {made.dataset}, {made.split} split, {images:,} images; "
        f"{made.reference}'s accuracy is {made.accuracy:.4f}.\n"
    )
    rows = [["batch", "largest difference", "other answers", "accuracy"]]
    for found in made.comparisons:
        counts = str(found.batch_size), f"{found.difference:.1e}", str(found.disagreements)
        rows.append([*counts, f"{found.accuracy:.4f}"])
    print_table(rows, left_columns=0)
    print_line()
    if count := max(found.decided_otherwise for found in made.comparisons):
        print_line(f"decided otherwise: {count:,} images, as a class or as none of them")
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
