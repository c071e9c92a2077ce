from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.models import PartialConvolution, RadialBasis
from lenet.results.inspection._layers import layers_to_trace

_DIGIT = (12, 7)  # rows and columns of the digits that LeNet-5's output layer knows


@dataclass(frozen=True, eq=False)
class LayerFilters:
    """The weights of a layer as pictures.

    Attributes:
        name: The layer, as in `LayerTrace`.
        weights: float32 (outputs, inputs, height, width): for each map or unit that the layer puts
            out, a picture for each map that it sees.
    """

    name: str
    weights: npt.NDArray[np.float32]


def read_filters(
    network: nn.Module, input_shape: tuple[int, ...] = (1, 28, 28)
) -> tuple[LayerFilters, ...]:
    """The filters of every convolution, and of the first dense layer if it sees the pixels.

    A softmax regression has one picture a class, the template of that class. LeNet-5's output
    layer, which compares with drawn digits, has those.

    Args:
        network: The network.
        input_shape: Channels, height and width of an image.

    >>> from lenet.models import SoftmaxRegression
    >>> read_filters(SoftmaxRegression())[0].weights.shape
    (10, 1, 28, 28)
    """
    found = []
    sees_pixels = True
    for name, layer in layers_to_trace(network).items():
        pictures = _pictures(layer, input_shape if sees_pixels else None)
        if pictures is not None:
            found.append(LayerFilters(name, pictures.detach().float().cpu().numpy()))
        sees_pixels = sees_pixels and not list(layer.parameters())
    return tuple(found)


def _pictures(layer: nn.Module, input_shape: tuple[int, ...] | None) -> torch.Tensor | None:
    """A layer's weights as (outputs, inputs, height, width), if they can be seen so.

    Args:
        layer: Any layer.
        input_shape: Of the image, if the layer is the first one to see it.
    """
    if isinstance(layer, nn.Conv2d):
        return layer.weight
    if isinstance(layer, PartialConvolution):
        return layer.filters()
    if isinstance(layer, RadialBasis):
        return layer.targets.reshape(-1, 1, *_DIGIT)
    if isinstance(layer, nn.Linear) and input_shape is not None:
        return layer.weight.reshape(-1, *input_shape)
    return None
