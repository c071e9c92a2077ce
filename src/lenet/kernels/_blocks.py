"""Networks of blocks: as plain data, in the compiled library, and for answers without PyTorch."""

import ctypes
import itertools
import math
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lenet.core import Settings
from lenet.errors import ModelError
from lenet.kernels._interface import Images, LayerDescription
from lenet.kernels._library import library

Activation = Literal["none", "sigmoid", "tanh", "relu"]
Pooling = Literal["average", "max"]
_ACTIVATIONS = ("none", "sigmoid", "tanh", "relu")  # in the order of native/pooling.h
_POOLINGS = ("average", "max")  # in the order of native/pooling.h
_POOL = 2
_MOST_VALUES = 2**24  # of one image in one layer, so that no index of the compiled code overflows


@dataclass(frozen=True)
class ConvBlock(Settings):
    """A convolution of stride 1, an activation and 2×2 pooling.

    Attributes:
        channels: Of the input.
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        filters: Channels of the output.
        kernel_size: Height and width of the filters, in pixels.
        padding: Rows and columns of zeros round the input.
        activation: What follows the convolution.
        pooling: What 2×2 pixels become, their average or their maximum.

    Raises:
        SettingError: A value is out of range, or the input is too small or too large.
    """

    channels: int
    height: int
    width: int
    filters: int
    kernel_size: int
    padding: int = 0
    activation: Activation = "sigmoid"
    pooling: Pooling = "average"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "height", "width", "filters", "kernel_size"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        self.require("padding", self.padding >= 0, "at least 0")
        rows, columns = self._convolved_size()
        self.require("kernel_size", min(rows, columns) >= _POOL, "small enough for its input")
        padded = (self.height + 2 * self.padding) * (self.width + 2 * self.padding)
        largest = max(self.channels * padded, self.filters * rows * columns, *self.weight_shape)
        weights = self.filters * self.channels * self.kernel_size**2
        self.require("height", max(largest, weights) <= _MOST_VALUES, "smaller: too many values")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the input."""
        return self.channels, self.height, self.width

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the output."""
        rows, columns = self._convolved_size()
        return self.filters, rows // _POOL, columns // _POOL

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Output channels, input channels, height and width of the filters."""
        return self.filters, self.channels, self.kernel_size, self.kernel_size

    def _convolved_size(self) -> tuple[int, int]:
        """Height and width between convolution and pooling."""
        more = 2 * self.padding - self.kernel_size + 1
        return self.height + more, self.width + more


@dataclass(frozen=True)
class DenseBlock(Settings):
    """A dense layer and an activation.

    Attributes:
        inputs: Units of the input.
        outputs: Units of the output.
        activation: What follows.

    Raises:
        SettingError: A value is out of range.
    """

    inputs: int
    outputs: int
    activation: Activation = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("inputs", "outputs"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        self.require("outputs", self.inputs * self.outputs <= _MOST_VALUES, "smaller")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Units of the input."""
        return (self.inputs,)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Units of the output."""
        return (self.outputs,)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Units of the output and of the input."""
        return self.outputs, self.inputs


Block = ConvBlock | DenseBlock


def parameter_shapes(blocks: Sequence[Block]) -> list[tuple[int, ...]]:
    """Shapes of weights and biases, block by block."""
    return [shape for block in blocks for shape in (block.weight_shape, block.weight_shape[:1])]


class Native:
    """An object of the compiled library, freed with this one; its functions begin with its kind."""

    handle: Any

    def __init__(self, kind: str, *arguments: Any):
        self.handle = getattr(library(), f"lenet_{kind}_new")(*arguments)
        if not self.handle:
            raise MemoryError
        weakref.finalize(self, getattr(library(), f"lenet_{kind}_free"), self.handle)


def native_network(blocks: Sequence[Block], batch_norms: Sequence[bool] = ()) -> Native:
    """The library's description of blocks; `batch_norms` says which have one, none if empty."""
    descriptions = (LayerDescription * len(blocks))(*map(_describe, blocks))
    for description, has_batch_norm in zip(descriptions, batch_norms, strict=False):
        description.has_batch_norm = has_batch_norm
    return Native("network", descriptions, len(blocks))


def call(name: str, *arguments: Any) -> None:
    """Call a function of the compiled library that wants memory."""
    if not getattr(library(), f"lenet_{name}")(*arguments):
        raise MemoryError


def pointers(addresses: Sequence[int | None]) -> ctypes.Array[ctypes.c_void_p]:
    """Addresses of arrays as an array."""
    return (ctypes.c_void_p * len(addresses))(*addresses)


def addresses_of(arrays: Sequence[NDArray[Any]]) -> list[int]:
    """Where arrays begin in memory."""
    return [array.ctypes.data for array in arrays]


def _describe(block: Block) -> LayerDescription:
    activation = _ACTIVATIONS.index(block.activation)
    if isinstance(block, ConvBlock):
        return LayerDescription(
            is_convolution=1,
            inputs=block.channels,
            height=block.height,
            width=block.width,
            padding=block.padding,
            kernel=block.kernel_size,
            outputs=block.filters,
            activation=activation,
            pooling=_POOLINGS.index(block.pooling),
        )
    return LayerDescription(inputs=block.inputs, outputs=block.outputs, activation=activation)


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
            Images(None, given.ctypes.data, self._byte_values.ctypes.data)
            if kind is np.uint8
            else Images(given.ctypes.data, None, None)
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
    with np.errstate(over="ignore"):  # an answer that is not finite is told where it is given
        return scaled.astype(np.float32), (offset + (before - mean) * scale).astype(np.float32)
