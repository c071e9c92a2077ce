"""What PyTorch alone can tell of a network: of modules of one's own, and of other devices."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.models import PartialConvolution, RadialBasis, in_evaluation_mode
from lenet.results._networks import DIGIT, device_of

Values = npt.NDArray[np.float32]


def named_leaves(network: nn.Module) -> dict[str, nn.Module]:
    """The layers that hold no others, by place and class: `0 Conv2d`, `c1 Conv2d`."""
    return {
        f"{place} {type(layer).__name__}".strip(): layer
        for place, layer in network.named_modules()
        if not list(layer.children()) and type(layer) is not nn.Sequential
    }


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode; images that don't fit it are one clear error.

    Raises:
        ModelError: The images do not fit.
    """
    try:
        with in_evaluation_mode(network):
            yield
    except (RuntimeError, ValueError, IndexError) as error:
        message = f"The network does not take these images: {error}"
        raise ModelError(message) from error


def module_values(network: nn.Module, inputs: Any) -> dict[str, Values]:
    """What every layer makes of a batch, by the layers' names, in the order of their calls."""
    outputs: dict[str, Values] = {}
    with ExitStack() as hooks, evaluating(network), torch.no_grad():
        for name, layer in named_leaves(network).items():
            hooks.enter_context(layer.register_forward_hook(partial(_keep, outputs, name)))
        network(torch.from_numpy(inputs) if isinstance(inputs, np.ndarray) else inputs)
    return outputs


def _keep(
    outputs: dict[str, Values], name: str, layer: nn.Module, inputs: Any, output: Tensor
) -> None:
    """Note what a layer put out; a copy, as a layer behind it may work in place."""
    outputs[name] = output.detach().float().cpu().numpy().copy()


def module_forward(network: nn.Module, inputs: Values) -> tuple[Values, Callable[[Values], Values]]:
    """What a network makes of a batch, and what takes slopes by it back to the batch."""
    device = device_of(network)
    given = torch.from_numpy(inputs).to(device).requires_grad_()
    with evaluating(network), torch.enable_grad():
        logits: Tensor = network(given)

    def back(slopes: Values) -> Values:
        (found,) = torch.autograd.grad(logits, given, torch.from_numpy(slopes).to(device))
        by_inputs: Values = found.cpu().numpy()
        return by_inputs

    return logits.detach().cpu().numpy(), back


def without_last(network: nn.Module) -> nn.Module:
    """A network without its last layer."""
    return nn.Sequential(*list(network.children())[:-1])


def module_filters(
    network: nn.Module, input_shape: tuple[int, ...]
) -> Iterator[tuple[str, Values]]:
    """The layers with weights that are pictures, (outputs, inputs, height, width): `read_filters`.

    Args:
        network: The network.
        input_shape: Channels, height and width of an image.
    """
    sees_pixels = True
    for name, layer in named_leaves(network).items():
        weights = None
        if isinstance(layer, nn.Conv2d):
            weights = layer.weight
        elif isinstance(layer, PartialConvolution):
            weights = layer.filters()
        elif isinstance(layer, RadialBasis):
            weights = layer.targets.reshape(-1, 1, *DIGIT)
        elif isinstance(layer, nn.Linear) and sees_pixels:
            weights = layer.weight.reshape(-1, *input_shape)
        if weights is not None:
            yield name, weights.detach().float().cpu().numpy()
        sees_pixels = sees_pixels and not list(layer.parameters())
