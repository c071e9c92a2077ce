"""The `lenet summary` command."""

from dataclasses import asdict, dataclass

from lenet.cli._command import Given, Panel, command
from lenet.cli._console import print_json, print_table
from lenet.cli._shared import Printed
from lenet.core import option
from lenet.models import MODELS, LeNetConfig


@dataclass(frozen=True)
class _Summary(Printed):
    """What is shown.

    Attributes:
        model: The network.
    """

    model: str = option("lenet", names=MODELS)


@command(_Summary, Panel(LeNetConfig, "Network", as_text=True))
def summary(given: Given) -> None:
    """Show a network layer by layer: output shapes, parameters, multiply-accumulates an image."""
    import torch

    from lenet.models import build_model, model_config, summarise

    config = model_config(given.of(_Summary).model, given.typed_of(LeNetConfig))
    with torch.device("meta"):  # shapes alone, whatever the size
        layers = summarise(build_model(config), (1, *config.input_shape))
    if given.of(Printed).json:
        print_json([asdict(layer) for layer in layers])
        return
    rows = [["layer", "output shape", "parameters", "multiply-accumulates"]]
    for layer in layers:
        shape = str(list(layer.output_shape))
        name = f"{layer.place}  {layer.name}" if layer.place else layer.name
        rows.append([name, shape, f"{layer.parameters:,}", f"{layer.multiply_accumulates:,}"])
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["total", "", f"{parameters:,}", f"{work:,}"])
    print_table(rows, left_columns=2)
