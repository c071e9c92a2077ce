import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lenet.errors import LenetError, ModelError
from lenet.models._array_network import ArrayNetwork
from lenet.models._configs import ModelConfig
from lenet.models._network import Network
from lenet.models.layers import Placed, Residual, receptive_fields

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class LayerSummary:
    """What one layer makes of one image.

    Attributes:
        name: Its class, such as `Conv2d`.
        output_shape: The shape of its output for the batch that was tried.
        parameters: How many numbers it learns.
        multiply_accumulates: Multiplications with addition, an image, without biases; 0 for
            layers that are no weighted sums or distances.
        place: Its name in the network, such as `c1`; nothing for a mere number.
        receptive_field: Rows of the image that a row of its output sees; nothing where it sees all
            of them or where that is not known.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_accumulates: int
    place: str = ""
    receptive_field: int | None = None


def summarise(
    model: "nn.Module | ArrayNetwork | Network | ModelConfig",
    input_shape: tuple[int, ...] = (1, 1, 28, 28),
) -> list[LayerSummary]:
    """Note what each layer of a network makes of a batch.

    Args:
        model: The network, which is left in the mode it was in; its list of layers, or its
            settings.
        input_shape: Shape of the batch, (N, C, H, W).

    Raises:
        ModelError: The batch does not fit the network.

    >>> from lenet.models import LeNet
    >>> summarise(LeNet())[0]
    LayerSummary(name='Conv2d', output_shape=(1, 6, 28, 28), parameters=156, multiply_accumulates=117600, place='', receptive_field=5)
    """  # noqa: E501
    count, shape = input_shape[:1], tuple(input_shape[1:])
    if isinstance(model, ArrayNetwork):
        model = model.network
    if isinstance(model, ModelConfig | Network):
        network = model.network()
        return list(_rows(Network(network.layers, shape).placed, count))
    try:
        described = Network.from_module(model, shape)
    except LenetError:  # it is no list of layers, or does not take such images
        return _watch(model, tuple(input_shape))
    return list(_rows(described.placed, count))


def _rows(
    layers: Iterable[Placed], count: tuple[int, ...], inside: bool = False
) -> Iterator[LayerSummary]:
    """A row a layer; those within a residual sum stand before it."""
    placed = list(layers)
    fields = receptive_fields(placed)
    for one, (reach, _) in zip(placed, fields, strict=True):
        layer, parameters, operations = one.layer, one.parameters, one.multiply_accumulates
        if isinstance(layer, Residual):
            parameters = operations = 0
            for side in layer.sides(one.input_shape):
                named = [part.within(layer.name) for part in side]
                yield from _rows(named, count, inside=True)
        yield LayerSummary(
            layer.title(one.input_shape),
            (*count, *one.output_shape),
            parameters,
            operations,
            "" if layer.name.replace(".", "").isdigit() else layer.name,
            None if inside or reach == 0 else reach,
        )


def _watch(model: "nn.Module", input_shape: tuple[int, ...]) -> list[LayerSummary]:
    """The same for any module, by sending a batch of zeros through it."""
    import torch
    from torch import nn

    from lenet.models._recognise import describe_layer, try_out

    rows: list[LayerSummary] = []
    counted: set[nn.Parameter] = set()

    places = {layer: name for name, layer in model.named_modules() if not list(layer.children())}

    def note(layer: nn.Module, inputs: Any, output: Any) -> None:
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else ()
        operations = 0
        try:
            seen = tuple(inputs[0].shape[1:])
            operations = describe_layer(layer, seen).multiply_accumulates(seen)
        except (ModelError, AttributeError, IndexError):  # it is none that lenet knows
            weight = getattr(layer, "weight", None)
            if isinstance(weight, torch.Tensor) and weight.ndim > 1:
                operations = math.prod(shape[1:]) * weight[0].numel()
        learnt = sum(one.numel() for one in layer.parameters(recurse=False) if one not in counted)
        counted.update(layer.parameters(recurse=False))  # a layer may be called twice
        place = "" if places[layer].replace(".", "").isdigit() else places[layer]
        rows.append(LayerSummary(type(layer).__name__, shape, learnt, operations, place))

    with ExitStack() as hooks:  # not one for all modules, which would take every network's kernels
        for layer in places:
            hooks.enter_context(layer.register_forward_hook(note))
        try_out(model, input_shape)
    return rows
