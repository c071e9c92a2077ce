"""What lies round a symbol and is none of it: bars, ruled lines, printed borders, a circle.

They may be as dark as what is written. Lines may touch it; bars and circles may not.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.pictures._shapes import Mask, Parts, find_parts

LEAST_SIDE = 40  # pixels of a picture in which they are looked for
_PROBES, _OF = (1, 2, 3), 16  # where lines are looked for: 16ths from both ends
_THICK, _LEAST_THICK = 20, 5  # parts of the longer side, but not less than so many pixels
_DEEPEST = 3  # parts of a picture's side: how deep a bar may be
_STEEP, _STEEPEST = 10, 3  # parts of its length by which a line, or the end of a bar, may fall
_MOST_LINES, _MOST_RUNS = 16, 24  # in a direction, and that cross a column; more are a pattern
_DRAWN = 90  # percent of a line
_FREE = 25  # percent of a line where nothing else touches it
_GAP = 3  # pixels that may be missing
_BEYOND = 2  # pixels by which a line goes beyond a symbol, at both ends,
_BAR_BEYOND = 16  # and parts of its length by which a bar does
_AROUND = 3  # pixels to the left and right, by which a stroke goes on beyond a line
_FEWEST = 8  # pixels of the longer side of what is a symbol
_ALONG = 60  # percent of the longer side of what lies along the edge of the picture
_SMALLEST = 6  # parts of the longer side of a picture: a symbol beside something else
_WITHIN = 35  # percent of the longer side of a circle that the symbol in it has
_APART = 25  # parts of that side: how far they are from each other
_ROUND = 75  # percent of the symbol's rows and columns that have the circle at both sides

_Whole = npt.NDArray[np.int64]


class _Line(NamedTuple):
    """A line, or a bar at the edge of a mask: of its columns the rows, in [low, high).

    A line begins and ends somewhere, and is two pixels thicker here than what is drawn.
    """

    low: _Whole
    high: _Whole
    start: int
    end: int
    is_bar: bool


def find_surroundings(mask: Mask) -> Mask | None:
    """What of a mask (H, W) lies round a symbol; nothing where there is only a symbol."""
    gone = _find_lines(mask)
    if gone is None:
        parts = find_parts(mask)
        gone = _beside(parts, mask.shape)
        if gone is None:
            gone = _round(parts)
    return gone


def _find_lines(mask: Mask) -> Mask | None:
    """Lines and bars that go beyond what is left without them, at both ends."""
    thickest = max(_LEAST_THICK, max(mask.shape) // _THICK)
    level = [(one, False) for one in _candidates(mask, thickest)]
    upright = [(one, True) for one in _candidates(mask.T, thickest)]
    lines = level + upright
    while lines:
        painted = np.zeros_like(mask)
        for one, is_upright in lines:
            _paint(one, painted.T if is_upright else painted)
        strokes = mask & ~painted
        gone = np.zeros_like(mask)
        for one, is_upright in lines:
            _paint_without_crossings(one, *((x.T if is_upright else x) for x in (strokes, gone)))
        box = _box_of_symbol(mask & ~gone, 2 * thickest)
        if box is None:
            return None
        kept = [
            (one, is_upright)
            for one, is_upright in lines
            if _goes_beyond(one, *(box[:2] if is_upright else box[2:]))
        ]
        if len(kept) == len(lines):
            return gone & mask
        lines = kept
    return None


def _candidates(mask: Mask, thickest: int) -> list[_Line]:
    """Straight lines from about the left side to the right, and bars along the top and the foot."""
    width = mask.shape[1]
    found: list[_Line] = []
    for first in _PROBES:
        for last in _PROBES:
            left, right = width * first // _OF, width - 1 - width * last // _OF
            for one in _runs(mask[:, left]):
                for other in _runs(mask[:, right]):
                    if len(found) == _MOST_LINES or any(
                        _has(line, left, one) and _has(line, right, other) for line in found
                    ):
                        continue
                    line = _line_through(mask, thickest, (left, *one), (right, *other))
                    if line is not None:
                        found.append(line)
    return found


def _runs(column: Mask) -> list[tuple[int, int]]:
    """The first of each run of a mask's column and the one after the last."""
    changes = np.diff(np.pad(column, 1).astype(np.int8))
    starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    if len(starts) > _MOST_RUNS:
        return []
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _has(line: _Line, column: int, run: tuple[int, int]) -> bool:
    """Whether a line goes through the middle of a run."""
    middle = (run[0] + run[1]) // 2
    return bool(line.low[column] <= middle < line.high[column])


def _line_through(
    mask: Mask, thickest: int, one: tuple[int, int, int], other: tuple[int, int, int]
) -> _Line | None:
    """The line through two runs, each a column, its first row and the row after the last."""
    height, width = mask.shape
    (left, top, bottom), (right, other_top, other_bottom) = one, other
    length, thickness = right - left, max(bottom - top, other_bottom - other_top)
    is_at_top = top == other_top == 0
    is_at_foot = bottom == other_bottom == height
    is_bar = (is_at_top or is_at_foot) and thickness > thickest
    fall = abs(other_top + other_bottom - top - bottom)
    if is_bar:
        if thickness * _DEEPEST > height or fall * _STEEPEST > 2 * length:
            return None
    elif thickness > thickest or fall * _STEEP > 2 * length:
        return None
    columns = np.arange(width)
    low = top - 1 + (other_top - top) * (columns - left) // length
    high = bottom + 1 + (other_bottom - bottom) * (columns - left) // length
    if is_bar and is_at_top:
        low[:] = 0
    if is_bar and is_at_foot:
        high[:] = height
    middle = (low + high) // 2
    is_inside = (middle >= 0) & (middle < height)
    drawn = is_inside & mask[middle.clip(0, height - 1), columns]
    if drawn[left : right + 1].sum() * 100 < _DRAWN * (length + 1):
        return None
    start = left - _end_of(drawn[left::-1])
    end = right + _end_of(drawn[right:]) + 1
    free = _is_clear(mask, low - 1) & _is_clear(mask, high)
    if free[start:end].sum() * 100 < _FREE * (end - start):
        return None
    if is_bar and (start > _GAP or end < width - _GAP):
        return None
    return _Line(low, high, start, end, is_bar)


def _end_of(drawn: Mask) -> int:
    """How far it is drawn from the first, but for gaps."""
    last = 0
    for place, is_drawn in enumerate(drawn.tolist()):
        if is_drawn:
            last = place
        elif place - last > _GAP:
            break
    return last


def _is_clear(mask: Mask, rows: _Whole) -> Mask:
    """In which columns a row of each is not of a mask; none outside is."""
    height, width = mask.shape
    is_outside = (rows < 0) | (rows >= height)
    return np.asarray(is_outside | ~mask[rows.clip(0, height - 1), np.arange(width)])


def _paint(line: _Line, painted: Mask) -> None:
    """Add a line to a mask."""
    for column in range(line.start, line.end):
        painted[max(line.low[column], 0) : max(line.high[column], 0), column] = True


def _paint_without_crossings(line: _Line, strokes: Mask, painted: Mask) -> None:
    """Add a line to a mask, but where strokes go on above and below."""
    for column in range(line.start, line.end):
        low, high = max(int(line.low[column]), 0), max(int(line.high[column]), 0)
        near = slice(max(column - _AROUND, 0), column + _AROUND + 1)
        above, below = strokes[max(low - 2, 0) : low, near], strokes[high : high + 2, near]
        if line.is_bar or not (above.any() and below.any()):
            painted[low:high, column] = True


def _box_of_symbol(mask: Mask, least: int) -> _Whole | None:
    """The box of all parts that may be of a symbol: top, bottom, left and right."""
    _, boxes = find_parts(mask)
    sides = (boxes[:, 1::2] - boxes[:, ::2]).max(axis=1)
    boxes = boxes[sides >= max(_FEWEST, least)]
    if not len(boxes):
        return None
    lowest, highest = boxes.min(axis=0), boxes.max(axis=0)
    return np.array([lowest[0], highest[1], lowest[2], highest[3]])


def _goes_beyond(line: _Line, first: int, end: int) -> bool:
    """Whether a line goes beyond a symbol between two places, at both ends."""
    beyond = (line.end - line.start) // _BAR_BEYOND if line.is_bar else _BEYOND
    return bool(line.start + beyond <= first and line.end - beyond >= end)


def _beside(parts: Parts, shape: tuple[int, ...]) -> Mask | None:
    """Parts along the edge of the picture, beside one that is not."""
    height, width = shape
    edge = [parts.numbers[0], parts.numbers[-1], parts.numbers[:, 0], parts.numbers[:, -1]]
    contacts = np.stack([np.bincount(one, minlength=len(parts.boxes) + 1)[1:] for one in edge])
    sides = (parts.boxes[:, 1::2] - parts.boxes[:, ::2]).max(axis=1)
    is_along = contacts.max(axis=0) * 100 >= _ALONG * sides
    is_symbol = ~is_along & (sides >= max(_FEWEST, max(height, width) // _SMALLEST))
    is_along &= sides >= _FEWEST
    if not is_along.any() or not is_symbol.any():
        return None
    return np.asarray(np.r_[False, is_along][parts.numbers])


def _round(parts: Parts) -> Mask | None:
    """The first part that is closed round others, and well apart from them."""
    numbers, boxes = parts
    sides = (boxes[:, 1::2] - boxes[:, ::2]).max(axis=1)
    for index, (top, bottom, left, right) in enumerate(boxes.tolist()):
        side = int(sides[index])
        apart = max(1, side // _APART)
        is_inside = (boxes[:, 0] >= top + apart) & (boxes[:, 1] <= bottom - apart)
        is_inside &= (boxes[:, 2] >= left + apart) & (boxes[:, 3] <= right - apart)
        is_inside &= sides >= _FEWEST
        if side < 3 * _FEWEST or not is_inside.any():
            continue
        inside = boxes[is_inside]
        first, last = inside.min(axis=0), inside.max(axis=0)
        if max(last[1] - first[0], last[3] - first[2]) * 100 < _WITHIN * side:
            continue
        part = numbers == index + 1
        symbol = np.r_[False, is_inside][numbers]
        if _is_round(part, symbol, apart) and _is_round(part.T, symbol.T, apart):
            return np.asarray(part)
    return None


def _is_round(part: Mask, symbol: Mask, apart: int) -> bool:
    """Whether a part is at both sides of a symbol in nearly all of its rows, and not near to it."""
    count = total = 0
    for row in np.flatnonzero(symbol.any(axis=1)):
        drawn = np.flatnonzero(symbol[row])
        first, end = int(drawn[0]), int(drawn[-1]) + 1
        total += 1
        is_near = part[row, max(first - apart, 0) : end + apart].any()
        count += bool(part[row, :first].any() and part[row, end:].any() and not is_near)
    return bool(count * 100 >= _ROUND * total)
