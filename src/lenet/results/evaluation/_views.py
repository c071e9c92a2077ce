"""A network's answer from one look at each image, or from several."""

import numpy as np
import torch
from torch import Tensor, nn

from lenet.datasets import Batches, Split
from lenet.models import Normalisation
from lenet.results.evaluation._view_choice import Views
from lenet.training import compute_logits

_BATCH = 256
_SHIFTS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))


def log_probabilities(
    network: nn.Module,
    examples: Split,
    normalisation: Normalisation,
    *,
    views: Views = "single",
    device: torch.device | str = "cpu",
) -> Tensor:
    """What a network makes of every example.

    Args:
        network: The network, on the device.
        examples: The images.
        normalisation: How pixels become the network's input.
        views: `single` looks once at each image; `mirrored` also at its mirror image, `shifted` at
            it moved by up to one pixel, nine views in all. Probabilities of views are averaged.
        device: Where to compute.

    Returns:
        The logarithms of the classes' probabilities, float32 (N, classes) on the CPU.
    """
    looks = [
        compute_logits(
            network,
            Batches(view, _BATCH, device=device, mean=normalisation.mean, std=normalisation.std),
        ).cpu()
        for view in _views(examples, views)
    ]
    stacked = torch.stack(looks).log_softmax(dim=2)
    if len(looks) == 1:
        return stacked[0]
    return stacked.logsumexp(dim=0) - float(np.log(len(looks)))


def _views(examples: Split, views: Views) -> list[Split]:
    """The examples as they are looked at."""
    if views == "single":
        return [examples]
    if views == "mirrored":
        mirrored = np.ascontiguousarray(examples.images[..., ::-1])
        return [examples, Split(mirrored, examples.labels)]
    height, width = examples.images.shape[2:]
    padded = np.pad(examples.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = (
        padded[:, :, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        for down, right in _SHIFTS
    )
    return [Split(np.ascontiguousarray(images), examples.labels) for images in moved]
