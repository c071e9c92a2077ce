"""A network as a plain list of layers with NumPy arrays: what another program has to compute.

Each layer computes its own output, too, slowly and readably.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.kernels import fold_batch_norm
from lenet.models._lenet5_config import BACKGROUND, C3_INPUTS, LeNet5Config
from lenet.models._lenet_config import LeNetConfig
from lenet.models._model_config import ModelConfig
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig

Array = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[np.generic]]
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ConvolutionLayer:
    """A convolution of stride 1.

    Attributes:
        weights: float32 (filters, channels, kernel size, kernel size).
        biases: float32 (filters,).
        padding: Rows and columns round the input.
        padding_value: What is in them.
    """

    weights: Array
    biases: Array
    padding: int = 0
    padding_value: float = 0.0

    def output_shape(self, input_shape: Shape) -> Shape:
        """(C, H, W) of what comes out."""
        _, height, width = input_shape
        filters, _, kernel_size, _ = self.weights.shape
        more = 2 * self.padding - kernel_size + 1
        return filters, height + more, width + more

    def apply(self, images: Array) -> Array:
        """(N, C, H, W) to (N, filters, H', W')."""
        margin = (self.padding, self.padding)
        padded = np.pad(
            images, ((0, 0), (0, 0), margin, margin), constant_values=self.padding_value
        )
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.weights.shape[2:], (2, 3))
        sums: Array = np.tensordot(windows, self.weights, ((1, 4, 5), (1, 2, 3)))
        return np.moveaxis(sums + self.biases, 3, 1)


@dataclass(frozen=True, eq=False)
class ActivationLayer:
    """A function of each number by itself.

    Attributes:
        function: Its name; `gelu` is the exact one, by the error function, and `scaled-tanh` is
            LeNet-5's 1.7159 · tanh(2/3 · a).
    """

    function: Literal["sigmoid", "tanh", "relu", "gelu", "scaled-tanh"]

    def output_shape(self, input_shape: Shape) -> Shape:
        """The input's."""
        return input_shape

    def apply(self, values: Array) -> Array:
        """Any shape to the same shape."""
        from scipy.special import erf, expit

        if self.function == "sigmoid":
            result = expit(values)
        elif self.function == "tanh":
            result = np.tanh(values)
        elif self.function == "scaled-tanh":
            result = 1.7159 * np.tanh(2 / 3 * values)
        elif self.function == "gelu":
            result = values * (1 + erf(values / math.sqrt(2))) / 2
        else:
            result = np.maximum(values, 0)
        return np.asarray(result, dtype=values.dtype)


@dataclass(frozen=True, eq=False)
class PoolingLayer:
    """Every 2×2 numbers become one; a last odd row or column is left out.

    Attributes:
        kind: What they become, their average or their maximum.
    """

    kind: Literal["average", "max"]

    def output_shape(self, input_shape: Shape) -> Shape:
        """(C, H, W) of what comes out."""
        channels, height, width = input_shape
        return channels, height // 2, width // 2

    def apply(self, images: Array) -> Array:
        """(N, C, H, W) to (N, C, H/2, W/2)."""
        corners = _corners(images)
        pooled: Array = corners.max(axis=0) if self.kind == "max" else corners.mean(axis=0)
        return pooled


@dataclass(frozen=True, eq=False)
class SubsamplingLayer:
    """LeNet-5's: the sum of every 2×2 numbers, times a coefficient, plus a bias.

    Attributes:
        coefficients: float32 (channels,).
        biases: float32 (channels,).
    """

    coefficients: Array
    biases: Array

    def output_shape(self, input_shape: Shape) -> Shape:
        """(C, H, W) of what comes out."""
        channels, height, width = input_shape
        return channels, height // 2, width // 2

    def apply(self, images: Array) -> Array:
        """(N, C, H, W) to (N, C, H/2, W/2)."""
        sums: Array = _corners(images).sum(axis=0) * self.coefficients[:, None, None]
        return sums + self.biases[:, None, None]


@dataclass(frozen=True, eq=False)
class DenseLayer:
    """Weighted sums of the whole input, which is flattened row by row where it is an image.

    Attributes:
        weights: float32 (outputs, inputs).
        biases: float32 (outputs,).
    """

    weights: Array
    biases: Array

    def output_shape(self, input_shape: Shape) -> Shape:
        """(outputs,)."""
        return self.biases.shape

    def apply(self, values: Array) -> Array:
        """(N, …) to (N, outputs)."""
        sums: Array = values.reshape(len(values), -1) @ self.weights.T
        return sums + self.biases


@dataclass(frozen=True, eq=False)
class DistanceLayer:
    """LeNet-5's output: minus the squared distance to the picture of each class.

    Attributes:
        targets: float32 (classes, inputs), each number 1 or -1.
    """

    targets: Array

    def output_shape(self, input_shape: Shape) -> Shape:
        """(classes,)."""
        return self.targets.shape[:1]

    def apply(self, values: Array) -> Array:
        """(N, inputs) to logits (N, classes)."""
        distances: Array = np.square(values[:, None] - self.targets).sum(axis=2)
        return -distances


PlainLayer = (
    ConvolutionLayer
    | ActivationLayer
    | PoolingLayer
    | SubsamplingLayer
    | DenseLayer
    | DistanceLayer
)


def plain_layers(config: ModelConfig, arrays: Arrays) -> list[PlainLayer]:
    """A network as the layers that make logits of a normalised image, one after the other.

    Batch normalisation is folded into the layer before it, and LeNet-5's partial convolution is an
    ordinary one with zeros in it.

    Args:
        config: The network's settings.
        arrays: The arrays of its model file, by their names there.

    Raises:
        ModelError: The arrays are not those of such a network.

    >>> from lenet.models import build_model
    >>> config = LeNetConfig()
    >>> weights = {name: tensor.numpy() for name, tensor in build_model(config).state_dict().items()}
    >>> [type(layer).__name__ for layer in plain_layers(config, weights)][:4]
    ['ConvolutionLayer', 'ActivationLayer', 'PoolingLayer', 'ConvolutionLayer']
    """  # noqa: E501
    if isinstance(config, LeNet5Config):
        return _lenet5_layers(config, arrays)
    if not isinstance(config, (LeNetConfig, MLPConfig, SoftmaxConfig)):
        message = f"A network of `{type(config).__name__}` has no plain layers."
        raise ModelError(message)
    wanted = _weight_shapes(config)
    try:
        weighted = _folded(arrays)
    except (KeyError, IndexError, ValueError) as error:
        message = f"The weights are not those of such a network: {error}."
        raise ModelError(message) from error
    found = [weights.shape for weights, _ in weighted]
    if found != wanted:
        message = f"The weights are of shapes {found}, not {wanted}."
        raise ModelError(message)
    is_normalised = any(name.endswith(".running_mean") for name in arrays)
    if is_normalised != (isinstance(config, LeNetConfig) and config.batch_norm):
        message = "The weights and the settings do not agree about batch normalisation."
        raise ModelError(message)
    layers: list[PlainLayer] = []
    for number, (weights, biases) in enumerate(weighted):
        if weights.ndim == 4 and isinstance(config, LeNetConfig):
            padding = config.padding if number == 0 else 0
            layers.append(ConvolutionLayer(weights, biases, padding))
            layers.append(ActivationLayer(config.activation))
            layers.append(PoolingLayer(config.pooling))
            continue
        layers.append(DenseLayer(weights, biases))
        if number < len(weighted) - 1 and not isinstance(config, SoftmaxConfig):
            layers.append(ActivationLayer(config.activation))
    return layers


def _corners(images: Array) -> Array:
    """The four numbers of every 2×2, (4, N, C, H/2, W/2); a last odd row or column is left out."""
    height, width = (size // 2 * 2 for size in images.shape[2:])
    return np.stack(
        [images[:, :, row:height:2, column:width:2] for row in (0, 1) for column in (0, 1)]
    )


def _weight_shapes(config: LeNetConfig | MLPConfig | SoftmaxConfig) -> list[Shape]:
    """The shapes of the weights of each convolution and dense layer."""
    shapes: list[Shape] = []
    inputs = config.image_size
    if isinstance(config, LeNetConfig):
        channels = config.input_shape[0]
        for filters in config.channels:
            shapes.append((filters, channels, config.kernel_size, config.kernel_size))
            channels = filters
        inputs = channels * math.prod(config.feature_map_sizes()[-1])
    hidden = () if isinstance(config, SoftmaxConfig) else config.dense_widths
    for outputs in (*hidden, config.classes):
        shapes.append((outputs, inputs))
        inputs = outputs
    return shapes


def _folded(arrays: Arrays) -> list[tuple[Array, Array]]:
    """The weights and biases of each layer in their order."""
    by_layer: dict[int, dict[str, npt.NDArray[np.generic]]] = {}
    for name, array in arrays.items():
        number, _, kind = name.partition(".")
        by_layer.setdefault(int(number), {})[kind] = array
    layers: list[tuple[Array, Array]] = []
    for _, values in sorted(by_layer.items()):
        if "running_mean" in values:
            layers.append(fold_batch_norm(*layers.pop(), values))
        else:
            weights = values["weight"].astype(np.float32)
            biases = values.get("bias", np.zeros(len(weights)))
            layers.append((weights, biases.astype(np.float32)))
    return layers


def _lenet5_layers(config: LeNet5Config, arrays: Arrays) -> list[PlainLayer]:
    """The layers of LeNet-5."""
    try:
        of = {name: array.astype(np.float32) for name, array in arrays.items()}
        squash = ActivationLayer("scaled-tanh")
        return [
            ConvolutionLayer(of["c1.weight"], of["c1.bias"], config.margin, BACKGROUND),
            squash,
            SubsamplingLayer(of["s2.weight"], of["s2.bias"]),
            squash,
            ConvolutionLayer(_whole_filters(of["c3.weight"]), of["c3.bias"]),
            squash,
            SubsamplingLayer(of["s4.weight"], of["s4.bias"]),
            squash,
            DenseLayer(of["c5.weight"].reshape(len(of["c5.bias"]), -1), of["c5.bias"]),
            squash,
            DenseLayer(of["f6.weight"], of["f6.bias"]),
            squash,
            DistanceLayer(of["output.targets"]),
        ]
    except (KeyError, IndexError, ValueError) as error:
        message = f"The weights are not those of LeNet-5: {error}."
        raise ModelError(message) from error


def _whole_filters(filters: Array) -> Array:
    """The filters of layer C3 as those of an ordinary convolution, with zeros where none are."""
    pairs = [(output, seen) for output, all_seen in enumerate(C3_INPUTS) for seen in all_seen]
    outputs, maps = zip(*pairs, strict=True)
    everything = np.zeros((len(C3_INPUTS), 1 + max(maps), *filters.shape[1:]), dtype=np.float32)
    everything[list(outputs), list(maps)] = filters
    return everything
