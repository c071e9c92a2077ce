"""Batch normalisation: which layers the kernels know, and folding them into the layer before."""

import torch
from torch import Tensor, nn

from lenet.errors import ModelError

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


def takes(layer: nn.Module, before: nn.Conv2d | nn.Linear) -> bool:
    """Whether a layer is the batch normalisation of what a convolution or a dense layer gives.

    Raises:
        ModelError: It is, and has a rarer setting.
    """
    kind = nn.BatchNorm2d if isinstance(before, nn.Conv2d) else nn.BatchNorm1d
    if type(layer) is not kind:
        return False
    if not layer.affine or not layer.track_running_stats:
        message = f"The compiled kernels want weights and running statistics of {layer}."
        raise ModelError(message)
    outputs = before.weight.shape[0]
    if layer.num_features != outputs:
        message = f"{layer} does not fit the {outputs} outputs before it."
        raise ModelError(message)
    return True


def fold(layer: BatchNorm, weight: Tensor, bias: Tensor | None) -> list[Tensor]:
    """A layer's weights and biases so that batch normalisation in evaluation mode is in them.

    Args:
        layer: The batch normalisation.
        weight: Of the convolution or dense layer before it, (outputs, …).
        bias: Of the same, (outputs,), where it has one.

    Returns:
        Weights and biases, new and rounded once from float64.
    """
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = layer.weight.double() / torch.sqrt(layer.running_var.double() + layer.eps)
    before = 0.0 if bias is None else bias.double()
    shift = layer.bias.double() + (before - layer.running_mean.double()) * scale
    scaled = weight.double() * scale.view(-1, *[1] * (weight.ndim - 1))
    return [scaled.float(), shift.float()]
