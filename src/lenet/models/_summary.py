import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.models._lenet5_layers import PartialConvolution, RadialBasis, Subsampling


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
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_accumulates: int
    place: str = ""


def summarise(
    model: nn.Module, input_shape: tuple[int, ...] = (1, 1, 28, 28)
) -> list[LayerSummary]:
    """Send a batch of zeros through a network and note what each layer does.

    Args:
        model: The network; left in the mode it was in.
        input_shape: Shape of the batch, (N, C, H, W).

    Raises:
        ModelError: The batch does not fit the network.

    >>> from lenet.models import LeNet
    >>> summarise(LeNet())[0]
    LayerSummary(name='Conv2d', output_shape=(1, 6, 28, 28), parameters=156, multiply_accumulates=117600, place='')
    """  # noqa: E501
    layers: list[LayerSummary] = []
    hooks = [
        layer.register_forward_hook(
            partial(_record, layers, "" if name.replace(".", "").isdigit() else name)
        )
        for name, layer in model.named_modules()
        if not list(layer.children())
    ]
    modes = {layer: layer.training for layer in model.modules()}
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(input_shape, device=device))
    except (RuntimeError, ValueError, IndexError) as error:
        message = f"The network does not take a batch of shape {tuple(input_shape)}: {error}"
        raise ModelError(message) from error
    finally:
        for layer, mode in modes.items():
            layer.training = mode
        for hook in hooks:
            hook.remove()
    return layers


def _record(
    layers: list[LayerSummary], place: str, layer: nn.Module, inputs: Any, output: Tensor
) -> None:
    """Note one layer as its output comes by."""
    parameters = sum(parameter.numel() for parameter in layer.parameters(recurse=False))
    layers.append(
        LayerSummary(
            type(layer).__name__,
            tuple(output.shape),
            parameters,
            _multiply_accumulates(layer, output),
            place,
        )
    )


def _multiply_accumulates(layer: nn.Module, output: Tensor) -> int:
    """Each number of the output takes one multiplication for every weight that it sees."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        weights_seen = layer.weight[0].numel()
        return math.prod(output.shape[1:]) * weights_seen
    if isinstance(layer, PartialConvolution):
        return layer.weight.numel() * math.prod(output.shape[2:])
    if isinstance(layer, Subsampling):
        return math.prod(output.shape[1:])
    if isinstance(layer, RadialBasis):
        return layer.targets.numel()
    return 0
