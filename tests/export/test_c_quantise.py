"""Whole numbers for networks that are odd: dead layers, huge biases, too many inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integer_network import integer_logits

from lenet.errors import ModelError
from lenet.export._c_quantise import ByteRange, IntegerStage, _fixed_point, quantise
from lenet.export._c_stages import fuse, take_pixels
from lenet.models import (
    ActivationLayer,
    ConvolutionLayer,
    DenseLayer,
    Normalisation,
    PlainLayer,
    PoolingLayer,
)

Layers = list[PlainLayer]
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


def in_whole_numbers(layers: Layers) -> tuple[np.ndarray, list[IntegerStage]]:
    stages, unit = quantise(fuse(layers, (1, 4, 4)), IMAGES)
    return integer_logits(stages, IMAGES) * unit, stages


def with_floats(layers: Layers) -> np.ndarray:
    values = IMAGES.astype(np.float32)
    for layer in layers:
        values = layer.apply(values)
    return values


def dense(outputs: int, inputs: int, size: float, bias: float) -> DenseLayer:
    random = np.random.default_rng(outputs)
    weights = random.normal(size=(outputs, inputs)) * size
    return DenseLayer(weights.astype(np.float32), np.full(outputs, bias, np.float32))


@pytest.mark.parametrize(
    "layers",
    [
        [dense(5, 16, 0.01, -1e4), ActivationLayer("relu"), dense(3, 5, 1.0, 0.5)],
        [dense(5, 16, 0.0, 0.25), ActivationLayer("tanh"), dense(3, 5, 1.0, 0.0)],
        [dense(5, 16, 1e-9, 1e3), ActivationLayer("relu"), dense(3, 5, 1e-3, 7.0)],
        [dense(5, 16, 1.0, 0.0), ActivationLayer("sigmoid"), dense(3, 5, 0.0, 0.0)],
        [dense(5, 16, 1e-3, 0.0), ActivationLayer("gelu"), dense(3, 5, 1e-12, 1e6)],
    ],
    ids=["no unit fires", "no weights", "huge bias", "no answer", "huge bias at the end"],
)
def test_odd_networks_give_their_logits(layers: Layers) -> None:
    logits, _ = in_whole_numbers(layers)
    expected = with_floats(layers)
    assert np.abs(logits - expected).max() <= 0.02 * max(1.0, np.abs(expected).max())


def test_every_sum_fits_whatever_the_image() -> None:
    _, stages = in_whole_numbers(
        [dense(7, 16, 3.0, 50.0), ActivationLayer("relu"), dense(3, 7, 2.0, -9.0)]
    )
    for stage in stages:
        weights = stage.sums.weights.reshape(len(stage.sums.weights), -1).astype(np.int64)
        largest = np.abs(stage.sums.biases.astype(np.int64)) + 255 * np.abs(weights).sum(axis=1)
        assert largest.max() <= 2**30
        assert np.abs(weights).max() <= 127


def test_too_many_inputs_are_refused() -> None:
    images = np.zeros((2, 1, 200, 200), np.uint8)
    layer = DenseLayer(np.ones((2, 40_000), np.float32), np.zeros(2, np.float32))
    with pytest.raises(ModelError, match="`dense_1` has 40000 inputs, too many for sums"):
        quantise(fuse([layer], (1, 200, 200)), images)


@pytest.mark.parametrize(("mean", "byte"), [(-0.2, 0), (0.0, 0), (0.13, 33), (1.5, 255)])
def test_padding_is_the_nearest_byte(mean: float, byte: int) -> None:
    layer = ConvolutionLayer(np.ones((1, 1, 2, 2), np.float32), np.zeros(1, np.float32), 1)
    layers = [layer, ActivationLayer("relu"), PoolingLayer("max"), dense(2, 4, 1.0, 0.0)]
    stages, _ = quantise(fuse(take_pixels(layers, Normalisation(mean)), (1, 4, 4)), IMAGES)
    assert stages[0].padding == byte
