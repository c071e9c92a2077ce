"""Whether a network can be trained on some images, told before the first step or of its failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lenet.datasets import Dataset
from lenet.errors import LenetError, ModelError, SettingError
from lenet.models import ArrayNetwork, Network, frozen_weights, learnt_weights

if TYPE_CHECKING:
    from torch import nn


def check_network(network: ArrayNetwork | nn.Module, dataset: Dataset, batch_size: int) -> None:
    """See that a network suits its images, as far as it can be seen without a step.

    Raises:
        ModelError: The images or labels do not fit it, or it has no weight that may be trained.
        SettingError: The batches do not.
    """
    if isinstance(network, ArrayNetwork):
        _check_fit(network, dataset)
    if not set(learnt_weights(network)) - set(frozen_weights(network)):
        message = "No weight of the network may be trained: it has none, or all are frozen."
        raise ModelError(message)
    _check_batch_size(batch_size, dataset, network)


def _check_fit(network: ArrayNetwork, dataset: Dataset) -> None:
    shape, own = dataset.image_shape, network.network
    if shape != own.input_shape and not _takes(own, shape):
        taken, given = ("×".join(map(str, one)) for one in (own.input_shape, shape))
        message = f"The network takes images of {taken}, but those of `{dataset.name}` are {given}."
        raise ModelError(message)
    _check_classes(own.classes, dataset)


def _takes(network: Network, shape: tuple[int, ...]) -> bool:
    """Whether a network with the same weights takes images of another shape."""
    try:
        return Network(network.layers, shape).weights() == network.weights()
    except LenetError:
        return False


def _check_classes(classes: int, dataset: Dataset) -> None:
    largest = max(int(split.labels.max()) for split in dataset.splits.values())
    if largest >= classes:
        message = (
            f"The network tells {classes} classes apart, but `{dataset.name}` has images of class "
            f"{largest}, counted from 0: it needs {largest + 1} outputs."
        )
        raise ModelError(message)


def explain_failure(network: nn.Module, dataset: Dataset) -> None:
    """Find out whether a step of a network in PyTorch failed because it does not fit its images.

    Raises:
        ModelError: That is so.
    """
    from lenet.models import count_outputs

    _check_classes(count_outputs(network, dataset.image_shape), dataset)


def _needs_two_images(network: ArrayNetwork | nn.Module) -> bool:
    """Whether it normalises units, or maps of one pixel, of which one image has no variance."""
    if isinstance(network, ArrayNetwork):
        return network.network.needs_two_images
    from torch import nn

    return any(isinstance(layer, nn.BatchNorm1d) for layer in network.modules())


def _check_batch_size(batch_size: int, dataset: Dataset, network: ArrayNetwork | nn.Module) -> None:
    """Raise if a batch does not suit data or network, rather than at the end of an epoch."""
    images = len(dataset.train)
    if batch_size > images:
        message = (
            f"`batch_size` is {batch_size}, but `{dataset.name}` has only {images} images to train "
            "on."
        )
        raise SettingError(message)
    last = images % batch_size or batch_size
    if last > 1 or not _needs_two_images(network):
        return
    message = f"`batch_size` is {batch_size}"
    if batch_size > 1:
        message += f", which leaves the last of {images} images alone"
    message += "; batch normalisation needs at least two images in every batch."
    raise SettingError(message)
