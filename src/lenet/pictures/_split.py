"""A picture with several symbols on it, cut up in the order in which they are read."""

from dataclasses import dataclass

import numpy as np

from lenet.pictures._ink import Ink

_OVERLAP = 0.5  # of the narrower of two parts that stand above each other: they are one symbol
_NEAR = 0.2  # of the taller of the two: the gap that may be between them


def count_parts(ink: Ink) -> int:
    """How many pieces of ink do not hang together; most symbols are one or two."""
    from scipy import ndimage

    return int(ndimage.label(ink.mask[ink.box], structure=np.ones((3, 3)))[1])


def split_symbols(ink: Ink) -> list[Ink]:
    """Cut ink into symbols: line by line from the top, each line from the left.

    Parts that stand closely above each other, as the bar of a five and the rest, are one symbol.
    Symbols that touch each other are one too.
    """
    from scipy import ndimage

    parts, _ = ndimage.label(ink.mask, structure=np.ones((3, 3)))
    boxes = [
        _Box(rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in ndimage.find_objects(parts)
    ]
    symbol_of = list(range(len(boxes)))
    for first, box in enumerate(boxes):
        for second in range(first + 1, len(boxes)):
            if box.belongs_to(boxes[second]):
                kept, gone = symbol_of[first], symbol_of[second]
                symbol_of = [kept if symbol == gone else symbol for symbol in symbol_of]
    symbols = []
    for symbol in set(symbol_of):
        numbers = [number + 1 for number, of in enumerate(symbol_of) if of == symbol]
        symbols.append(ink.only(np.isin(parts, numbers)))
    return _in_reading_order(symbols)


@dataclass(frozen=True)
class _Box:
    """The rows and the columns of a part, each from the first to before the last."""

    top: int
    bottom: int
    left: int
    right: int

    def belongs_to(self, other: "_Box") -> bool:
        """Whether two parts stand above each other, or one in the other."""
        shared = min(self.right, other.right) - max(self.left, other.left)
        narrower = min(self.right - self.left, other.right - other.left)
        gap = max(self.top, other.top) - min(self.bottom, other.bottom)
        taller = max(self.bottom - self.top, other.bottom - other.top)
        return shared >= _OVERLAP * narrower and gap <= _NEAR * taller


def _in_reading_order(symbols: list[Ink]) -> list[Ink]:
    """Line by line: a line is what has its middle above the foot of the line's highest symbol."""
    waiting = sorted(symbols, key=lambda symbol: symbol.box[0].start)
    ordered: list[Ink] = []
    while waiting:
        foot = waiting[0].box[0].stop
        line = [one for one in waiting if (one.box[0].start + one.box[0].stop) / 2 < foot]
        waiting = [one for one in waiting if one not in line]
        ordered += sorted(line, key=lambda symbol: symbol.box[1].start)
    return ordered
