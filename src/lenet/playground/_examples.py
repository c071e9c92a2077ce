"""Test images that a page holds."""

from pathlib import Path

import numpy as np

from lenet.datasets import Split, load_dataset
from lenet.errors import SettingError

FASHION_SHEET = Path(__file__).with_name("fashion_examples.png")
_COUNT, _CLASSES = 20, 10  # of Fashion-MNIST's images on that sheet, and of its classes


def choose_examples(split: Split, count: int = _COUNT, seed: int = 0) -> Split:
    """Draw images to step through, class by class in turn, so that all have equally many.

    Args:
        split: Images with labels, usually the test split.
        count: How many, at least 1; where a class has no more, others give more.
        seed: Decides which, 0 or more.

    Returns:
        At most `count` examples: one of each class, then a second one of each, and so on.

    Raises:
        SettingError: The count or the seed is out of range.

    >>> from lenet.datasets import load_dataset
    >>> choose_examples(load_dataset("digits").test, 20).labels.tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if value < least:
            message = f"`{name}` must be at least {least}, not {value}."
            raise SettingError(message)
    shuffled = np.random.default_rng(seed).permutation(len(split))
    turns = np.zeros(len(split), np.int64)
    for label in np.unique(split.labels):
        members = shuffled[split.labels[shuffled] == label]
        turns[members] = np.arange(len(members))
    return split.take(np.lexsort((split.labels, turns))[:count])


def bundled_examples(model: str) -> Split:
    """Examples for a model that comes with the package, known without a network.

    Args:
        model: `digits`, whose examples are of the bundled handwriting, or `fashion`, whose are 20
            test images of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017; MIT licence).

    Raises:
        KeyError: There is no such model.
    """
    from PIL import Image

    if model == "digits":
        return choose_examples(load_dataset("digits").require_test())
    if model != "fashion":
        raise KeyError(model)
    with Image.open(FASHION_SHEET) as sheet:
        pixels = np.asarray(sheet.convert("L"))
    images = pixels.reshape(_COUNT, 1, -1, pixels.shape[1])
    return Split(images.copy(), np.arange(_COUNT, dtype=np.int64) % _CLASSES)
