"""How well a network does when its images are not as it knows them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.datasets import Split
from lenet.models import Normalisation
from lenet.results._networks import AnyNetwork, Images, as_network, device_of, softmax
from lenet.results.measure._evaluate import log_probabilities
from lenet.results.measure._scores import wilson_interval

Places = npt.NDArray[np.float64]
_SIDE = 28  # that the strengths in pixels are for


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
    moved = np.broadcast_to(ground(images), images.shape).astype(np.uint8)
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
    turn = math.radians(degrees)
    # Rounded, as a quarter turn's cosine is not quite 0 and would push the border out of view.
    cosine, sine = round(math.cos(turn), 15), round(math.sin(turn), 15)
    middle_y, middle_x = ((side - 1) / 2 for side in images.shape[2:])
    y, x = np.ogrid[: images.shape[2], : images.shape[3]]
    rows = cosine * (y - middle_y) + sine * (x - middle_x) + middle_y
    columns = cosine * (x - middle_x) - sine * (y - middle_y) + middle_x
    return _pixels_from(images, rows, columns)


def scale_images(images: Images, factor: float) -> Images:
    """Make what is in the images larger or smaller about their centre; the frame stays.

    Args:
        images: uint8 (N, C, H, W).
        factor: 0.5 for half the size, above 0.
    """
    if factor < 1:  # else pixels between the sampled ones would be lost
        images = blur_images(images, (1 / factor - 1) / 2)
    middle_y, middle_x = ((side - 1) / 2 for side in images.shape[2:])
    y, x = np.ogrid[: images.shape[2], : images.shape[3]]
    return _pixels_from(
        images, (y - middle_y) / factor + middle_y, (x - middle_x) / factor + middle_x
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
    rows, columns = (_blurring(side, deviation) for side in images.shape[2:])
    return _to_bytes(rows @ images @ columns.T)


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


def ground(images: Images) -> npt.NDArray[np.float32]:
    """The median of the border, of each image and channel: (N, C, 1, 1)."""
    border = np.ones(images.shape[2:], dtype=bool)
    border[1:-1, 1:-1] = False
    ground: npt.NDArray[np.float32] = np.median(images[:, :, border], axis=2).astype(np.float32)
    return ground[:, :, None, None]


def _pixels_from(images: Images, rows: Places, columns: Places) -> Images:
    """Images whose pixels come from elsewhere in them, between four pixels; else their ground.

    Args:
        images: uint8 (N, C, H, W).
        rows: Which row each pixel comes from; together with the columns it gives (H, W).
        columns: Which column.
    """
    height, width = images.shape[2:]
    top = np.clip(np.floor(rows), 0, max(0, height - 2)).astype(int)
    left = np.clip(np.floor(columns), 0, max(0, width - 2)).astype(int)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = rows - top, columns - left
    colour = ground(images)
    moved = (1 - down) * (1 - across) * images[..., top, left]
    moved += (1 - down) * across * images[..., top, right]
    moved += down * (1 - across) * images[..., bottom, left]
    moved += down * across * images[..., bottom, right]
    is_inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
    return _to_bytes(np.where(is_inside, moved, colour))


def _blurring(side: int, deviation: float) -> Places:
    """How much of each pixel in a row comes to each, (side, side); the last ones go on outside."""
    reach = int(4 * deviation + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-((offsets / (deviation or 1)) ** 2) / 2)
    blurring = np.zeros((side, side))
    sources = np.clip(np.arange(side)[:, None] + offsets, 0, side - 1)
    np.add.at(blurring, (np.arange(side)[:, None], sources), weights / weights.sum())
    return blurring


def _to_bytes(pixels: npt.NDArray[np.floating]) -> Images:
    """Pixels as uint8, rounded and cut off at black and white."""
    whole: Images = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return whole


def _overlap(by: int, length: int) -> tuple[slice, slice]:
    """Where something that moves within a length comes to lie, and where it was."""
    return slice(max(0, by), length + min(0, by)), slice(max(0, -by), length - max(0, by))


@dataclass(frozen=True)
class Corruption:
    """Something that may happen to images, at several strengths.

    Attributes:
        name: What happens.
        unit: What the strength is measured in.
        strengths: How strong, in order; in pixels of images 28 wide if `unit` says pixels.
        plain: The strength that leaves images as they are, one of `strengths`.
        apply: Takes images and a strength. Moved and turned images go different ways in turn, the
            first to the right.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    plain: float
    apply: Callable[[Images, float], Images]

    def strengths_for(self, side: int) -> tuple[float, ...]:
        """The strengths for images of another width."""
        if self.unit != "pixels":
            return self.strengths
        scaled = (strength * side / _SIDE for strength in self.strengths)
        if self.name == "shift":
            scaled = (float(round(strength)) for strength in scaled)
        return tuple(dict.fromkeys(round(strength, 2) for strength in scaled))


@dataclass(frozen=True)
class RobustnessPoint:
    """How well a network does at one strength.

    Attributes:
        strength: Of the corruption.
        accuracy: Share of the images that it still classifies rightly.
        interval: The accuracy's 95 % confidence interval.
        confidence: The mean probability that it gives its answers.
    """

    strength: float
    accuracy: float
    interval: tuple[float, float]
    confidence: float


@dataclass(frozen=True)
class Robustness:
    """How well a network does under one corruption.

    Attributes:
        corruption: What happens to the images.
        points: One a strength.
        images: How many images it was measured on.
    """

    corruption: Corruption
    points: tuple[RobustnessPoint, ...]
    images: int


def _shift(images: Images, pixels: float) -> Images:
    """Moved to the right, down, to the left and up in turn."""
    moved = np.empty_like(images)
    for turn, (right, down) in enumerate(((1, 0), (0, 1), (-1, 0), (0, -1))):
        way = round(pixels) * right, round(pixels) * down
        moved[turn::4] = shift_images(images[turn::4], *way)
    return moved


def _rotate(images: Images, degrees: float) -> Images:
    """Turned clockwise and anticlockwise in turn."""
    turned = np.empty_like(images)
    turned[::2] = rotate_images(images[::2], -degrees)
    turned[1::2] = rotate_images(images[1::2], degrees)
    return turned


def _invert(images: Images, strength: float) -> Images:
    return invert_images(images) if strength else images


CORRUPTIONS = (
    Corruption("shift", "pixels", (0, 1, 2, 3, 4, 6, 8), 0, _shift),
    Corruption("rotation", "degrees", (0, 10, 20, 30, 45, 60, 90), 0, _rotate),
    Corruption("size", "times", (0.4, 0.55, 0.7, 0.85, 1, 1.15, 1.3), 1, scale_images),
    Corruption("noise", "levels of 255", (0, 16, 32, 48, 64, 96, 128), 0, add_noise),
    Corruption("blur", "pixels", (0, 0.5, 1, 1.5, 2, 2.5, 3), 0, blur_images),
    Corruption(
        "brightness", "levels of 255", (-120, -80, -40, 0, 40, 80, 120), 0, change_brightness
    ),
    Corruption("contrast", "times", (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2), 1, change_contrast),
    Corruption("inversion", "", (0, 1), 0, _invert),
)


def measure_robustness(
    network: AnyNetwork,
    examples: Split,
    normalisation: Normalisation,
    *,
    images: int = 2000,
    seed: int = 0,
    temperature: float = 1.0,
    classes: int | None = None,
    corruptions: tuple[Corruption, ...] = CORRUPTIONS,
) -> tuple[Robustness, ...]:
    """Score a network on images that were moved, turned, blurred and more.

    Args:
        network: The network, on the device that it computes on.
        examples: Images that it did not learn from.
        normalisation: How pixels become the network's input.
        images: How many of them to take, at most.
        seed: Decides which.
        temperature: What the logits are divided by, from the network's calibration.
        classes: How many of the network's first outputs are answers; all but that of `_none`.
        corruptions: What happens to the images.
    """
    device = device_of(network)
    network = as_network(network, examples.images.shape[1:])
    if len(examples) > images:
        drawn = np.random.default_rng(seed).choice(len(examples), images, replace=False)
        examples = examples.take(np.sort(drawn))

    def score(pixels: Images, strength: float) -> RobustnessPoint:
        changed = Split(np.ascontiguousarray(pixels), examples.labels)
        scores = log_probabilities(network, changed, normalisation, device=device)
        probabilities = softmax(scores / temperature)[:, :classes]
        correct = int((probabilities.argmax(axis=1) == examples.labels).sum())
        return RobustnessPoint(
            strength,
            correct / len(examples),
            wilson_interval(correct, len(examples)),
            float(probabilities.max(axis=1).mean()),
        )

    side = examples.images.shape[3]
    return tuple(
        Robustness(
            corruption,
            tuple(
                score(corruption.apply(examples.images, strength), strength)
                for strength in corruption.strengths_for(side)
            ),
            len(examples),
        )
        for corruption in corruptions
    )
