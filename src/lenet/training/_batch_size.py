from torch import nn

from lenet.datasets import Dataset
from lenet.errors import SettingError


def check_batch_size(batch_size: int, dataset: Dataset, model: nn.Module) -> None:
    """Raise if a batch does not suit data or network, rather than at the end of an epoch.

    Raises:
        SettingError: A batch is larger than the training split, or has one image where batch
            normalisation needs two.
    """
    images = len(dataset.train)
    if batch_size > images:
        message = (
            f"`batch_size` is {batch_size}, but `{dataset.name}` has only {images} images to train "
            "on."
        )
        raise SettingError(message)
    last = images % batch_size or batch_size
    if last > 1 or not any(isinstance(layer, nn.BatchNorm1d) for layer in model.modules()):
        return
    message = f"`batch_size` is {batch_size}"
    if batch_size > 1:
        message += f", which leaves the last of {images} images alone"
    message += "; batch normalisation needs at least two images in every batch."
    raise SettingError(message)
