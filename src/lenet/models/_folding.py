"""What is left of a network to compute: layers folded into each other, or the kernels' blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Literal, NamedTuple

import numpy as np

from lenet.errors import ModelError, SettingError
from lenet.kernels import (
    Block,
    ConvBlock,
    DenseBlock,
    fold_batch_norm,
)
from lenet.models._network import Network, check_same
from lenet.models.layers import (
    Activation,
    Array,
    Arrays,
    BatchNorm,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    PartialConvolution,
    Placed,
    Pooling,
    Residual,
    Shape,
    apply,
    arrays_under,
)

# The functions that the kernels know.
_FUNCTIONS: dict[str, Literal["none", "sigmoid", "tanh", "relu"]] = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
}


@dataclass(frozen=True, eq=False)
class TrainedLayer(Placed):
    """A layer at its place, with its numbers.

    Attributes:
        layer: The layer.
        input_shape: What comes in, for one image.
        output_shape: What comes out.
        arrays: Its weights and statistics by their names, float32.
        sides: Of a residual sum, the layers of its main list and of its shortcut.
    """

    arrays: dict[str, Array]
    sides: tuple[list["TrainedLayer"], ...] = ()

    def apply(self, values: Array) -> Array:
        """What it makes of a batch (N, …), slowly and readably."""
        if not self.sides:
            return apply(self.layer, values, self.arrays)
        main, shortcut = (
            reduce(lambda given, one: one.apply(given), side, values) for side in self.sides
        )
        total: Array = main + shortcut
        return total


def fold_network(network: Network, arrays: Arrays) -> list[TrainedLayer]:
    """What there is to compute for an image, layer by layer.

    Dropout and identities are left out, batch normalisation after a convolution or a dense layer
    is in its weights, and LeNet-5's partial convolution is an ordinary one with zeros in it.

    Args:
        network: The network.
        arrays: The arrays of its model file, by their names there.

    Raises:
        ModelError: The arrays are not those of such a network.
    """
    return _fold(network.placed, computed_with(network, arrays))


def computed_with(network: Network, arrays: Arrays) -> dict[str, Array]:
    """What a network computes with of the arrays of its model file, as float32.

    Raises:
        ModelError: The arrays are not those of such a network.
    """
    wanted = network.weights() | network.statistics()
    counts = {name for name in wanted if name.endswith("num_batches_tracked")}
    check_same(
        {name: str(list(array.shape)) for name, array in arrays.items()},
        {name: str(list(shape)) for name, shape in wanted.items()},
        counts,
    )
    return {name: array.astype(np.float32) for name, array in arrays.items() if name not in counts}


def network_blocks(network: Network, arrays: Arrays) -> tuple[list[Block], list[Array]]:
    """A trained network for the compiled kernels: blocks, and weights and biases of each.

    Args:
        network: The network.
        arrays: The arrays of its model file, by their names there.

    Raises:
        ModelError: The kernels do not serve such a network, or the arrays are not its.
    """
    folded = fold_network(network, arrays)
    blocks, parameters = [], []
    for block, place, _ in kernel_blocks(folded):
        weights = folded[place].arrays
        blocks.append(block)
        parameters += [
            weights["weight"],
            weights.get("bias", np.zeros(len(weights["weight"]), np.float32)),
        ]
    return blocks, parameters


def _fold(layers: Sequence[Placed], arrays: Arrays) -> list[TrainedLayer]:
    """What is left of a list of layers."""
    folded: list[TrainedLayer] = []
    for placed in layers:
        layer, own = placed.layer, arrays_under(placed.layer.name, arrays)
        if isinstance(layer, Dropout) or layer == Activation(name=layer.name, function="identity"):
            continue
        before = folded[-1] if folded else None
        if (
            before
            and isinstance(layer, BatchNorm)
            and isinstance(before.layer, (Convolution, Dense))
        ):
            weight, bias = fold_batch_norm(
                before.arrays["weight"], before.arrays.get("bias"), own, layer.epsilon
            )
            whole = replace(before.layer, bias=True)
            folded[-1] = replace(before, layer=whole, arrays={"weight": weight, "bias": bias})
            continue
        if isinstance(layer, PartialConvolution):
            layer, own = layer.whole(own)
        sides: tuple[list[TrainedLayer], ...] = ()
        if isinstance(layer, Residual):
            sides = tuple(_fold(side, own) for side in layer.sides(placed.input_shape))
        folded.append(TrainedLayer(layer, placed.input_shape, placed.output_shape, own, sides))
    return folded


class KernelBlock(NamedTuple):
    """A block, and where in the list of layers its numbers are."""

    block: Block  # what it computes, bar the batch normalisation
    weighted: int  # the place of its convolution or dense layer
    norm: int | None  # the place of the batch normalisation that follows, if one does


def kernel_blocks(layers: Sequence[Placed]) -> list[KernelBlock]:
    """The layers of a whole network as blocks, or the error that says which can't be one."""
    shapes = tuple(placed.input_shape for placed in layers)
    return _kernel_blocks(tuple(placed.layer for placed in layers), shapes)


@lru_cache(100)
def _kernel_blocks(kinds: tuple[Layer, ...], shapes: tuple[Shape, ...]) -> list[KernelBlock]:
    blocks: list[KernelBlock] = []
    place = 0
    while place < len(kinds):
        layer, start = kinds[place], place
        place += 1
        if isinstance(layer, Flatten) and place < len(kinds):
            continue
        norm = place if place < len(kinds) and isinstance(kinds[place], BatchNorm) else None
        place += norm is not None
        follows = kinds[place] if place < len(kinds) else None
        function = follows.function if isinstance(follows, Activation) else ""
        activation = _FUNCTIONS.get(function, "none")
        place += activation != "none"
        pooling = kinds[place] if place < len(kinds) else None
        try:
            if isinstance(layer, Dense):
                block: Block = DenseBlock(shapes[start][0], layer.units, activation)
            elif _is_plain(layer) and _halves(pooling) and activation != "none":
                assert isinstance(layer, Convolution)
                assert isinstance(pooling, Pooling)
                channels, height, width = shapes[start]
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
                settings = {**culprit.to_dict(), "name": None}
                said = [f"{key} {value}" for key, value in settings.items() if value is not None]
                message = (
                    f"The compiled kernels do not serve its layer `{culprit.name}` "
                    f"({', '.join(said).replace('_', ' ').removeprefix('kind ')})."
                )
                raise ModelError(message)
        except SettingError as error:
            raise ModelError(str(error)) from None
        blocks.append(KernelBlock(block, start, norm))
    if not blocks:
        message = "There are no layers."
        raise ModelError(message)
    return blocks


def _is_plain(layer: Layer) -> bool:
    """Whether it is a convolution with a square kernel and none of the rarer settings."""
    if not isinstance(layer, Convolution):
        return False
    size, margin, others = layer.kernel_size, layer.padding, (layer.stride, layer.dilation)
    is_square = size[0] == size[1] and margin[0] == margin[1]
    return is_square and others == ((1, 1), (1, 1)) and layer.groups == 1


def _halves(layer: Layer | None) -> bool:
    """Whether it is pooling of every 2×2 numbers."""
    return isinstance(layer, Pooling) and layer == Pooling(
        name=layer.name, method=layer.method, kernel_size=(2, 2)
    )
