"""The networks that this room looks at: arrays where these are all, else modules of PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenet.datasets import ArrayBatches, BatchesOf, Split
from lenet.errors import ModelError
from lenet.models import ArrayNetwork, Normalisation, known_network, module_of
from lenet.training import compute_logits, log_softmax

if TYPE_CHECKING:
    from torch import nn

AnyNetwork: TypeAlias = "ArrayNetwork | nn.Module"
Images: TypeAlias = npt.NDArray[np.uint8]  # (N, C, H, W), 0 to 255
DIGIT = (12, 7)  # rows and columns of the digits that LeNet-5's output layer knows


def as_network(network: AnyNetwork, input_shape: tuple[int, ...]) -> AnyNetwork:
    """A network to look into: its arrays if these are all that there is to it, else its module.

    They are not for modules of one's own, on another device than the CPU, in other numbers than
    float32, and while a hook listens.

    Args:
        network: Either.
        input_shape: Channels, height and width of an image.
    """
    return known_network(network, input_shape) or module_of(network)


def network_for(network: AnyNetwork, images: Images) -> AnyNetwork:
    """The same for images.

    Raises:
        DatasetError: They are not uint8 of shape (N, C, H, W), or there are none.
        ModelError: The network does not take them; of a module it shows later.
    """
    label_all(images)
    found = as_network(network, images.shape[1:])
    if isinstance(found, ArrayNetwork) and found.input_shape != images.shape[1:]:
        shapes = ["×".join(map(str, shape)) for shape in (images.shape[1:], found.input_shape)]
        message = f"The network does not take these images: they are {shapes[0]}, not {shapes[1]}."
        raise ModelError(message)
    return found


def network_on(network: AnyNetwork, device: str, input_shape: tuple[int, ...]) -> AnyNetwork:
    """The same on a device; a module is moved there."""
    if device != "cpu":
        return module_of(network).to(device)
    return as_network(
        network if isinstance(network, ArrayNetwork) else network.to(device), input_shape
    )


def device_of(network: AnyNetwork) -> str:
    """Where a network's numbers are."""
    if isinstance(network, ArrayNetwork):
        return "cpu"
    return str(next((weights.device for weights in network.parameters()), "cpu"))


def label_all(images: Images) -> Split:
    """Images with labels that mean nothing.

    Raises:
        DatasetError: They are not uint8 of shape (N, C, H, W), or there are none.
    """
    return Split(images, np.zeros(len(images), np.int64))


def batches_for(
    network: AnyNetwork, examples: Split, normalisation: Normalisation | None, batch_size: int = 256
) -> BatchesOf[Any]:
    """Images as a network takes them, where it is."""
    norm = normalisation or Normalisation()
    device = device_of(network)
    if device == "cpu":
        return ArrayBatches(examples, batch_size, mean=norm.mean, std=norm.std)
    from lenet.datasets import Batches

    return Batches(examples, batch_size, device=device, mean=norm.mean, std=norm.std)


def softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The classes' probabilities, from logits (…, classes)."""
    return np.exp(log_softmax(logits.astype(np.float64)))


def logits_of(
    network: AnyNetwork, examples: Split, normalisation: Normalisation | None
) -> npt.NDArray[np.float32]:
    """What a network makes of every image: float32 (N, …)."""
    return compute_logits(network, batches_for(network, examples, normalisation))
