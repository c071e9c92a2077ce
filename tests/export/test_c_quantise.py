"""Whole numbers for networks that are odd: dead layers, huge biases, too many inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integer_network import integer_logits

from lenet.errors import ModelError

# The arithmetic of whole numbers, of which an export shows the answers alone.
from lenet.export._c_quantise import ByteRange, IntegerStage, _fixed_point, quantise
from lenet.export._c_stages import plan_stages
from lenet.export._windows import with_padding_apart
from lenet.models import Network, Normalisation, TrainedLayer, fold_network
from lenet.models.layers import (
    Activation,
    Array,
    Convolution,
    Dense,
    Distances,
    Flatten,
    Layer,
    Pooling,
)

Numbered = tuple[Layer, dict[str, Array]]
PLAIN = Normalisation(0.0, 1 / 255)  # pixels are taken as they are
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 1, 4, 4), dtype=np.uint8)


@given(st.floats(1e-12, 2.0**20))
def test_a_factor_is_a_multiplier_and_a_shift(factor: float) -> None:
    multiplier, shift = _fixed_point(factor)
    assert 0 <= multiplier < 2**31
    assert 1 <= shift <= 62
    assert multiplier / 2**shift == pytest.approx(factor, rel=2**-29, abs=2**-62)


@given(st.floats(-100, 100), st.floats(0.001, 100))
def test_a_number_in_a_range_is_half_a_step_from_its_byte(low: float, width: float) -> None:
    bytes_ = ByteRange.between(low, low + width)
    numbers = np.linspace(low, low + width, 50, dtype=np.float32)
    back = bytes_.low + bytes_.step * bytes_.bytes_of(numbers)
    assert np.abs(back - numbers).max() <= bytes_.step * 0.51 + 1e-5


def folded(layers: list[Numbered], shape: tuple[int, ...] = (1, 4, 4)) -> list[TrainedLayer]:
    """Layers with their numbers."""
    network = Network([layer for layer, _ in layers], shape)
    arrays = {
        f"{layer.name}.{name}": array
        for layer, (_, own) in zip(network.layers, layers, strict=True)
        for name, array in own.items()
    }
    return fold_network(network, arrays)


def in_whole_numbers(
    layers: list[TrainedLayer], normalisation: Normalisation = PLAIN
) -> tuple[np.ndarray, list[IntegerStage]]:
    stages, unit = quantise(plan_stages(with_padding_apart(layers)), IMAGES, normalisation)
    return integer_logits(stages, IMAGES) * unit, stages


def with_floats(layers: list[TrainedLayer], normalisation: Normalisation = PLAIN) -> np.ndarray:
    values = ((IMAGES / 255 - normalisation.mean) / normalisation.std).astype(np.float32)
    for layer in layers:
        values = layer.apply(values)
    return values


def flat() -> Numbered:
    return Flatten(), {}


def activation(function: str) -> Numbered:
    return Activation(function=function), {}  # type: ignore[arg-type]


def dense(outputs: int, inputs: int, size: float, bias: float) -> Numbered:
    random = np.random.default_rng(outputs)
    weights = (random.normal(size=(outputs, inputs)) * size).astype(np.float32)
    return Dense(units=outputs), {"weight": weights, "bias": np.full(outputs, bias, np.float32)}


@pytest.mark.parametrize(
    "layers",
    [
        [flat(), dense(5, 16, 0.01, -1e4), activation("relu"), dense(3, 5, 1.0, 0.5)],
        [flat(), dense(5, 16, 0.0, 0.25), activation("tanh"), dense(3, 5, 1.0, 0.0)],
        [flat(), dense(5, 16, 1e-9, 1e3), activation("relu"), dense(3, 5, 1e-3, 7.0)],
        [flat(), dense(5, 16, 1.0, 0.0), activation("sigmoid"), dense(3, 5, 0.0, 0.0)],
        [flat(), dense(5, 16, 1e-3, 0.0), activation("gelu"), dense(3, 5, 1e-12, 1e6)],
    ],
    ids=["no unit fires", "no weights", "huge bias", "no answer", "huge bias at the end"],
)
def test_odd_networks_give_their_logits(layers: list[Numbered]) -> None:
    logits, _ = in_whole_numbers(folded(layers))
    expected = with_floats(folded(layers))
    assert np.abs(logits - expected).max() <= 0.02 * max(1.0, np.abs(expected).max())


def test_every_sum_fits_whatever_the_image() -> None:
    _, stages = in_whole_numbers(
        folded([flat(), dense(7, 16, 3.0, 50.0), activation("relu"), dense(3, 7, 2.0, -9.0)])
    )
    for stage in stages:
        assert stage.sums is not None
        weights = stage.sums.weights.reshape(len(stage.sums.weights), -1).astype(np.int64)
        largest = np.abs(stage.sums.biases.astype(np.int64)) + 255 * np.abs(weights).sum(axis=1)
        assert largest.max() <= 2**30
        assert np.abs(weights).max() <= 127


def test_too_many_inputs_are_refused() -> None:
    arrays = {"weight": np.ones((2, 40_000), np.float32), "bias": np.zeros(2, np.float32)}
    layers = folded([flat(), (Dense(units=2, name="last"), arrays)], (1, 200, 200))
    with pytest.raises(ModelError, match=r"^Layer `last` \(dense\) has 40000 inputs, too many for"):
        quantise(plan_stages(layers), np.zeros((2, 1, 200, 200), np.uint8), PLAIN)


def test_distances_before_the_end_are_refused() -> None:
    targets = {"targets": np.ones((5, 84), np.float32)}
    layers = [flat(), dense(84, 16, 0.1, 0.0), (Distances(classes=5), targets), activation("tanh")]
    with pytest.raises(ModelError, match=r"^Layer `2` \(distances\).* end of a network .*`int8`"):
        in_whole_numbers(folded(layers))


@pytest.mark.parametrize("mean", [-0.2, 0.0, 0.13, 0.999, 1.5])
def test_what_padding_puts_round_an_image_is_near_what_it_should_be(mean: float) -> None:
    weights = {"weight": np.ones((1, 1, 2, 2), np.float32), "bias": np.zeros(1, np.float32)}
    layers = folded(
        [
            (Convolution(filters=1, kernel_size=(2, 2), padding=(1, 1)), weights),
            activation("relu"),
            (Pooling(method="max", kernel_size=(2, 2)), {}),
            flat(),
            dense(2, 4, 1.0, 0.0),
        ]
    )
    normalisation = Normalisation(mean)
    logits, stages = in_whole_numbers(layers, normalisation)
    if 0 <= mean <= 1:
        assert (stages[0].around, stages[0].table) == (round(255 * mean), None)
    np.testing.assert_allclose(logits, with_floats(layers, normalisation), atol=0.1)
