"""The `lenet inspect` command."""

from dataclasses import dataclass
from pathlib import Path

from lenet.cli._command import (
    READING_TO_SCORE,
    Data,
    Given,
    Panel,
    Printed,
    command,
    data_option,
    print_written,
)
from lenet.core import Compute, option
from lenet.results import PARTS, Distance, Format, MapMethod


@dataclass(frozen=True)
class _Inspection(Data):
    """What is looked at, and how it is shown.

    Attributes:
        names: A run's folder or name, `latest` (the default), a model file, `digits` or `fashion`;
            after it what to show to the network: a picture's path, `class:NAME` for the average
            image of a class, `all:NAME` for all its images, `test:17` or `train:17` for an example,
            `noise`.
        output: A file (`.html`, `.png`) or a folder; one PNG shows one part, the activations unless
            `--parts` says otherwise.
        format: One page, or a picture a part.
        parts: What to look at, parted by commas.
        layer: A layer to show, by place (`0`, `c1`) or class (`Conv2d`); may be given several
            times.
        map_method: How the map is made: the directions of most variance, or t-SNE.
        distance: What makes training images near.
        runs_folder: Where names of runs are looked for.
    """

    names: tuple[str, ...] = option(
        (), argument=True, metavar="[RUN|MODEL] [INPUT]…", usual="one example of each class"
    )
    output: Path | None = option(
        None,
        flags=("--output", "-o"),
        usual="`inspection.html` in the run folder; for a model file `NAME-inspection.html` here",
    )
    format: Format | None = option(None, usual="as the output's name says, else html")
    parts: str | None = option(None, names=PARTS, usual="all")
    layer: tuple[str, ...] = option((), usual="all")
    map_method: MapMethod = option("pca", flags=("--map",))
    distance: Distance = "cosine"
    data: str | None = data_option("what the network was trained on")
    runs_folder: Path = Path("runs")


@command(_Inspection, Panel(Compute, only=("device",)), Printed, READING_TO_SCORE)
def inspect(given: Given) -> None:
    """Show what happens inside a network: filters, activations, saliency, neighbours, a map.

    Two inputs are compared: `lenet inspect latest class:pullover class:coat`.
    """
    from lenet.results import describe_inspection, inspect_network, write_inspection
    from lenet.serving import is_model

    wanted = given.of(_Inspection)
    model, inputs = "latest", list(wanted.names)
    if inputs and is_model(inputs[0], wanted.runs_folder):
        model, *inputs = inputs
    is_picture = wanted.output is not None and wanted.output.suffix.lower() == ".png"
    # One picture is of the activations, unless something else is asked for.
    usual = "activations" if is_picture else ",".join(PARTS)
    found = inspect_network(
        model,
        inputs,
        given.dataset(),
        parts=[part.strip() for part in (wanted.parts or usual).split(",")],
        layers=wanted.layer,
        map_method=wanted.map_method,
        distance=wanted.distance,
        device=given.of(Compute).device,
        runs_folder=wanted.runs_folder,
    )
    written = write_inspection(found, wanted.output, wanted.format)
    sentences = describe_inspection(found)
    words = "\n".join([*sentences, "Written to " + ", ".join(map(str, written))])
    print_written(written, words, given, findings=sentences)
