import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lenet.models import (
    ActivationLayer,
    ConvolutionLayer,
    DenseLayer,
    DistanceLayer,
    Normalisation,
    PlainLayer,
    PoolingLayer,
    SubsamplingLayer,
)


@dataclass(frozen=True, eq=False)
class Stage:
    """What one function of the C code computes: layers that need no memory between them.

    Attributes:
        name: Of the function, such as `convolution_1`.
        layer: Where the weights are.
        activation: What follows it.
        pooling: What 2×2 numbers become then.
        last_activation: What follows that.
        input_shape: (C, H, W) or (inputs,) of what comes in.
        output_shape: Of what comes out.
    """

    name: str
    layer: ConvolutionLayer | DenseLayer | DistanceLayer
    activation: ActivationLayer | None
    pooling: PoolingLayer | SubsamplingLayer | None
    last_activation: ActivationLayer | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    @property
    def has_padding(self) -> bool:
        """Whether something is put round what comes in."""
        return self.framed_shape != self.input_shape

    @property
    def framed_shape(self) -> tuple[int, ...]:
        """The shape of what comes in, with the padding round it."""
        if not isinstance(self.layer, ConvolutionLayer):
            return self.input_shape
        channels, height, width = self.input_shape
        more = 2 * self.layer.padding
        return channels, height + more, width + more


def take_pixels(layers: Sequence[PlainLayer], normalisation: Normalisation) -> list[PlainLayer]:
    """Layers that take the pixels as they are, 0 to 255: the first computes their normalisation.

    Args:
        layers: A network that takes (pixel / 255 - mean) / std.
        normalisation: Mean and std.
    """
    first, *others = layers
    assert isinstance(first, (ConvolutionLayer, DenseLayer))
    weights = first.weights.astype(np.float64)
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    mean, std = normalisation.mean, normalisation.std
    folded = dataclasses.replace(
        first,
        weights=(weights / (255 * std)).astype(np.float32),
        biases=(first.biases - sums * mean / std).astype(np.float32),
    )
    if isinstance(folded, ConvolutionLayer):
        value = 255 * (mean + std * folded.padding_value)
        folded = dataclasses.replace(folded, padding_value=value)
    return [folded, *others]


def fuse(layers: Sequence[PlainLayer], input_shape: tuple[int, ...]) -> list[Stage]:
    """Put layers together that run over their input in one go.

    Args:
        layers: A whole network.
        input_shape: (C, H, W) of an image.
    """
    stages: list[Stage] = []
    counts = {"convolution": 0, "dense": 0, "distances": 0}
    kinds = {ConvolutionLayer: "convolution", DenseLayer: "dense", DistanceLayer: "distances"}
    for layer in layers:
        if isinstance(layer, (ConvolutionLayer, DenseLayer, DistanceLayer)):
            kind = kinds[type(layer)]
            counts[kind] += 1
            name = f"{kind}_{counts[kind]}"
            shape = stages[-1].output_shape if stages else input_shape
            stages.append(Stage(name, layer, None, None, None, shape, layer.output_shape(shape)))
            continue
        stage = stages.pop()
        if isinstance(layer, (PoolingLayer, SubsamplingLayer)):
            stage = dataclasses.replace(
                stage, pooling=layer, output_shape=layer.output_shape(stage.output_shape)
            )
        elif stage.pooling:
            stage = dataclasses.replace(stage, last_activation=layer)
        else:
            stage = dataclasses.replace(stage, activation=layer)
        stages.append(stage)
    return stages
