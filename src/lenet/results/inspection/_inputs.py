"""Images on their way into a network, and what a network is while it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.datasets import Batches, Split
from lenet.errors import ModelError
from lenet.models import Normalisation

Images = npt.NDArray[np.uint8]  # (N, C, H, W), 0 to 255


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next((weights.device for weights in network.parameters()), torch.device("cpu"))


def batches_of(
    images: Images, normalisation: Normalisation, network: nn.Module, batch_size: int = 64
) -> Batches:
    """Images as a network takes them, on its device; their labels mean nothing.

    Raises:
        DatasetError: They are not uint8 of shape (N, C, H, W), or there are none.
    """
    return Batches(
        Split(images, np.zeros(len(images), np.int64)),
        batch_size,
        device=device_of(network),
        mean=normalisation.mean,
        std=normalisation.std,
    )


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Hold a network in evaluation mode; images that don't fit it are one clear error.

    Raises:
        ModelError: The images do not fit.
    """
    modes = {layer: layer.training for layer in network.modules()}
    network.eval()
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        message = f"The network does not take these images: {error}"
        raise ModelError(message) from error
    finally:
        for layer, mode in modes.items():
            layer.training = mode
