"""Which pixels an answer hangs on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.core import Generator
from lenet.errors import ModelError, SettingError
from lenet.models import ArrayNetwork, Normalisation
from lenet.models.layers import forward_all
from lenet.results._networks import AnyNetwork, Images, label_all, logits_of, network_for, softmax
from lenet.results.measure._robustness import ground

Saliency = npt.NDArray[np.float32]  # (H, W)
Numbers = npt.NDArray[np.float32]
_COPIES = 64  # that go through the network at once
_PATCHES = 28  # about so many places in each direction where an image is covered


def occlusion_saliency(
    network: AnyNetwork,
    image: Images,
    class_index: int,
    normalisation: Normalisation | None = None,
    *,
    patch: int | None = None,
    step: int | None = None,
) -> Saliency:
    """How much less probable a class becomes when a pixel's surroundings are covered.

    A square of the background, which is the median of the image's border, is moved over the image.
    Each pixel gets the mean loss of probability over all squares that cover it.

    Args:
        network: The network; left in the mode it was in.
        image: uint8 (C, H, W).
        class_index: The class whose probability is watched.
        normalisation: How pixels become the network's input.
        patch: Height and width of the square in pixels; a sixth of the image where none is given.
        step: Pixels from one square to the next; 1 for images of up to 55 pixels where none is
            given.

    Returns:
        float32 (H, W), -1 to 1: above 0 where covering makes the class less probable.

    Raises:
        ModelError: The image does not fit the network, or there is no such class.
        SettingError: The square is larger than the image, or the step than the square.

    Source: M. D. Zeiler and R. Fergus (2014), "Visualizing and understanding convolutional
    networks", section 4.2.
    """
    height, width = image.shape[1:]
    patch = patch or max(1, round(min(height, width) / 6))
    step = step or max(1, max(height, width) // _PATCHES)
    if not 1 <= step <= patch <= min(height, width):
        message = (
            f"A square of {patch} pixels moved by {step} does not cover an image of "
            f"{height}×{width}: it must fit in, and be moved by no more than its size."
        )
        raise SettingError(message)
    tops, lefts = _places(height, patch, step), _places(width, patch, step)
    background = border_colour(image)
    known = network_for(network, image[None])
    whole = _class_probabilities(known, image[None], class_index, normalisation)[0]
    drops, covers = np.zeros((height, width)), np.zeros((height, width))
    for top in tops:
        covered = np.repeat(image[None], len(lefts), axis=0)
        for index, left in enumerate(lefts):
            covered[index, :, top : top + patch, left : left + patch] = background
        left_over = _class_probabilities(known, covered, class_index, normalisation)
        for left, probability in zip(lefts, left_over, strict=True):
            drops[top : top + patch, left : left + patch] += whole - probability
            covers[top : top + patch, left : left + patch] += 1
    return (drops / covers).astype(np.float32)


def gradient_saliency(
    network: AnyNetwork,
    image: Images,
    class_index: int,
    normalisation: Normalisation | None = None,
    *,
    samples: int = 1,
    noise: float = 0.0,
    seed: int = 0,
) -> Saliency:
    """How strongly a class's logit answers to each pixel: |d logit / d pixel|.

    With `samples=25, noise=0.15` it is SmoothGrad: the mean gradient over noisy copies, which is
    less speckled.

    Args:
        network: The network; left in the mode it was in.
        image: uint8 (C, H, W).
        class_index: The class whose logit is watched.
        normalisation: How pixels become the network's input.
        samples: Copies of the image, at least 1.
        noise: Standard deviation of the noise in each copy, in parts of the range from black to
            white.
        seed: Of the noise.

    Returns:
        float32 (H, W), 0 or above: the change of the logit a change from black to white; of colours
        the one that it answers to most.

    Raises:
        ModelError: The image does not fit the network, or there is no such class.
        SettingError: `samples` or `noise` is out of range.

    Source: K. Simonyan et al. (2014), "Deep inside convolutional networks"; D. Smilkov et al.
    (2017), "SmoothGrad: removing noise by adding noise".
    """
    if samples < 1 or noise < 0:
        message = "`samples` must be at least 1, and `noise` at least 0."
        raise SettingError(message)
    known, norm = network_for(network, image[None]), normalisation or Normalisation()
    size = max(image.size, 16)  # fewer numbers are not drawn
    drawn = Generator(seed).normal((samples, size), noise)[:, : image.size]
    pixels = image / np.float32(255) + drawn.reshape(samples, *image.shape)
    inputs = (pixels - np.float32(norm.mean)) / np.float32(norm.std)
    total = np.zeros(image.shape)
    for start in range(0, samples, _COPIES):
        logits, back = _forward(known, inputs[start : start + _COPIES])
        slopes = np.zeros_like(logits)
        _pick_class(slopes, class_index)[...] = 1
        total += back(slopes).sum(axis=0, dtype=np.float64)
    saliency: Saliency = np.abs(total / samples / norm.std).max(axis=0).astype(np.float32)
    return saliency


def _forward(network: AnyNetwork, inputs: Numbers) -> tuple[Numbers, Callable[[Numbers], Numbers]]:
    """What a network makes of a batch, and what takes slopes by it back to the batch."""
    if isinstance(network, ArrayNetwork):
        logits, back = forward_all(network.placed, inputs, network.arrays)
        return logits, lambda slopes: back(slopes)[0]
    from lenet.results.inside._modules import module_forward

    return module_forward(network, inputs)


def border_colour(image: Images) -> Images:
    """The background: the median of an image's border, (C, 1, 1) for an image (C, H, W)."""
    colour: Images = ground(image[None])[0].astype(np.uint8)
    return colour


def _places(size: int, patch: int, step: int) -> list[int]:
    """Where the square begins in one direction; the last one ends at the edge."""
    last = size - patch
    return [*range(0, last, step), last]


def _class_probabilities(
    network: AnyNetwork, images: Images, class_index: int, normalisation: Normalisation | None
) -> npt.NDArray[np.float64]:
    examples = label_all(images)
    if isinstance(network, ArrayNetwork):
        logits = logits_of(network, examples, normalisation)
    else:
        from lenet.results.inside._modules import evaluating

        with evaluating(network):
            logits = logits_of(network, examples, normalisation)
    probabilities: npt.NDArray[np.float64] = _pick_class(softmax(logits), class_index)
    return probabilities


def _pick_class(values: npt.NDArray[Any], class_index: int) -> npt.NDArray[Any]:
    """A class's column of (N, classes)."""
    if not 0 <= class_index < values.shape[1]:
        message = f"There is no class {class_index}: the network tells {values.shape[1]} apart."
        raise ModelError(message)
    return values[:, class_index]
