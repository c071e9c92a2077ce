"""Runs on images of every kind, small enough to be trained in a moment."""

from pathlib import Path
from typing import Any

import numpy as np

import lenet
from lenet.datasets import Dataset, Split

HOSTILE = "<script>document.title='taken'</script>"


def make_dataset(
    classes: int,
    shape: tuple[int, int, int] = (1, 28, 28),
    *,
    images: int = 12,
    has_test: bool = True,
    names: tuple[str, ...] | None = None,
) -> Dataset:
    """Noise round a grey of each class's own, so many images of each."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), images)

    def draw() -> Split:
        grey = (20 + 200 * labels / classes)[:, None, None, None]
        pixels = grey + generator.normal(0, 10, (len(labels), *shape))
        return Split(np.clip(pixels, 0, 255).astype(np.uint8), labels)

    names = names or tuple(f"class {index}" for index in range(classes))
    return Dataset("greys", names, draw(), draw() if has_test else None)


def train(data: Dataset, folder: Path, **settings: Any) -> lenet.Run:
    """A run of an epoch or so, silent."""
    usual: dict[str, Any] = {"epochs": 1, "batch_size": 16, "threads": 1}
    return lenet.train(dataset=data, runs_folder=folder, listeners=[], **usual | settings)
