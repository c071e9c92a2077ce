import hashlib
from itertools import chain

import numpy as np
import numpy.typing as npt

from lenet.datasets._packed_images import packed_images


def image_keys(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """A number for every image that is the same for identical images alone.

    Args:
        images: uint8 of shape (N, C, H, W).

    Returns:
        int64 (N,), counted from 0 in the order of first appearance.

    >>> image_keys(np.array([[[[7]]], [[[1]]], [[[7]]]], np.uint8))
    array([0, 1, 0])
    """
    numbers: dict[bytes, int] = {}
    packed = packed_images(images)
    pieces = [images] if packed is None else packed.pieces()
    every_image = chain.from_iterable(pieces)
    digests = (hashlib.sha256(image.tobytes()).digest() for image in every_image)
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], np.int64)


def keep_for_testing(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.bool_]:
    """Draw the same share of every class, the same each time, and copies of an image together.

    Args:
        images: uint8 (N, C, H, W).
        labels: int64 (N,).
        share: Above 0 and below 1.

    Returns:
        Which images are for testing, bool (N,). A class of two different images or more has some
        on both sides, unless they occur under other labels too.
    """
    keys = image_keys(images)
    generator = np.random.default_rng(0)
    drawn = np.zeros(len(labels), dtype=bool)
    held: dict[int, bool] = {}  # by key: a copy under another label goes the same way
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        wanted = max(1, round(share * len(members)))
        taken = sum(held.get(int(keys[index]), False) for index in members)
        free = [int(key) for key in dict.fromkeys(keys[members].tolist()) if key not in held]
        counts = dict(zip(*np.unique(keys[members], return_counts=True), strict=True))
        order = [free[index] for index in generator.permutation(len(free))]
        # The last one stays for training, so that the class can be learnt.
        for position, key in enumerate(order):
            held[key] = taken < wanted and position < len(order) - 1
            taken += int(counts[key]) if held[key] else 0
        drawn[members] = [held[int(key)] for key in keys[members]]
    return drawn
