"""Symbols: cut out of a page in the order in which they are read, and put into their frames."""

from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.errors import PictureSizeError
from lenet.pictures._ink import Box, Ink
from lenet.pictures._pixels import Values, fitted_size, resize
from lenet.pictures._preparation import Preparation
from lenet.pictures._shapes import (
    Mask,
    distances_to_edge,
    find_parts,
    first_joined,
    largest_in_disk,
)

_OVERLAP = 0.5  # of the narrower of two parts that stand above each other: they are one symbol
_NEAR = 0.2  # of the taller of the two: the gap that may be between them
_FEWEST_USUAL = 8  # parts; of fewer it is not known how high a symbol is
_HIGHEST = 1.4  # of the height of most symbols, or of a part: parts of one symbol are no higher
MOST_OF = {"symbols": 4000, "parts": 8000}  # beyond any page that is written by hand
_LARGEST = 400  # pixels of a symbol's longer side: more would take long and show no more
_MOST_TILT = 24  # 256ths: how far lines of a page may rise or fall
_FEWEST_TILTED = 8  # symbols; the lines of fewer are not known well enough
_TILT_GAIN = 115  # percent: how much better lines must part from each other than level ones
_THINNEST, _THIN = 1.35, 1.9  # strokes in pixels of the box: below the first they get the second
_FINE = 4  # pixels for one of the box, where strokes are measured
_HALF = 0.5  # of the ink
_DECIMALS = 3  # of a place in pixels; more are rounding, which must not decide for symmetric ink

_Boxes = npt.NDArray[np.int64]  # as in `Parts`


class Symbol(NamedTuple):
    """What was drawn of a symbol, cut out, and the rows and columns of the page it comes from."""

    ink: Ink
    box: Box


def count_parts(ink: Ink) -> int:
    """How many pieces of ink do not hang together; most symbols are one or two."""
    return len(find_parts(ink.mask[ink.box]).boxes)


def split_symbols(ink: Ink) -> list[Symbol]:
    """Cut ink into symbols: line by line from the top, each line from the left.

    Parts that stand closely above each other, as the bar of a five and the rest, are one symbol.
    Symbols that touch each other are one too.

    Raises:
        PictureSizeError: There are more than 4,000.
    """
    parts, boxes = find_parts(ink.mask)
    if len(boxes) > MOST_OF["parts"]:
        raise too_many(MOST_OF["parts"], "parts")
    roots, symbol_of = np.unique(_join(boxes), return_inverse=True)
    if len(roots) > MOST_OF["symbols"]:
        raise too_many(MOST_OF["symbols"], "symbols")
    around = boxes[roots]  # of each symbol, as of a part
    for column, choose in enumerate((np.minimum, np.maximum, np.minimum, np.maximum)):
        choose.at(around[:, column], symbol_of, boxes[:, column])
    symbol_in = np.r_[-1, symbol_of]  # of the number that a pixel has in `parts`
    cut_out = []
    for symbol in chain.from_iterable(find_lines(around)[0]):
        top, bottom, left, right = around[symbol].tolist()
        box = slice(top, bottom), slice(left, right)
        mask = symbol_in[parts[box]] == symbol
        strength = np.where(mask, ink.strength[box], 0)
        cut_out.append(Symbol(Ink(strength, mask), box))
    return cut_out


def too_many(most: int, kind: str) -> PictureSizeError:
    """The error for a pattern, or noise, that would take minutes."""
    return PictureSizeError(f"The picture has more than {most:,} {kind}; cut it into several ones.")


def _join(boxes: _Boxes) -> _Boxes:
    """The first part of the symbol that each part belongs to; parts come from the top."""
    tops, bottoms = boxes[:, 0], boxes[:, 1]
    heights = np.sort(bottoms - tops)
    usual = heights[3 * len(boxes) // 4] if len(boxes) >= _FEWEST_USUAL else heights.sum()
    lowest = bottoms + _NEAR * heights[-1]
    ends = np.searchsorted(tops, lowest, side="right").tolist()
    ones, others = [], []
    for first, end in enumerate(ends):
        found = np.flatnonzero(_belong_together(boxes[first], boxes[first + 1 : end], usual))
        ones.append(np.full(len(found), first))
        others.append(first + 1 + found)
    return first_joined(len(boxes), np.concatenate(ones), np.concatenate(others))


def _belong_together(box: _Boxes, others: _Boxes, usual: int) -> npt.NDArray[np.bool_]:
    """Whether a part and each of others stand above each other, or one in the other.

    Together they must not be much higher than the usual symbol, as two lines of writing would be.
    """
    top, bottom, left, right = box
    tops, bottoms, lefts, rights = others.T
    shared = np.minimum(right, rights) - np.maximum(left, lefts)
    narrower = np.minimum(right - left, rights - lefts)
    gap = np.maximum(top, tops) - np.minimum(bottom, bottoms)
    taller = np.maximum(bottom - top, bottoms - tops)
    height = np.maximum(bottom, bottoms) - np.minimum(top, tops)
    is_low = height <= _HIGHEST * np.maximum(taller, usual)
    is_near = gap <= _NEAR * taller
    together: npt.NDArray[np.bool_] = (shared >= _OVERLAP * narrower) & is_near & is_low
    return together


def find_lines(boxes: _Boxes) -> tuple[list[list[int]], float]:
    """The lines in which boxes are read, from the top, each from the left, and how they fall.

    A line is what has its middle above the foot of the line's highest symbol, once the page is
    turned upright.
    """
    tilt = _tilt(boxes)
    shift = tilt * (boxes[:, 2] + boxes[:, 3])
    tops, bottoms = 512 * boxes[:, 0] - shift, 512 * boxes[:, 1] - shift
    waiting = np.argsort(tops, kind="stable")
    lines: list[list[int]] = []
    while len(waiting):
        is_in_line = tops[waiting] + bottoms[waiting] < 2 * bottoms[waiting[0]]
        line = waiting[is_in_line]
        lines.append(line[np.argsort(boxes[line, 2], kind="stable")].tolist())
        waiting = waiting[~is_in_line]
    return lines, tilt / 256


def _tilt(boxes: _Boxes) -> int:
    """By how many 256ths lines fall to the right: there the symbols cover the fewest rows."""
    if len(boxes) < _FEWEST_TILTED:
        return 0
    heights, sides = boxes[:, 1] - boxes[:, 0], boxes[:, 2] + boxes[:, 3]
    unit = 512 * max(1, int(heights.sum()) // (4 * len(boxes)))
    best, most = 0, 0
    for tilt in sorted(range(-_MOST_TILT, _MOST_TILT + 1), key=lambda tilt: (abs(tilt), -tilt)):
        shift = _MOST_TILT * int(sides.max()) - tilt * sides
        changes = np.bincount((512 * boxes[:, 0] + shift) // unit)
        ends = np.bincount((512 * boxes[:, 1] + shift) // unit)
        changes = np.pad(changes, (0, len(ends) - len(changes))) - ends
        score = int((np.cumsum(changes) ** 2).sum())
        if not tilt:
            most = score * _TILT_GAIN // 100
        elif score > most:
            best, most = tilt, score
    return best


def fit_symbol(ink: Ink, preparation: Preparation) -> Values:
    """Fit ink into a box, with its centre of mass in the middle of the frame: (H, W), 0 to 1.

    Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
    recognition", section III.A: a symbol is fitted into a box of 20×20 pixels with its proportions
    kept, and its centre of mass comes to the middle of 28×28.
    """
    drawn = ink.strength[ink.box]
    if max(drawn.shape) > _LARGEST:
        drawn = resize(drawn, *fitted_size(drawn.shape, (_LARGEST, _LARGEST)))
    height, width, margin = preparation.height, preparation.width, preparation.margin
    inner = fitted_size(drawn.shape, (height - 2 * margin, width - 2 * margin))
    fitted = resize(_thick_enough(drawn, inner), *inner)
    fitted = fitted / fitted.max()
    framed = np.zeros((height, width), np.float32)
    top, left = _start(fitted.sum(axis=1), height), _start(fitted.sum(axis=0), width)
    framed[top : top + inner[0], left : left + inner[1]] = fitted
    return framed


def _start(masses: Values, room: int) -> int:
    """Where rows, or columns, begin so that their centre of mass is in the middle of the room."""
    centre = float((masses * np.arange(len(masses))).sum() / masses.sum())
    start = round(round(room // 2 - centre, _DECIMALS))
    return int(np.clip(start, 0, room - len(masses)))


def _thick_enough(drawn: Values, inner: tuple[int, int]) -> Values:
    """Make strokes thicker that would be too thin in the box; others are left as they are."""
    fine = [max(size, _FINE * box) for size, box in zip(drawn.shape, inner, strict=True)]
    enlarged = resize(drawn, *fine)
    scale = max(inner) / max(enlarged.shape)
    stroke = np.pad(enlarged > _HALF, 1)
    # Across a stroke of `width` pixels the distance to its edge is (width + 2) / 4 in the mean.
    if _is_at_least_as_far(stroke, (_THINNEST / scale + 2) / 4):
        return drawn
    distances = distances_to_edge(stroke)
    inside = distances[distances > 0]
    width = (4 * float(inside.mean()) - 2) * scale if len(inside) else 0.0
    if width >= _THINNEST:
        return drawn
    radius = max(1, round((_THIN - width) / 2 / scale))
    return largest_in_disk(np.pad(enlarged, radius), radius)


def _is_at_least_as_far(stroke: Mask, mean: float) -> bool:
    """Whether the edge of a stroke, framed by others' pixels, is so many pixels away in the mean.

    Diagonal steps count as one: that is quick to see, and the true distances are no smaller.
    """
    count = np.count_nonzero(stroke)
    total = last = count
    while last and total < mean * count:
        stroke = stroke[:-2] & stroke[1:-1] & stroke[2:]
        stroke = stroke[:, :-2] & stroke[:, 1:-1] & stroke[:, 2:]
        last = np.count_nonzero(stroke)
        total += last
    return bool(last)
