"""Batch normalisation: which layers the kernels know, their numbers, and folding them away."""

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._library import BatchNormState
from lenet.kernels._predictor import fold_batch_norm

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


def fold(layer: BatchNorm, weight: Tensor, bias: Tensor | None) -> list[Tensor]:
    """A layer's weights and biases so that batch normalisation in evaluation mode is in them.

    Args:
        layer: The batch normalisation.
        weight: Of the convolution or dense layer before it, (outputs, …).
        bias: Of the same, (outputs,), where it has one.

    Returns:
        Weights and biases, as `fold_batch_norm` gives them.
    """
    norm = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
    before = None if bias is None else bias.detach().numpy()
    folded = fold_batch_norm(weight.detach().numpy(), before, norm, layer.eps)
    return [torch.from_numpy(array) for array in folded]


def check_trainable(layer: BatchNorm) -> None:
    """See that a step can update a layer's running statistics.

    Raises:
        ModelError: It can't.
    """
    batches = layer.num_batches_tracked
    if layer.momentum is None:
        message = f"The compiled kernels want a momentum for the running statistics of {layer}."
        raise ModelError(message)
    if batches is None or batches.dtype != torch.int64 or batches.device.type != "cpu":
        message = f"{layer} does not count its batches in int64 on the CPU."
        raise ModelError(message)


def statistics_of(layers: Sequence[BatchNorm]) -> list[Tensor]:
    """Running means, running variances and counts of batches, three a layer."""
    names = ("running_mean", "running_var", "num_batches_tracked")
    statistics = [layer._buffers[name] for layer in layers for name in names]
    return [tensor for tensor in statistics if tensor is not None]


def native_states(
    layers: Sequence[BatchNorm], statistics: Sequence[Tensor]
) -> ctypes.Array[BatchNormState]:
    """The layers' settings and the addresses of their statistics, as the library takes them."""
    addresses = iter([tensor.data_ptr() for tensor in statistics])
    states = [
        BatchNormState(layer.eps, layer.momentum, next(addresses), next(addresses), next(addresses))
        for layer in layers
    ]
    return (BatchNormState * len(states))(*states)
