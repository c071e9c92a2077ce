"""The `lenet summary` command."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lenet.cli._command import Given, Panel, Printed, command
from lenet.cli._console import print_json, print_table
from lenet.core import option
from lenet.models import MODELS, LeNetConfig

if TYPE_CHECKING:
    from lenet.models import Network


@dataclass(frozen=True)
class _Summary(Printed):
    """What is shown.

    Attributes:
        of: A network's TOML file, a run's folder or name, `latest`, or a model file.
        model: The network.
    """

    of: str | None = option(None, argument=True, metavar="[FILE|RUN|MODEL]")
    model: str = option("lenet", names=MODELS)


@command(_Summary, Panel(LeNetConfig, "Network", as_text=True))
def summary(given: Given) -> None:
    """Show a network layer by layer.

    Output shapes, parameters, multiply-accumulates an image, and the rows of the image that a row
    of the output sees.
    """
    from lenet.models import summarise

    network = _find(given)
    layers = summarise(network, (1, *network.input_shape))
    if given.of(Printed).json:
        print_json([asdict(layer) for layer in layers])
        return
    rows = [["layer", "output shape", "parameters", "multiply-accumulates", "receptive field"]]
    for layer in layers:
        name = f"{layer.place}  {layer.name}" if layer.place else layer.name
        numbers = [f"{layer.parameters:,}", f"{layer.multiply_accumulates:,}"]
        field = "" if layer.receptive_field is None else f"{layer.receptive_field}"
        rows.append([name, str(list(layer.output_shape)), *numbers, field])
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["total", "", f"{parameters:,}", f"{work:,}", ""])
    print_table(rows, left_columns=2)


def _find(given: Given) -> "Network":
    from lenet.models import Network, model_config, read_card
    from lenet.runs import Run, locate_model

    of = given.of(_Summary).of
    if of is None:
        return model_config(given.of(_Summary).model, given.typed_of(LeNetConfig)).network()
    given.refuse_others(("of", "json"), f"`{of}` is a network already")
    if of.endswith(".toml"):
        return Network.read(of)
    located = locate_model(of)
    path = located.require_model() if isinstance(located, Run) else located
    return read_card(path).settings().network()
