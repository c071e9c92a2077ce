"""Corruptions against Pillow, NumPy and PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageEnhance
from scipy import ndimage

from lenet.datasets import Dataset
from lenet.results import (
    CORRUPTIONS,
    Corruption,
    add_noise,
    blur_images,
    change_brightness,
    change_contrast,
    invert_images,
    rotate_images,
    scale_images,
    shift_images,
)

IN_37_BY_20 = np.pad(np.ones((35, 18), bool), 1)


@pytest.fixture
def images(digits: Dataset) -> np.ndarray:
    return digits.test.images[:20]


def as_picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[0])


@given(st.integers(-30, 30), st.integers(-30, 30))
def test_shifted_images_are_those_that_pillow_pastes(right: int, down: int) -> None:
    image = np.random.default_rng(0).integers(1, 256, (1, 1, 20, 28), dtype=np.uint8)
    image[:, :, [0, -1]] = image[:, :, :, [0, -1]] = 7
    expected = Image.new("L", (28, 20), 7)
    expected.paste(as_picture(image[0]), (right, down))
    np.testing.assert_array_equal(shift_images(image, right, down)[0, 0], np.asarray(expected))


def test_quarter_turns_are_those_of_numpy(images: np.ndarray) -> None:
    expected = np.rot90(images, axes=(2, 3))
    difference = np.abs(rotate_images(images, 90).astype(int) - expected)
    assert difference.max() <= 1
    np.testing.assert_array_equal(rotate_images(images, 0), images)


def test_other_turns_are_those_of_pillow(images: np.ndarray) -> None:
    turned = rotate_images(images, 25).astype(int)
    for image, found in zip(images, turned, strict=True):
        expected = as_picture(image).rotate(25, Image.Resampling.BILINEAR)
        assert np.abs(found[0] - np.asarray(expected).astype(int))[3:-3, 3:-3].mean() < 1


def assert_as_scipy(found: np.ndarray, pixels: np.ndarray) -> None:
    """Equal, but for halves that are rounded up or down."""
    difference = np.abs(found.astype(int) - np.rint(pixels))
    assert difference.max() <= 1
    assert difference.mean() < 0.01


@pytest.mark.parametrize("strength", [0.3, 0.85, 1, 1.3])
def test_pixels_are_those_of_scipy(strength: float) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 37, 20), dtype=np.uint8)
    images[:, :, [0, -1]] = images[:, :, :, [0, -1]] = 0  # the ground, which scipy fills in
    values = images.astype(np.float32)
    turned = ndimage.rotate(values, 90 * strength, axes=(3, 2), reshape=False, order=1)
    assert_as_scipy(rotate_images(images, 90 * strength), turned)
    blurred = ndimage.gaussian_filter(values, (0, 0, strength, strength), mode="nearest")
    assert_as_scipy(blur_images(images, strength), blurred)
    smooth = blur_images(images, max(0, (1 / strength - 1) / 2)).astype(np.float32)
    ground = np.median(np.delete(smooth.reshape(4, 3, -1), np.flatnonzero(IN_37_BY_20), 2), axis=2)
    ground = ground[:, :, None, None]
    middle = (np.array([37, 20]) - 1) / 2
    offset = (0, 0, *(middle - middle / strength))
    matrix = np.array([1, 1, 1 / strength, 1 / strength])
    scaled = ndimage.affine_transform(smooth - ground, matrix, offset, order=1) + ground
    assert_as_scipy(scale_images(images, strength), scaled)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.3])
def test_scaled_things_have_the_size_that_was_asked_for(factor: float) -> None:
    image = np.zeros((1, 1, 61, 61), np.uint8)
    image[0, 0, 20:41, 20:41] = 200
    scaled = scale_images(image, factor).astype(float)[0, 0]
    assert np.sqrt(scaled.sum() / 200) == pytest.approx(21 * factor, rel=0.05)
    rows, columns = np.indices(scaled.shape)
    assert (scaled * rows).sum() / scaled.sum() == pytest.approx(30)
    assert (scaled * columns).sum() / scaled.sum() == pytest.approx(30)


def test_what_comes_into_view_is_the_ground(images: np.ndarray) -> None:
    for changed in (
        shift_images(255 - images, 5, -3),
        rotate_images(255 - images, 45),
        scale_images(255 - images, 0.4),
    ):
        assert (changed[:, :, [0, -1], [0, -1]] == 255).all()


def test_each_channel_has_a_ground_of_its_own() -> None:
    image = np.zeros((1, 3, 9, 9), np.uint8) + np.array([10, 20, 30], np.uint8)[:, None, None]
    assert (shift_images(image, 3)[0, :, 4, 0] == [10, 20, 30]).all()
    assert (rotate_images(image, 45)[0, :, 0, 0] == [10, 20, 30]).all()


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    grey = np.full((4, 1, 100, 100), 128, np.uint8)
    noisy = add_noise(grey, 20)
    assert noisy.std() == pytest.approx(20, rel=0.02)
    assert noisy.mean() == pytest.approx(128, abs=0.5)
    np.testing.assert_array_equal(noisy, add_noise(grey, 20))
    assert (noisy != add_noise(grey, 20, seed=1)).any()
    assert (noisy[0] != noisy[1]).any()


def test_blurred_images_are_those_of_a_convolution(images: np.ndarray) -> None:
    reach = torch.arange(-6, 7).double()
    kernel = torch.exp(-(reach**2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    square = (kernel[:, None] * kernel[None, :])[None, None]
    padded = torch.nn.functional.pad(torch.from_numpy(images).double(), (6,) * 4, "replicate")
    expected = torch.nn.functional.conv2d(padded, square).numpy()
    assert np.abs(blur_images(images, 1.5) - expected).max() < 0.51


def test_inverted_images_are_those_of_pillow(images: np.ndarray) -> None:
    inverted = invert_images(images)
    expected = ImageChops.invert(as_picture(images[0]))
    np.testing.assert_array_equal(inverted[0, 0], np.asarray(expected))


@pytest.mark.parametrize("change", [-100, 0, 33])
def test_brightened_images_are_those_of_pillow(images: np.ndarray, change: int) -> None:
    expected = as_picture(images[0]).point(lambda level: level + change)
    np.testing.assert_array_equal(change_brightness(images, change)[0, 0], np.asarray(expected))


@pytest.mark.parametrize("factor", [0, 0.4, 1, 2])
def test_contrast_is_that_of_pillow(images: np.ndarray, factor: float) -> None:
    expected = np.asarray(ImageEnhance.Contrast(as_picture(images[0])).enhance(factor)).astype(int)
    found = change_contrast(images, factor)[0, 0]
    assert np.abs(found - expected).max() <= 1 + abs(1 - factor) / 2  # Pillow rounds the mean


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (3, 3, 32, 20), (1, 1, 1, 1), (2, 3, 2, 5)])
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_corruptions_keep_type_and_shape_and_have_a_strength_that_does_nothing(
    corruption: Corruption, shape: tuple[int, ...]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    before = pixels.copy()
    strengths = corruption.strengths_for(shape[3])
    assert corruption.plain in strengths
    assert list(strengths) == sorted(set(strengths))
    for strength in strengths:
        changed = corruption.apply(pixels, strength)
        assert changed.dtype == np.uint8
        assert changed.shape == shape
        if strength == corruption.plain:
            np.testing.assert_array_equal(changed, pixels)
    np.testing.assert_array_equal(pixels, before)


def test_moved_and_turned_images_go_different_ways() -> None:
    dot = np.zeros((4, 1, 9, 9), np.uint8)
    dot[:, :, 4, 4] = 255
    moved = next(one for one in CORRUPTIONS if one.name == "shift").apply(dot, 2)
    assert [tuple(np.argwhere(image[0])[0]) for image in moved] == [(4, 6), (6, 4), (4, 2), (2, 4)]
