import torch.nn.functional as F
from torch import Tensor

from lenet.errors import DatasetError

_SIZE = 28
_INK_SIZE = 20  # MNIST fits its digits into 20×20 of the 28×28 pixels


def enlarge_images(images: Tensor) -> Tensor:
    """Small images brought to 28×28 as MNIST's are: the picture in the middle, 0 around it.

    The longer side becomes 20 pixels, by linear interpolation; a picture that has 20 or more is
    only framed.

    Args:
        images: float32 (N, C, H, W), H and W up to 28.

    Returns:
        float32 (N, C, 28, 28).

    Raises:
        DatasetError: A side is longer than 28 pixels.

    >>> import torch
    >>> enlarge_images(torch.ones(1, 1, 8, 8)).sum()
    tensor(400.)
    """
    height, width = images.shape[2:]
    longer = max(height, width)
    if longer > _SIZE:
        message = f"Images of {height}×{width} pixels are larger than {_SIZE}×{_SIZE}."
        raise DatasetError(message)
    if longer < _INK_SIZE:
        height, width = (max(1, round(side * _INK_SIZE / longer)) for side in (height, width))
        size = (height, width)
        images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
    top, left = (_SIZE - height) // 2, (_SIZE - width) // 2
    return F.pad(images, [left, _SIZE - width - left, top, _SIZE - height - top])
