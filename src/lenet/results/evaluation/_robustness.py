"""How well a network does when its images are not as it knows them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from lenet.datasets import Split
from lenet.models import Normalisation
from lenet.results.evaluation._corruptions import (
    Images,
    add_noise,
    blur_images,
    change_brightness,
    change_contrast,
    invert_images,
    rotate_images,
    scale_images,
    shift_images,
)
from lenet.results.evaluation._scores import wilson_interval
from lenet.results.evaluation._views import log_probabilities

_SIDE = 28  # that the strengths in pixels are for


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
    """Inverted or not."""
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
    network: nn.Module,
    examples: Split,
    normalisation: Normalisation,
    *,
    images: int = 2000,
    seed: int = 0,
    temperature: float = 1.0,
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
        corruptions: What happens to the images.
    """
    device = next((weights.device for weights in network.parameters()), "cpu")
    if len(examples) > images:
        drawn = np.random.default_rng(seed).choice(len(examples), images, replace=False)
        examples = examples.take(np.sort(drawn))

    def score(pixels: Images, strength: float) -> RobustnessPoint:
        changed = Split(np.ascontiguousarray(pixels), examples.labels)
        logits = log_probabilities(network, changed, normalisation, device=device) / temperature
        sure, given = logits.softmax(dim=1).max(dim=1)
        correct = int((given.numpy() == examples.labels).sum())
        return RobustnessPoint(
            strength,
            correct / len(examples),
            wilson_interval(correct, len(examples)),
            float(sure.double().mean()),
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
