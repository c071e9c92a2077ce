"""Shapes: parts of a mask that hang together, what is grown or shrunk, distances to an edge."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.pictures._pixels import Values

Mask = npt.NDArray[np.bool_]
_Whole = npt.NDArray[np.int64]


class Parts(NamedTuple):
    """The parts of a mask, neighbours on a diagonal included, from the top row by row.

    Attributes:
        numbers: Which part a pixel belongs to, from 1 on, (H, W); 0 for none.
        boxes: Of each part the first row and the one after the last, and its columns, (parts, 4).
    """

    numbers: _Whole
    boxes: _Whole


def find_parts(mask: Mask) -> Parts:
    """Number the parts of a mask (H, W)."""
    width = mask.shape[1] + 1  # with a gap, so that no run goes on in the next row
    changes = np.diff(np.pad(mask, ((0, 0), (0, 1))).ravel().view(np.int8), prepend=0)
    starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    # The runs of the row below that begin before this one ends and end after it begins.
    first = np.searchsorted(ends, starts + width)
    counts = np.searchsorted(starts, ends + width, side="right") - first
    above = np.repeat(np.arange(len(starts)), counts)
    below = np.arange(len(above)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    roots, part_of = np.unique(first_joined(len(starts), above, below), return_inverse=True)
    numbers = np.zeros(mask.shape, np.int64)
    numbers[mask] = np.repeat(part_of + 1, ends - starts)
    boxes = np.empty((len(roots), 4), np.int64)
    for column, (values, choose) in enumerate(
        [
            (starts // width, np.minimum),
            (starts // width + 1, np.maximum),
            (starts % width, np.minimum),
            ((ends - 1) % width + 1, np.maximum),
        ]
    ):
        boxes[:, column] = values[roots]
        choose.at(boxes[:, column], part_of, values)
    return Parts(numbers, boxes)


def first_joined(count: int, ones: _Whole, others: _Whole) -> _Whole:
    """Of things that are joined in pairs: the first that each hangs together with."""
    first = np.arange(count)
    while True:
        one, other = first[ones], first[others]
        if np.array_equal(one, other):
            return first
        np.minimum.at(first, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(first, further := first[first]):
            first = further


def grow(mask: Mask, steps: int) -> Mask:
    """A mask (H, W) and what is so many steps or fewer up, down, left or right of it."""
    for _ in range(steps):
        before, mask = mask, mask.copy()
        mask[1:] |= before[:-1]
        mask[:-1] |= before[1:]
        mask[:, 1:] |= before[:, :-1]
        mask[:, :-1] |= before[:, 1:]
    return mask


def largest_around(values: Values, width: int) -> Values:
    """The largest of the values (H, W) in a square round each, of an odd width."""
    in_column = _largest_in_row(values.T, width // 2).T
    return _largest_in_row(in_column, width // 2)


def smallest_around(values: Values, width: int) -> Values:
    """The smallest of the values (H, W) in a square round each, of an odd width."""
    return np.negative(largest_around(np.negative(values), width))


def largest_in_disk(values: Values, radius: int) -> Values:
    """The largest of the values (H, W) at most `radius` away from each."""
    largest: Values = values.copy()
    for down in range(min(radius, len(values) - 1) + 1):
        in_row = _largest_in_row(values, math.isqrt(radius**2 - down**2))
        np.maximum(largest[down:], in_row[: len(values) - down], out=largest[down:])
        np.maximum(largest[: len(values) - down], in_row[down:], out=largest[: len(values) - down])
    return largest


def _largest_in_row(values: Values, reach: int) -> Values:
    """The largest of each value and `reach` neighbours to the left and the right."""
    columns, width = values.shape[1], 2 * reach + 1
    largest = np.pad(values, ((0, 0), (reach, reach)), constant_values=-np.inf)
    so_far = 1
    while so_far < width:
        step = min(so_far, width - so_far)
        largest = np.maximum(largest[:, :-step], largest[:, step:])
        so_far += step
    return largest[:, :columns]


def distances_to_edge(mask: Mask) -> npt.NDArray[np.float64]:
    """How far each pixel of a mask is from the nearest that is not of it; the border is not."""
    rows = np.arange(len(mask))[:, None]
    above = np.maximum.accumulate(np.where(mask, 0, rows), axis=0)
    below = np.minimum.accumulate(np.where(mask, len(mask) - 1, rows)[::-1], axis=0)[::-1]
    in_column = np.minimum(rows - above, below - rows) ** 2
    squares, step = in_column.copy(), 1
    while step * step < squares.max():  # columns further away can't be nearer
        farther = in_column + step * step
        np.minimum(squares[:, step:], farther[:, :-step], out=squares[:, step:])
        np.minimum(squares[:, :-step], farther[:, step:], out=squares[:, :-step])
        step += 1
    distances: npt.NDArray[np.float64] = np.sqrt(squares)
    return distances
