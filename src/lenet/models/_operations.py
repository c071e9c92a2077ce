"""A network as the list of operations that the compiled kernels' plain passes go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from lenet.errors import ModelError
from lenet.kernels import BatchNormArrays, Operation, PlainPredictor, Predictor, Program
from lenet.models._folding import computed_with, network_blocks
from lenet.models.layers import (
    FUNCTIONS,
    Activation,
    AdaptivePooling,
    Array,
    Arrays,
    BatchNorm,
    Convolution,
    Dense,
    Distances,
    Dropout,
    Flatten,
    Padding,
    PartialConvolution,
    Placed,
    Pooling,
    Residual,
    Shape,
    Subsampling,
    arrays_under,
    flat_layers,
)

if TYPE_CHECKING:
    from lenet.models._array_network import ArrayNetwork
    from lenet.models._network import Network

_FUNCTIONS = tuple(FUNCTIONS)  # in the order of native/functions.h
_MOST_WEIGHTS = 2**21  # of a layer: a tile goes through all of them, so they should stay in a cache
_METHODS = ("average", "max", "sum")  # in the order of native/program.h


class _Builder:
    """Puts operations together.

    Args:
        place_of: Gives the place of an array among the parameters, by its full name.
        in_training: Whether batch normalisation looks at batches and dropout draws.
    """

    def __init__(self, place_of: Callable[[str], int], in_training: bool):
        self.operations: list[Operation] = []
        self.values: dict[str, int] = {}  # what each layer makes, by its full name
        self._place_of, self._in_training = place_of, in_training

    def go_through(self, layers: Iterable[Placed], value: int) -> int:
        """Add layers one after the other; returns the value that comes out."""
        for placed in layers:
            value = self._go_on(placed, value)
            self.values[placed.layer.name] = value
        return value

    def _go_on(self, placed: Placed, value: int) -> int:
        layer = placed.layer
        if isinstance(layer, Residual):
            main, shortcut = (
                self.go_through((one.within(layer.name) for one in side), value)
                for side in layer.sides(placed.input_shape)
            )
            shape = placed.output_shape
            return self._add(placed, "sum", main, input_shape=_maps(shape), other=shortcut)
        if isinstance(layer, Subsampling):
            sums = self._add(
                placed, "pooling", value, kernel=(2, 2), stride=(2, 2), choice=_METHODS.index("sum")
            )
            return self._add(
                placed,
                "scale",
                sums,
                input_shape=_maps(placed.output_shape),
                **self._weights(placed),
            )
        if _does_nothing(placed, self._in_training):
            return value
        kind, settings = self._settings(placed)
        return self._add(placed, kind, value, **settings)

    def _settings(self, placed: Placed) -> tuple[Any, dict[str, Any]]:
        """The kind of operation that a layer is, and what differs from the defaults."""
        layer = placed.layer
        match layer:
            case Convolution():
                return "convolution", {
                    "kernel": layer.kernel_size,
                    "stride": layer.stride,
                    "padding": layer.padding,
                    "spread": layer.dilation,
                    "groups": layer.groups,
                    **self._weights(placed),
                }
            case PartialConvolution():
                pairs = tuple(zip(*layer.connections, strict=True))
                return "convolution", {
                    "kernel": layer.KERNEL,
                    "connections": pairs,
                    **self._weights(placed),
                }
            case Dense():
                return "dense", self._weights(placed)
            case Activation():
                choice = _FUNCTIONS.index(layer.function)
                return "activation", {"choice": choice, "number": layer.parameter or 0.0}
            case Pooling():
                return "pooling", {
                    "kernel": layer.kernel_size,
                    "stride": layer.stride,
                    "padding": layer.padding,
                    "spread": layer.dilation,
                    "choice": _METHODS.index(layer.method),
                    "counts_padding": layer.count_padding,
                }
            case AdaptivePooling():
                return "pooling", {"choice": _METHODS.index(layer.method), "is_adaptive": True}
            case BatchNorm():
                return "batch_norm" if self._in_training else "scale", self._weights(placed)
            case Dropout():
                draws_maps = layer.whole_maps and len(placed.input_shape) == 3
                return "dropout", {"number": layer.probability, "draws_maps": draws_maps}
            case Padding():
                left, _, above, _ = layer.margins
                return "padding", {"padding": (above, left), "number": layer.value}
            case Distances():
                return "distances", {"weights": self._place_of(f"{layer.name}.targets")}
            case _:
                raise NotImplementedError(layer.kind)

    def _weights(self, placed: Placed) -> dict[str, int]:
        name, own = placed.layer.name, placed.layer.weights(placed.input_shape)
        biases = self._place_of(f"{name}.bias") if "bias" in own else -1
        return {"weights": self._place_of(f"{name}.weight"), "biases": biases}

    def _add(self, placed: Placed, kind: Any, value: int, **settings: Any) -> int:
        shapes = {
            "input_shape": _maps(placed.input_shape),
            "output_shape": _maps(placed.output_shape),
        }
        self.operations.append(Operation(kind, value, **{**shapes, **settings}))
        return len(self.operations)


def _maps(shape: Shape) -> tuple[int, int, int]:
    """Channels, height and width; a row of units is as many channels of one number."""
    channels, height, width = shape if len(shape) == 3 else (shape[0], 1, 1)
    return channels, height, width


def _does_nothing(placed: Placed, in_training: bool) -> bool:
    layer = placed.layer
    if isinstance(layer, Dropout):
        return not in_training or not layer.probability
    return isinstance(layer, Flatten) or (
        isinstance(layer, Activation) and layer.function == "identity"
    )


def _build(
    layers: list[Placed], place_of: Callable[[str], int], in_training: bool
) -> tuple[Program, dict[str, int]]:
    builder = _Builder(place_of, in_training)
    builder.go_through(layers, 0)
    if not builder.operations:
        only = layers[0]
        builder.operations.append(
            Operation("activation", 0, _maps(only.input_shape), _maps(only.input_shape))
        )
    shapes = layers[0].input_shape, layers[-1].output_shape
    return Program(builder.operations, *shapes), builder.values


class TrainedProgram:
    """A network for plain steps, with its own arrays.

    Attributes:
        program: Its operations.

    Raises:
        ModelError: It is too large.
    """

    program: Program

    def __init__(self, network: ArrayNetwork):
        statistics = [name for name in network.arrays if name.endswith(".targets")]
        self._names, self._constants = network.weight_names, statistics
        places = {name: place for place, name in enumerate([*self._names, *statistics])}
        self.program, _ = _build(network.placed, places.__getitem__, True)
        self._norms = [
            one for one in flat_layers(network.placed) if isinstance(one.layer, BatchNorm)
        ]

    def arrays_of(
        self, network: ArrayNetwork
    ) -> tuple[list[Array], list[Array], list[BatchNormArrays]]:
        """What a step learns, what it only reads, and what its batch normalisations keep."""
        arrays, norms = network.arrays, []
        for placed in self._norms:
            layer = placed.layer
            assert isinstance(layer, BatchNorm)
            of = arrays_under(layer.name, arrays)
            kept = [of[name] for name in ("running_mean", "running_var", "num_batches_tracked")]
            momentum = -1.0 if layer.momentum == "cumulative" else layer.momentum
            norms.append(BatchNormArrays(layer.epsilon, momentum, *kept))
        learnt, constants = (
            [arrays[name] for name in names] for names in (self._names, self._constants)
        )
        return learnt, constants, norms


def evaluated_program(
    network: Network, arrays: Arrays
) -> tuple[Program, list[Array], dict[str, int]]:
    """A network for answers by plain passes.

    Args:
        network: The network.
        arrays: The arrays of its model file, by their names there.

    Returns:
        Its operations, the arrays that these name, and the value that each layer makes by its name.

    Raises:
        ModelError: It is too large, or the arrays are not those of such a network.
    """
    given = computed_with(network, arrays)
    for placed in flat_layers(network.placed):
        layer = placed.layer
        if isinstance(layer, BatchNorm):
            gain, offset = layer.gain_and_offset(arrays_under(layer.name, arrays))
            given[f"{layer.name}.weight"] = gain.astype(np.float32)
            given[f"{layer.name}.bias"] = offset.astype(np.float32)
    names = {name: place for place, name in enumerate(given)}
    program, values = _build(network.placed, names.__getitem__, False)
    return program, list(given.values()), values


def kernel_predictor(
    network: Network, arrays: Arrays, byte_values: Array, *, only_if_quick: bool
) -> Predictor | PlainPredictor:
    """A network for answers by the compiled kernels.

    Args:
        network: The network: a chain of fused blocks, or any, which plain passes serve.
        arrays: The arrays of its model file, by their names there.
        byte_values: What the 256 values of a byte image stand for, float32 of shape (256,).
        only_if_quick: Whether it is an error that plain passes are slower than PyTorch.

    Raises:
        ModelError: It is too large or slow, or the arrays are not those of such a network.
    """
    try:
        return Predictor(*network_blocks(network, arrays), byte_values)
    except ModelError:  # it is no chain of blocks
        if only_if_quick and not is_quick_by_plain_passes(network):
            raise
    program, parameters, _ = evaluated_program(network, arrays)
    return PlainPredictor(program, parameters, byte_values)


def is_quick_by_plain_passes(network: Network) -> bool:
    """Whether plain passes are as quick as PyTorch: `docs/concepts/speed.md` has figures."""
    return all(placed.parameters <= _MOST_WEIGHTS for placed in flat_layers(network.placed))
