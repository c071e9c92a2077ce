"""A network's layers as the blocks that the compiled kernels know."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from lenet.errors import ModelError, SettingError
from lenet.kernels import Block, ConvBlock, DenseBlock
from lenet.models.layers import (
    Activation,
    BatchNorm,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Placed,
    Pooling,
)

_Function = Literal["none", "sigmoid", "tanh", "relu"]


class KernelBlock(NamedTuple):
    """A block, and where in the list of layers its numbers are.

    Attributes:
        block: What it computes, bar the batch normalisation.
        weighted: The place of its convolution or dense layer.
        norm: The place of the batch normalisation that follows, if one does.
    """

    block: Block
    weighted: int
    norm: int | None


def kernel_blocks(layers: Sequence[Placed]) -> list[KernelBlock]:
    """The layers of a whole network as blocks.

    Raises:
        ModelError: The compiled kernels do not serve it; the message says which layer.
    """
    blocks: list[KernelBlock] = []
    kinds = [placed.layer for placed in layers]
    place = 0
    while place < len(kinds):
        layer, start = kinds[place], place
        place += 1
        if isinstance(layer, Flatten) and place < len(kinds):
            continue
        norm = place if place < len(kinds) and isinstance(kinds[place], BatchNorm) else None
        place += norm is not None
        follows = kinds[place] if place < len(kinds) else None
        activation = _activation(follows)
        place += activation != "none"
        pooling = kinds[place] if place < len(kinds) else None
        try:
            if isinstance(layer, Dense):
                block: Block = DenseBlock(layers[start].input_shape[0], layer.units, activation)
            elif _is_plain(layer) and _halves(pooling) and activation != "none":
                assert isinstance(layer, Convolution)
                assert isinstance(pooling, Pooling)
                channels, height, width = layers[start].input_shape
                block = ConvBlock(
                    channels,
                    height,
                    width,
                    filters=layer.filters,
                    kernel_size=layer.kernel_size[0],
                    padding=layer.padding[0],
                    activation=activation,
                    pooling=pooling.method,
                )
                place += 1
            else:
                culprit = layer
                if _is_plain(layer):
                    culprit = (follows if activation == "none" else pooling) or layer
                message = (
                    f"The compiled kernels do not serve its layer `{culprit.name}`, {culprit}."
                )
                raise ModelError(message)
        except SettingError as error:
            raise ModelError(str(error)) from None
        blocks.append(KernelBlock(block, start, norm))
    if not blocks:
        message = "There are no layers."
        raise ModelError(message)
    return blocks


def _activation(layer: Layer | None) -> _Function:
    """The function of an activation that the kernels know."""
    function = layer.function if isinstance(layer, Activation) else "none"
    known: dict[str, _Function] = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu"}
    return known.get(function, "none")


def _is_plain(layer: Layer) -> bool:
    """Whether it is a convolution with a square kernel and none of the rarer settings."""
    if not isinstance(layer, Convolution):
        return False
    kept = ("kernel_size", "padding")
    rarer = {"stride": (1, 1), "dilation": (1, 1), "groups": 1}
    return all(len(set(getattr(layer, name))) == 1 for name in kept) and all(
        getattr(layer, name) == value for name, value in rarer.items()
    )


def _halves(layer: Layer | None) -> bool:
    """Whether it is pooling of every 2×2 numbers."""
    return isinstance(layer, Pooling) and layer == Pooling(
        name=layer.name, method=layer.method, kernel_size=(2, 2)
    )
