import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

from lenet.kernels._blocks import Block, ConvBlock
from lenet.kernels._library import Images, LayerDescription, library

ACTIVATIONS = ("none", "sigmoid", "tanh", "relu")  # in the order of native/activation.h
_POOLINGS = ("average", "max")  # in the order of native/pooling.h


class Native:
    """An object of the compiled library, freed with this one.

    Args:
        kind: Its kind, the beginning of the library's functions for it.
        arguments: Of the function that makes it.
    """

    def __init__(self, kind: str, *arguments: Any):
        self.handle = getattr(library(), f"lenet_{kind}_new")(*arguments)
        if not self.handle:
            raise MemoryError
        weakref.finalize(self, getattr(library(), f"lenet_{kind}_free"), self.handle)


def native_network(blocks: Sequence[Block], batch_norms: Sequence[bool] = ()) -> Native:
    """The compiled library's description of a network.

    Args:
        blocks: The network.
        batch_norms: Whether each block has a batch normalisation; none has, where this is empty.
    """
    descriptions = (LayerDescription * len(blocks))(*map(_describe, blocks))
    for description, has_batch_norm in zip(descriptions, batch_norms, strict=False):
        description.has_batch_norm = has_batch_norm
    return Native("network", descriptions, len(blocks))


def call(name: str, *arguments: Any) -> None:
    """Call a function of the compiled library.

    Raises:
        MemoryError: There is not enough memory.
    """
    if not getattr(library(), f"lenet_{name}")(*arguments):
        raise MemoryError


def pointers(addresses: Sequence[int | None]) -> ctypes.Array[ctypes.c_void_p]:
    """Addresses of arrays as an array."""
    return (ctypes.c_void_p * len(addresses))(*addresses)


def float_images(address: int) -> Images:
    """Images of float32 numbers."""
    return Images(address, None, None)


def byte_images(address: int, values_address: int) -> Images:
    """Images of bytes, with the address of the 256 float32 numbers that they stand for."""
    return Images(None, address, values_address)


def _describe(block: Block) -> LayerDescription:
    """A block as the compiled library takes it."""
    activation = ACTIVATIONS.index(block.activation)
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
