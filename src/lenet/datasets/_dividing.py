"""Which examples go to which side, with copies of an image and the members of a group together."""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_AT_ONCE = 256  # images: packed ones are read some at a time

Images = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


def image_keys(images: Images) -> Numbers:
    """For every image the index of the first one that equals it to the last pixel, int64 (N,).

    >>> image_keys(np.array([[[[7]]], [[[1]]], [[[7]]]], np.uint8))
    array([0, 1, 0])
    """
    hashes = np.concatenate([hash_images(piece) for piece in _pieces(images)])
    _, numbers, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    keys = np.arange(len(images))
    first: dict[bytes, int] = {}
    alike = np.flatnonzero(counts[numbers] > 1)
    for start in range(0, len(alike), _AT_ONCE):
        some = alike[start : start + _AT_ONCE]
        for index, image in zip(some.tolist(), images[some], strict=True):
            digest = hashlib.sha256(image.tobytes()).digest()
            keys[index] = first.setdefault(digest, index)
    return keys


def _pieces(images: Images) -> Iterator[Images]:
    return (images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE))


def hash_images(images: Images) -> npt.NDArray[np.uint64]:
    """A number for each image: the same for equal ones, and hardly ever for others.

    It takes a tenth of the time of a digest, and every training that holds images out begins so.
    """
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    if rows.shape[1] % 8:
        rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8)))
    words = rows.view("<u8")
    weights = np.random.default_rng(0).integers(1, 2**63, words.shape[1], np.uint64) * 2 + 1
    hashes: npt.NDArray[np.uint64] = words @ weights
    return hashes


def find_units(images: Images, groups: Numbers | None = None) -> Numbers:
    """What is to stay together: a number for every example, int64 (N,), that copies share.

    Args:
        images: uint8 (N, C, H, W).
        groups: The group that each belongs to, int64 (N,), whose members stay together too.

    >>> images = np.array([7, 1, 7, 3], np.uint8).reshape(4, 1, 1, 1)
    >>> find_units(images), find_units(images, np.array([0, 1, 2, 1]))
    (array([0, 1, 0, 3]), array([0, 1, 0, 1]))
    """
    keys = image_keys(images)
    if groups is None:
        return keys
    _, numbers = np.unique(groups, return_inverse=True)
    parents = list(range(int(numbers.max()) + 1))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for group, first in zip(numbers.tolist(), numbers[keys].tolist(), strict=True):
        one, other = root(group), root(first)
        parents[max(one, other)] = min(one, other)
    return np.array([root(number) for number in numbers.tolist()], np.int64)


def stratified_halves(
    labels: Numbers, fraction: float, seed: int, units: Numbers | None = None
) -> tuple[Numbers, Numbers]:
    """Draw the same share of every class.

    Args:
        labels: The class of each image, int64 (N,).
        fraction: The share to draw, 0 to 1.
        seed: Decides which, 0 or more.
        units: What stays together, as `find_units` gives it; each image by itself by default.
            Where anything does, a class keeps some of its own.

    Returns:
        The indices that stay and the indices that were drawn, each in ascending order.

    >>> stratified_halves(np.zeros(6, int), 0.5, seed=0, units=np.array([0, 0, 0, 1, 1, 1]))
    (array([3, 4, 5]), array([0, 1, 2]))
    """
    if units is not None and len(np.unique(units)) < len(units):
        drawn = _draw(labels, units, fraction, seed, least=0)
        return np.flatnonzero(~drawn), np.flatnonzero(drawn)
    generator = np.random.default_rng(seed)
    drawn = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        drawn[generator.permutation(members)[: round(fraction * len(members))]] = True
    return np.flatnonzero(~drawn), np.flatnonzero(drawn)


def draw_for_testing(labels: Numbers, units: Numbers, share: float) -> npt.NDArray[np.bool_]:
    """Draw the same share of every class, the same each time, and what is a unit together.

    A class of two units or more has some on both sides, unless they hold other classes too.
    """
    return _draw(labels, units, share, 0, least=1)


def _draw(
    labels: Numbers, units: Numbers, share: float, seed: int, least: int
) -> npt.NDArray[np.bool_]:
    generator = np.random.default_rng(seed)
    drawn = np.zeros(len(labels), dtype=bool)
    held: dict[int, bool] = {}  # by unit: what it holds of another class goes the same way
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        own = units[members].tolist()
        wanted = max(least, round(share * len(members)))
        taken = sum(held.get(unit, False) for unit in own)
        free = [unit for unit in dict.fromkeys(own) if unit not in held]
        sizes = dict(zip(*np.unique(own, return_counts=True), strict=True))
        order = [free[index] for index in generator.permutation(len(free))]
        # The last one stays for training, so that the class can be learnt: of a giant all.
        order.sort(key=lambda unit: 2 * sizes[unit] > len(own))
        for position, unit in enumerate(order):
            held[unit] = taken < wanted and position < len(order) - 1
            taken += int(sizes[unit]) if held[unit] else 0
        drawn[members] = [held[unit] for unit in own]
    return drawn
