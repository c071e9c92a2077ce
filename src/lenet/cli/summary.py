"""The `lenet summary` command."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lenet.cli._command import Given, Panel, command
from lenet.cli._console import print_json, print_table
from lenet.cli._shared import Printed
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
    """Show a network layer by layer: output shapes, parameters, multiply-accumulates an image."""
    from lenet.models import summarise

    network = _find(given)
    layers = summarise(network, (1, *network.input_shape))
    if given.of(Printed).json:
        print_json([asdict(layer) for layer in layers])
        return
    rows = [["layer", "output shape", "parameters", "multiply-accumulates", "sees"]]
    for layer in layers:
        name = f"{layer.place}  {layer.name}" if layer.place else layer.name
        sees = "" if layer.receptive_field is None else f"{layer.receptive_field} rows"
        numbers = [f"{layer.parameters:,}", f"{layer.multiply_accumulates:,}"]
        rows.append([name, str(list(layer.output_shape)), *numbers, sees])
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["total", "", f"{parameters:,}", f"{work:,}", ""])
    print_table(rows, left_columns=2)


def _find(given: Given) -> "Network":
    """The network that is meant."""
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
