import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import ModelError
from lenet.kernels._blocks import Block, parameter_shapes
from lenet.kernels._network import Native, byte_images, call, float_images, native_network, pointers


class Predictor:
    """A network with weights of its own, for answers without PyTorch.

    An image gets the same bits alone and in a batch, on any number of threads. Any number of Python
    threads may use it at once.

    Args:
        blocks: The network.
        parameters: Weights and biases, block by block: float32 arrays, which are copied.
        byte_values: What the 256 values of a byte image stand for, float32 of shape (256,);
            0 … 1 where none are given.

    Raises:
        ModelError: The parameters do not fit the blocks, or these each other.

    Needs compiled kernels: see `kernel_status`.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        parameters: Sequence[NDArray[np.float32]],
        byte_values: NDArray[np.float32] | None = None,
    ):
        arrays = [np.ascontiguousarray(array, dtype=np.float32) for array in parameters]
        if [array.shape for array in arrays] != parameter_shapes(blocks):
            message = f"The parameters' shapes are not {parameter_shapes(blocks)}."
            raise ModelError(message)
        for before, after in itertools.pairwise(blocks):
            if math.prod(before.output_shape) != math.prod(after.input_shape):
                message = f"After {before}, {after} has the wrong input."
                raise ModelError(message)
        self._image_size = math.prod(blocks[0].input_shape)
        self._output_shape = blocks[-1].output_shape
        default = np.arange(256, dtype=np.float32) / np.float32(255)
        self._byte_values = np.ascontiguousarray(
            default if byte_values is None else byte_values, dtype=np.float32
        )
        if self._byte_values.shape != (256,):
            message = f"The byte values are {self._byte_values.shape}, not (256,)."
            raise ModelError(message)
        network = native_network(blocks)
        self._native = Native(
            "predictor", network.handle, pointers([array.ctypes.data for array in arrays])
        )

    def __call__(
        self, images: NDArray[np.float32] | NDArray[np.uint8], threads: int = 1
    ) -> NDArray[np.float32]:
        """The network's outputs.

        Args:
            images: (N, C, H, W) or (N, units): uint8, or numbers as the network takes them.
            threads: CPU threads to share the work.

        Returns:
            float32 (N, classes), or whatever the last block puts out.

        Raises:
            ModelError: The images are of another size.
        """
        if images.ndim < 2 or math.prod(images.shape[1:]) != self._image_size:
            message = f"Images have {images.shape[1:]} values each, not {self._image_size} in all."
            raise ModelError(message)
        kind = np.uint8 if images.dtype == np.uint8 else np.float32
        given = np.ascontiguousarray(images, dtype=kind)
        outputs = np.empty((len(images), *self._output_shape), np.float32)
        source = (
            byte_images(given.ctypes.data, self._byte_values.ctypes.data)
            if kind is np.uint8
            else float_images(given.ctypes.data)
        )
        call("predict", self._native.handle, source, len(images), threads, outputs.ctypes.data)
        return outputs


def fold_batch_norm(
    weight: NDArray[np.float32],
    bias: NDArray[np.float32] | None,
    norm: Mapping[str, NDArray[Any]],
    epsilon: float = 1e-5,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A layer's weights and biases so that batch normalisation in evaluation mode is in them.

    Args:
        weight: Of the convolution or dense layer before it, (outputs, …).
        bias: Of the same, (outputs,), where it has one.
        norm: Its `weight`, `bias`, `running_mean` and `running_var`, (outputs,) each.
        epsilon: What is added to the variance; PyTorch's own by default.

    Returns:
        Weights and biases, new and rounded once from float64.
    """
    gain, offset, mean, variance = (
        norm[name].astype(np.float64) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + epsilon)
    before = 0.0 if bias is None else bias.astype(np.float64)
    scaled = weight.astype(np.float64) * scale.reshape(-1, *[1] * (weight.ndim - 1))
    return scaled.astype(np.float32), (offset + (before - mean) * scale).astype(np.float32)
