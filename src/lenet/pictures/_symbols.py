"""Symbols: cut out of a page in the order in which they are read, and put into their frames."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.errors import PictureSizeError
from lenet.pictures._ink import Box, Ink
from lenet.pictures._pixels import Values, fitted_size, resize
from lenet.pictures._preparation import Preparation
from lenet.pictures._shapes import Mask, distances_to_edge, find_parts, largest_in_disk

_OVERLAP = 0.5  # of the narrower of two parts that stand above each other: they are one symbol
_NEAR = 0.2  # of the taller of the two: the gap that may be between them
MOST_OF = {"symbols": 1000, "parts": 4000}  # beyond any page that is written by hand
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
        PictureSizeError: There are more than 1,000.
    """
    parts, boxes = find_parts(ink.mask)
    if len(boxes) > MOST_OF["parts"]:
        raise too_many(MOST_OF["parts"], "parts")
    symbol_of = _join(boxes)
    symbols = np.unique(symbol_of).tolist()
    if len(symbols) > MOST_OF["symbols"]:
        raise too_many(MOST_OF["symbols"], "symbols")
    symbol_in = np.r_[-1, symbol_of]  # of the number that a pixel has in `parts`
    cut_out = []
    for symbol in symbols:
        its_boxes = boxes[symbol_of == symbol]
        top, _, left, _ = its_boxes.min(axis=0).tolist()
        _, bottom, _, right = its_boxes.max(axis=0).tolist()
        box = slice(top, bottom), slice(left, right)
        mask = symbol_in[parts[box]] == symbol
        strength = np.where(mask, ink.strength[box], 0)
        cut_out.append(Symbol(Ink(strength, mask), box))
    return _in_reading_order(cut_out)


def too_many(most: int, kind: str) -> PictureSizeError:
    """The error for a pattern, or noise, that would take minutes."""
    return PictureSizeError(f"The picture has more than {most:,} {kind}; cut it into several ones.")


def _join(boxes: _Boxes) -> _Boxes:
    """Which symbol each part belongs to, as one number for the parts of a symbol."""
    symbol_of = np.arange(len(boxes))
    for first, box in enumerate(boxes):
        others = first + 1 + np.flatnonzero(_belong_together(box, boxes[first + 1 :]))
        if len(others):
            symbol_of[np.isin(symbol_of, symbol_of[others])] = symbol_of[first]
    return symbol_of


def _belong_together(box: _Boxes, others: _Boxes) -> npt.NDArray[np.bool_]:
    """Whether a part and each of others stand above each other, or one in the other."""
    top, bottom, left, right = box
    tops, bottoms, lefts, rights = others.T
    shared = np.minimum(right, rights) - np.maximum(left, lefts)
    narrower = np.minimum(right - left, rights - lefts)
    gap = np.maximum(top, tops) - np.minimum(bottom, bottoms)
    taller = np.maximum(bottom - top, bottoms - tops)
    together: npt.NDArray[np.bool_] = (shared >= _OVERLAP * narrower) & (gap <= _NEAR * taller)
    return together


def _in_reading_order(symbols: list[Symbol]) -> list[Symbol]:
    """Line by line: a line is what has its middle above the foot of the line's highest symbol."""
    waiting = sorted(symbols, key=lambda symbol: symbol.box[0].start)
    ordered: list[Symbol] = []
    while waiting:
        foot = waiting[0].box[0].stop
        line = [one for one in waiting if (one.box[0].start + one.box[0].stop) / 2 < foot]
        waiting = [one for one in waiting if one not in line]
        ordered += sorted(line, key=lambda symbol: symbol.box[1].start)
    return ordered


def fit_symbol(ink: Ink, preparation: Preparation) -> Values:
    """Fit ink into a box, with its centre of mass in the middle of the frame: (H, W), 0 to 1.

    Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
    recognition", section III.A: a symbol is fitted into a box of 20×20 pixels with its proportions
    kept, and its centre of mass comes to the middle of 28×28.
    """
    drawn = ink.strength[ink.box]
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
