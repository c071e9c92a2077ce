"""The `lenet summary` command."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lenet.cli._console import listed, print_json, print_table
from lenet.cli._settings_options import Panel, settings_options, used_settings
from lenet.models import MODELS, LeNetConfig


@settings_options(Panel(LeNetConfig, "Network"))
def summary(
    model: Annotated[
        str, typer.Option("--model", help=f"The network: {listed(MODELS)}.")
    ] = "lenet",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **settings: Any,
) -> None:
    """Show a network layer by layer: output shapes, parameters, multiply-accumulates an image."""
    import torch

    from lenet.models import build_model, model_config, summarise

    config = model_config(model, used_settings((LeNetConfig,), settings))
    with torch.device("meta"):  # shapes alone, whatever the size
        layers = summarise(build_model(config), (1, *config.input_shape))
    if as_json:
        print_json([asdict(layer) for layer in layers])
        return
    rows = [["layer", "output shape", "parameters", "multiply-accumulates"]]
    for layer in layers:
        shape = str(list(layer.output_shape))
        name = f"{layer.place}  {layer.name}" if layer.place else layer.name
        rows.append([name, shape, *map(_count, (layer.parameters, layer.multiply_accumulates))])
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["total", "", _count(parameters), _count(work)])
    print_table(rows, left_columns=2)


def _count(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"
