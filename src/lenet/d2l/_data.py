import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from lenet.datasets import CATALOG, Batches, Selection, load_dataset

_CLASS_NAMES = CATALOG["fashion-mnist"].class_names


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Images one by one, each with its label, as torchvision's data sets give them.

    Attributes:
        targets: All labels, int64 (N,).
        classes: The names of Fashion-MNIST's classes.
    """

    def __init__(self, batches: Batches, size: tuple[int, int] | None):
        self._batches, self._size = batches, size
        self.targets, self.classes = batches.labels, list(_CLASS_NAMES)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        index = range(len(self))[index]
        images, labels = self.take(Selection(torch.tensor([index])))
        return images[0], int(labels[0])

    def take(self, selection: Selection) -> tuple[Tensor, Tensor]:
        images, labels = self._batches.take(selection)
        if self._size:
            images = F.interpolate(images, self._size, mode="bilinear", antialias=True)
        return images, labels


class BatchIterator:
    """Batches that can be gone through again and again, as a `DataLoader` can.

    Attributes:
        dataset: The images one by one, such as another `DataLoader` takes.
        batch_size: Images a batch; the last may have fewer.
    """

    def __init__(self, batches: Batches, size: tuple[int, int] | None):
        self._batches = batches
        self.dataset, self.batch_size = ImageDataset(batches, size), batches.batch_size

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        # A new order each time, from torch's random numbers, so that `torch.manual_seed` decides.
        epoch = int(torch.randint(2**31, ())) if self._batches.shuffle else 0
        return map(self.dataset.take, self._batches.selections(epoch))


def load_data_fashion_mnist(
    batch_size: int, resize: int | tuple[int, int] | None = None
) -> tuple[BatchIterator, BatchIterator]:
    """Fashion-MNIST as two iterators over batches. Section 3.5.

    Args:
        batch_size: Images a batch.
        resize: Height and width to bring the images to, such as 96; `None` leaves 28×28.

    Returns:
        Training batches, in a new order each time, and test batches. Images are float32
        (B, 1, H, W) from 0 to 1, labels int64 (B,). Each has a `dataset`, whose items are an image
        (1, H, W) and a label, and a `batch_size`.

    Raises:
        DownloadError: The files are neither cached nor to be had.
    """
    dataset = load_dataset("fashion-mnist")
    size = (resize, resize) if isinstance(resize, int) else resize
    train = Batches(dataset.train, batch_size, shuffle=True)
    return BatchIterator(train, size), BatchIterator(
        Batches(dataset.require_test(), batch_size), size
    )


def get_fashion_mnist_labels(labels: Iterable[Any]) -> list[str]:
    """The names of Fashion-MNIST's classes, from `t-shirt` for 0 to `ankle boot`. Section 3.5.

    Args:
        labels: Numbers of classes, such as a tensor of shape (N,).
    """
    return [_CLASS_NAMES[int(label)] for label in labels]


def get_dataloader_workers() -> int:
    """How many processes a `DataLoader` should read with. Section 3.5.

    Four, as in the book, but no more than there are cores; none where Python starts processes from
    nothing, which a program without a `__main__` guard does not survive.
    """
    if multiprocessing.get_all_start_methods()[0] != "fork":
        return 0
    return min(4, len(os.sched_getaffinity(0)))


class ArrayLoader(DataLoader[tuple[Tensor, ...]]):
    """A `DataLoader` of tensors that takes a batch in one go, and not example by example."""

    dataset: TensorDataset

    def __iter__(self) -> Any:
        torch.empty((), dtype=torch.int64).random_()  # drawn by a `DataLoader`, too: same batches
        assert self.batch_sampler is not None
        for indices in self.batch_sampler:
            yield [tensor[indices] for tensor in self.dataset.tensors]


def load_array(
    data_arrays: Sequence[Tensor], batch_size: int, is_train: bool = True
) -> DataLoader[tuple[Tensor, ...]]:
    """Tensors as an iterator over batches. Section 3.3.

    Args:
        data_arrays: Tensors of as many examples each, such as (features, labels).
        batch_size: Examples a batch; the last may have fewer.
        is_train: Whether each pass has an order of its own, from torch's random numbers.

    Returns:
        Batches, each a list of a part of every tensor; the same for a seed as the book's.
    """
    return ArrayLoader(TensorDataset(*data_arrays), batch_size, shuffle=is_train)


def synthetic_data(w: Tensor, b: Tensor | float, num_examples: int) -> tuple[Tensor, Tensor]:
    """Examples of y = Xw + b + noise, from torch's random numbers. Section 3.2.

    Args:
        w: Weights, shape (features,) or (features, 1).
        b: Bias.
        num_examples: How many.

    Returns:
        X, standard normal, shape (num_examples, features), and y, shape (num_examples, 1), with
        noise of standard deviation 0.01.
    """
    X = torch.normal(0.0, 1.0, (num_examples, len(w)))
    y = X @ w + b
    return X, (y + torch.normal(0.0, 0.01, y.shape)).reshape(-1, 1)
