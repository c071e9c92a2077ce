"""Small images in the middle of 28×28 pixels; the digits' own are in test_digits.py."""

import pytest
import torch

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
    images = torch.ones(2, 3, height, width)
    if ink is None:
        with pytest.raises(DatasetError, match="larger than 28×28"):
            enlarge_images(images)
        return
    expected = torch.zeros(2, 3, 28, 28)
    top, bottom, left, right = ink
    expected[:, :, top:bottom, left:right] = 1
    torch.testing.assert_close(enlarge_images(images), expected)
