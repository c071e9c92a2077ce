"""Small images in the middle of 28×28 pixels; the digits' own are in test_digits.py."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from lenet.datasets import enlarge_images
from lenet.errors import DatasetError


@pytest.mark.parametrize(
    ("height", "width", "ink"),
    [
        (8, 8, (4, 24, 4, 24)),
        (20, 20, (4, 24, 4, 24)),
        (25, 28, (1, 26, 0, 28)),
        (5, 10, (9, 19, 4, 24)),
        (1, 16, (13, 14, 4, 24)),
        (1, 100_000, None),
    ],
)
def test_the_picture_keeps_its_proportions_in_the_middle(
    height: int, width: int, ink: tuple[int, int, int, int] | None
) -> None:
    images = np.ones((2, 3, height, width), np.float32)
    if ink is None:
        with pytest.raises(DatasetError, match="larger than 28×28"):
            enlarge_images(images)
        return
    expected = np.zeros((2, 3, 28, 28), np.float32)
    top, bottom, left, right = ink
    expected[:, :, top:bottom, left:right] = 1
    np.testing.assert_allclose(enlarge_images(images), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8), (5, 10), (7, 3), (1, 16), (19, 13), (1, 1)])
def test_interpolated_pixels_are_those_of_pytorch(shape: tuple[int, int]) -> None:
    images = np.random.default_rng(0).random((9, 3, *shape), np.float32)
    height, width = (max(1, round(20 * side / max(shape))) for side in shape)
    expected = interpolate(torch.from_numpy(images), (height, width), mode="bilinear")
    top, left = (28 - height) // 2, (28 - width) // 2
    inner = enlarge_images(images)[:, :, top : top + height, left : left + width]
    np.testing.assert_allclose(inner, expected, rtol=0, atol=3e-7)
