"""A picture with several symbols on it, cut up in the order in which they are read."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import PictureSizeError
from lenet.pictures._ink import Box, Ink

_OVERLAP = 0.5  # of the narrower of two parts that stand above each other: they are one symbol
_NEAR = 0.2  # of the taller of the two: the gap that may be between them
_MOST_SYMBOLS, _MOST_PARTS = 1000, 4000  # beyond any page that is written by hand

_Boxes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A symbol on a page.

    Attributes:
        ink: What was drawn of it, cut out.
        box: The rows and the columns of the page that it comes from.
    """

    ink: Ink
    box: Box


def count_parts(ink: Ink) -> int:
    """How many pieces of ink do not hang together; most symbols are one or two."""
    from scipy import ndimage

    return int(ndimage.label(ink.mask[ink.box], structure=np.ones((3, 3)))[1])


def split_symbols(ink: Ink) -> list[Symbol]:
    """Cut ink into symbols: line by line from the top, each line from the left.

    Parts that stand closely above each other, as the bar of a five and the rest, are one symbol.
    Symbols that touch each other are one too.

    Raises:
        PictureSizeError: There are more than 1,000.
    """
    from scipy import ndimage

    parts, count = ndimage.label(ink.mask, structure=np.ones((3, 3)))
    if count > _MOST_PARTS:
        raise _too_many(_MOST_PARTS, "parts")
    found = ndimage.find_objects(parts)
    boxes = np.array([(y.start, y.stop, x.start, x.stop) for y, x in found])
    symbol_of = _join(boxes)
    symbols = set(symbol_of.tolist())
    if len(symbols) > _MOST_SYMBOLS:
        raise _too_many(_MOST_SYMBOLS, "symbols")
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


def _too_many(most: int, kind: str) -> PictureSizeError:
    """The error for a pattern, or noise, that would take minutes."""
    return PictureSizeError(f"The picture has more than {most:,} {kind}; cut it into several ones.")


def _join(boxes: _Boxes) -> _Boxes:
    """Which symbol each part belongs to, as one number for the parts of a symbol.

    Args:
        boxes: (parts, 4): of each part the first row and the one after the last; so the columns.
    """
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
