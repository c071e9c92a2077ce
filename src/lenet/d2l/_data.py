from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from lenet.datasets import Batches, load_dataset


class BatchIterator:
    """Batches that can be gone through again and again, as a `DataLoader` can.

    Args:
        batches: Where they come from.
        size: Height and width to bring the images to; `None` leaves them.
    """

    def __init__(self, batches: Batches, size: tuple[int, int] | None):
        self._batches, self._size = batches, size

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A new order each time, from torch's random numbers, so that `torch.manual_seed` decides.
        epoch = int(torch.randint(2**31, ())) if self._batches.shuffle else 0
        for images, labels in self._batches.epoch(epoch):
            if self._size:
                images = F.interpolate(images, self._size, mode="bilinear", antialias=True)
            yield images, labels


def load_data_fashion_mnist(
    batch_size: int, resize: int | tuple[int, int] | None = None
) -> tuple[BatchIterator, BatchIterator]:
    """Fashion-MNIST as two iterators over batches.

    Args:
        batch_size: Images a batch.
        resize: Height and width to bring the images to, such as 96; `None` leaves 28×28.

    Returns:
        Training batches, in a new order each time, and test batches. Images are float32
        (B, 1, H, W) from 0 to 1, labels int64 (B,).

    Raises:
        DownloadError: The files are neither cached nor to be had.
    """
    dataset = load_dataset("fashion-mnist")
    size = (resize, resize) if isinstance(resize, int) else resize
    train = Batches(dataset.train, batch_size, shuffle=True)
    return BatchIterator(train, size), BatchIterator(
        Batches(dataset.require_test(), batch_size), size
    )
