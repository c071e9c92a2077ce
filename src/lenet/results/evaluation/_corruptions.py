"""What may happen to images between the camera and the network.

Every function takes and gives uint8 (N, C, H, W). What comes into view from outside has the colour
of the ground: the median of the image's border.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]


def shift_images(images: Images, right: int, down: int = 0) -> Images:
    """Move images.

    Args:
        images: uint8 (N, C, H, W).
        right: Pixels to the right; below 0 to the left.
        down: Pixels down; below 0 up.

    >>> shift_images(np.array([[[[0, 0, 0], [0, 9, 0], [0, 0, 0]]]], np.uint8), 1)[0, 0, 1]
    array([0, 0, 9], dtype=uint8)
    """
    height, width = images.shape[2:]
    moved = np.broadcast_to(_ground(images), images.shape).astype(np.uint8)
    if abs(right) < width and abs(down) < height:
        rows, columns = _overlap(down, height), _overlap(right, width)
        moved[:, :, rows[0], columns[0]] = images[:, :, rows[1], columns[1]]
    return moved


def rotate_images(images: Images, degrees: float) -> Images:
    """Turn images about their centre.

    Args:
        images: uint8 (N, C, H, W).
        degrees: Anticlockwise.
    """
    from scipy.ndimage import rotate

    return _around_ground(
        images, lambda pixels: rotate(pixels, degrees, axes=(3, 2), reshape=False, order=1)
    )


def scale_images(images: Images, factor: float) -> Images:
    """Make what is in the images larger or smaller about their centre; the frame stays.

    Args:
        images: uint8 (N, C, H, W).
        factor: 0.5 for half the size, above 0.
    """
    from scipy.ndimage import affine_transform

    middle = (np.array(images.shape[2:]) - 1) / 2
    offset = (0.0, 0.0, *(middle - middle / factor))
    if factor < 1:  # else pixels between the sampled ones would be lost
        images = blur_images(images, (1 / factor - 1) / 2)
    return _around_ground(
        images,
        lambda pixels: affine_transform(
            pixels, np.array([1, 1, 1 / factor, 1 / factor]), offset, order=1
        ),
    )


def add_noise(images: Images, deviation: float, seed: int = 0) -> Images:
    """Add normally distributed noise, of each pixel's own.

    Args:
        images: uint8 (N, C, H, W).
        deviation: The noise's standard deviation, in levels of 255.
        seed: Decides the noise.
    """
    noise = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return _to_bytes(images + np.float32(deviation) * noise)


def blur_images(images: Images, deviation: float) -> Images:
    """Blur images with a Gaussian.

    Args:
        images: uint8 (N, C, H, W).
        deviation: The Gaussian's standard deviation, in pixels.
    """
    from scipy.ndimage import gaussian_filter

    sigma = (0, 0, deviation, deviation)
    return _to_bytes(gaussian_filter(images.astype(np.float32), sigma, mode="nearest"))


def invert_images(images: Images) -> Images:
    """Make light dark and dark light.

    Args:
        images: uint8 (N, C, H, W).
    """
    return 255 - images


def change_brightness(images: Images, change: float) -> Images:
    """Add the same to every pixel.

    Args:
        images: uint8 (N, C, H, W).
        change: Levels of 255; below 0 for darker.
    """
    return _to_bytes(images.astype(np.float32) + change)


def change_contrast(images: Images, factor: float) -> Images:
    """Move every pixel towards its image's mean, or away from it.

    Args:
        images: uint8 (N, C, H, W).
        factor: 0 for nothing but the mean, 1 for the image as it is, above 1 for more contrast.
    """
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    return _to_bytes(mean + factor * (images - mean))


def _ground(images: Images) -> npt.NDArray[np.float32]:
    """The median of the border, of each image and channel: (N, C, 1, 1)."""
    border = np.ones(images.shape[2:], dtype=bool)
    border[1:-1, 1:-1] = False
    ground: npt.NDArray[np.float32] = np.median(images[:, :, border], axis=2).astype(np.float32)
    return ground[:, :, None, None]


def _around_ground(images: Images, change: Callable[[Any], Any]) -> Images:
    """Change images so that the zeros that come into view are their ground."""
    ground = _ground(images)
    return _to_bytes(change(images - ground) + ground)


def _to_bytes(pixels: npt.NDArray[np.floating]) -> Images:
    """Pixels as uint8, rounded and cut off at black and white."""
    whole: Images = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return whole


def _overlap(by: int, length: int) -> tuple[slice, slice]:
    """Where something that moves within a length comes to lie, and where it was."""
    return slice(max(0, by), length + min(0, by)), slice(max(0, -by), length - max(0, by))
