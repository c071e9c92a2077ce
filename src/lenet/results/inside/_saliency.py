"""Which pixels an answer hangs on."""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.errors import ModelError, SettingError
from lenet.models import Normalisation
from lenet.results.inside._trace import Images, batches_of, evaluating
from lenet.results.measure._robustness import ground
from lenet.training import compute_logits

Saliency = npt.NDArray[np.float32]  # (H, W)
_PATCHES = 28  # about so many places in each direction where an image is covered


def occlusion_saliency(
    network: nn.Module,
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
    whole = _class_probabilities(network, image[None], class_index, normalisation)[0]
    drops, covers = np.zeros((height, width)), np.zeros((height, width))
    for top in tops:
        covered = np.repeat(image[None], len(lefts), axis=0)
        for index, left in enumerate(lefts):
            covered[index, :, top : top + patch, left : left + patch] = background
        left_over = _class_probabilities(network, covered, class_index, normalisation)
        for left, probability in zip(lefts, left_over, strict=True):
            drops[top : top + patch, left : left + patch] += whole - probability
            covers[top : top + patch, left : left + patch] += 1
    return (drops / covers).astype(np.float32)


def gradient_saliency(
    network: nn.Module,
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
    batches = batches_of(image[None], normalisation or Normalisation(), network)
    generator = torch.Generator().manual_seed(seed)
    total = np.zeros(image.shape)
    for _ in range(samples):
        drawn = torch.randn(image.shape, generator=generator) * (255 * noise)
        pixels = (batches.placed.images.float() + drawn.to(batches.device)).requires_grad_()
        inputs = (pixels / 255 - batches.mean) / batches.std
        with evaluating(network), torch.enable_grad():
            logit = _pick_class(network(inputs), class_index)[0]
            (gradient,) = torch.autograd.grad(logit, pixels)
        total += 255 * gradient[0].cpu().double().numpy()
    saliency: Saliency = np.abs(total / samples).max(axis=0).astype(np.float32)
    return saliency


def border_colour(image: Images) -> Images:
    """The background: the median of an image's border, (C, 1, 1) for an image (C, H, W)."""
    colour: Images = ground(image[None])[0].astype(np.uint8)
    return colour


def _places(size: int, patch: int, step: int) -> list[int]:
    """Where the square begins in one direction; the last one ends at the edge."""
    last = size - patch
    return [*range(0, last, step), last]


def _class_probabilities(
    network: nn.Module, images: Images, class_index: int, normalisation: Normalisation | None
) -> npt.NDArray[np.float64]:
    batches = batches_of(images, normalisation or Normalisation(), network)
    with evaluating(network):
        logits = compute_logits(network, batches)
    probabilities = _pick_class(torch.from_numpy(logits).double().softmax(dim=1), class_index)
    found: npt.NDArray[np.float64] = probabilities.numpy()
    return found


def _pick_class(values: torch.Tensor, class_index: int) -> torch.Tensor:
    """A class's column of (N, classes)."""
    if not 0 <= class_index < values.shape[1]:
        message = f"There is no class {class_index}: the network tells {values.shape[1]} apart."
        raise ModelError(message)
    return values[:, class_index]
