"""The `lenet inspect` command."""

from pathlib import Path
from typing import Annotated

import typer

from lenet.cli._console import print_line
from lenet.cli._data_options import LabelColumn, ScoredData, SkipBad, choose_data
from lenet.cli._options import Device, RunsFolder
from lenet.results import PARTS, Distance, Format, MapMethod

_PARTS_HELP = "What to look at, parted by commas: " + ", ".join(f"`{part}`" for part in PARTS) + "."


def inspect(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|MODEL] [INPUT]…",
            help="A run's folder or name, `latest` (the default), a model file, `digits` or "
            "`fashion`; after it what to show to the network: a picture's path, `class:NAME` for "
            "the average image of a class, `all:NAME` for all its images, `test:17` or `train:17` "
            "for an example, `noise`. [default: one example of each class]",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A file (`.html`, `.png`) or a folder; one PNG shows one part, the activations "
            "unless `--parts` says otherwise. [default: `inspection.html` in the run "
            "folder; for a model file `NAME-inspection.html` here]",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="One page, or a picture a part. [default: as the output's name says, else html]",
            show_default=False,
        ),
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option("--parts", help=f"{_PARTS_HELP} [default: all]", show_default=False),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            help="A layer to show, by place (`0`, `c1`) or class (`Conv2d`); may be given several "
            "times. [default: all]",
            show_default=False,
        ),
    ] = None,
    map_method: Annotated[
        MapMethod,
        typer.Option(
            "--map", help="How the map is made: the directions of most variance, or t-SNE."
        ),
    ] = "pca",
    distance: Annotated[
        Distance, typer.Option("--distance", help="What makes training images near.")
    ] = "cosine",
    data: ScoredData = None,
    skip_bad: SkipBad = None,
    label_column: LabelColumn = None,
    device: Device = "auto",
    runs_folder: RunsFolder = Path("runs"),
) -> None:
    """Show what happens inside a network: filters, activations, saliency, neighbours, a map.

    Two inputs are compared: `lenet inspect latest class:pullover class:coat`.
    """
    from lenet.results import describe_inspection, inspect_network, write_inspection
    from lenet.serving import is_model

    model, inputs = "latest", list(names or ())
    if inputs and is_model(inputs[0], runs_folder):
        model, *inputs = inputs
    is_picture = output is not None and output.suffix.lower() == ".png"
    # One picture is of the activations, unless something else is asked for.
    usual = "activations" if is_picture else ",".join(PARTS)
    found = inspect_network(
        model,
        inputs,
        choose_data(data, {"skip_bad": skip_bad, "label_column": label_column}),
        parts=[part.strip() for part in (parts or usual).split(",")],
        layers=layer or (),
        map_method=map_method,
        distance=distance,
        device=device,
        runs_folder=runs_folder,
    )
    written = write_inspection(found, output, format)
    for sentence in describe_inspection(found):
        print_line(sentence)
    print_line("Written to " + ", ".join(map(str, written)))
