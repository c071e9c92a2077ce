"""Lines that a page was ruled with: found, and painted over with paper.

A line is thin, straight and long, or one side of a box. Lines may be as dark as what is written,
and touch it; a page may be turned by a few degrees.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.pictures._read import Pixels
from lenet.pictures._shapes import Mask, find_parts, largest_around, smallest_around

_LEAST_SIDE = 64  # pixels of a picture that may be a page
_BLOCK = 4  # pixels: the ground is looked for in the lightest of so many, or the darkest
_PAPER = 40  # parts of the longer side: wider than any line, and than strokes of small writing
_FAINTEST, _NOISE = 10.0, 4.0  # of 255, and in deviations: lines stand out more than that
_WEAK = 0.12  # of what stands out most
_NORMAL = 1.4826  # the standard deviation in median absolute deviations
_THICKEST, _LEAST_THICK = 120, 3  # parts of the longer side, but not less than so many pixels
_LONG, _LONG_ALONE = 6, 2  # parts of the longer side: two parallel lines, and a single one
_SHORT = 40  # parts of the longer side: sides of boxes
_GAP = 3  # pixels that may be missing
_THIN = 0.5  # of a line's length: where nothing else touches it
_STEEPEST, _STEPS = 0.09, 36  # of a line, and slopes that are tried on either side
_STRIP = 16  # pixels in which a line is taken for level
_ROUNDS = 3  # in which lines are kept that end at others
_LEAST_SHARE = 2e-4  # of all pixels: less beside the lines is nothing
_NEAR = 4  # pixels between the end of a line and the line that it ends at
_FURTHER = 30  # parts of the longer side: how far beyond its end a line may go on
_AROUND = 3  # pixels to the left and right, by which a stroke goes on beyond a line

_Floats = npt.NDArray[np.float32]


class Ruling(NamedTuple):
    """The lines of a page.

    Attributes:
        level: Which pixels (H, W) belong to lines from left to right.
        upright: Which belong to lines from top to bottom.
        slopes: By how many pixels the ones fall for each to the right, and the others go to the
            right for each downwards.
        gone: What is to be painted over: lines bar where strokes cross them, and pieces of lines.
        strokes: What else stands out from the paper.
        paper: What the page would be without all that, of each channel, (C, H, W).
    """

    level: Mask
    upright: Mask
    slopes: tuple[float, float]
    gone: Mask
    strokes: Mask
    paper: _Floats


def without_ruling(pixels: Pixels) -> Pixels:
    """A picture, uint8 (H, W) or (H, W, C), with paper where its lines are; itself without any."""
    ruling = find_ruling(pixels)
    return pixels if ruling is None else paint_over(pixels, ruling)


def find_ruling(pixels: Pixels) -> Ruling | None:
    """The lines of a page, uint8 (H, W) or (H, W, C); nothing where there are none."""
    side = max(pixels.shape[:2])
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return None
    planes = np.atleast_3d(pixels).transpose(2, 0, 1)
    drawn, paper = _stand_out(planes)
    tilt, lean = _slope(drawn), _slope(drawn.T)
    flat, plumb = _Sheared(drawn, tilt), _Sheared(drawn.T, lean)
    thin, thin_upright = (_thin(one.mask, side) for one in (flat, plumb))
    level = flat.back(_long_runs(flat.mask, thin, side))
    upright = plumb.back(_long_runs(plumb.mask, thin_upright, side)).T
    runs, runs_upright = (
        _runs(mask, which, max(8, side // _SHORT))
        for mask, which in ((flat.mask, thin), (plumb.mask, thin_upright))
    )
    short = level | flat.back(_painted(flat.mask.shape, runs))
    for _ in range(_ROUNDS):
        ends = plumb.shear(short.T)
        short_upright = upright | plumb.back(_runs_between(runs_upright, ends)).T
        short = level | flat.back(_runs_between(runs, flat.shear(short_upright)))
    strokes = drawn & ~short & ~short_upright
    has_lines = short.any() or short_upright.any()
    if not has_lines or strokes.mean() < _LEAST_SHARE:  # without lines, or a long stroke alone
        return None
    pieces = _pieces(strokes, (short, tilt), (short_upright.T, lean))
    strokes &= ~pieces
    gone = _without_crossings(short, strokes, tilt) | pieces
    gone |= _without_crossings(short_upright.T, strokes.T, lean).T
    return Ruling(short, short_upright, (tilt, lean), gone, drawn & ~gone, paper)


def paint_over(pixels: Pixels, ruling: Ruling) -> Pixels:
    """A picture with paper where its lines are, bar where strokes cross them."""
    painted = np.atleast_3d(pixels).copy()
    painted[ruling.gone] = np.rint(ruling.paper[:, ruling.gone].T.clip(0, 255)).astype(np.uint8)
    return np.asarray(painted.reshape(pixels.shape))


def find_drawn(pixels: Pixels) -> tuple[Mask, _Floats]:
    """What is drawn on a page (H, W), and the page without it, (C, H, W)."""
    return _stand_out(np.atleast_3d(pixels).transpose(2, 0, 1))


def _stand_out(planes: Pixels) -> tuple[Mask, _Floats]:
    """What is darker than the paper near it, or lighter if there is more of that, and the paper."""
    inks = []
    for sign in (1, -1):
        signed = sign * planes.astype(np.float32)
        paper = np.stack([_paper(plane) for plane in signed])
        inks.append(((paper - signed).max(axis=0), paper, sign))
    ink, paper, sign = max(inks, key=lambda one: _sparse_height(one[0][::4, ::4]))
    some = ink[::4, ::4]
    usual = float(np.median(some))
    deviation = _NORMAL * float(np.median(np.abs(some - usual)))
    strong = _WEAK * float(np.percentile(some, 98) - usual)
    return ink - usual >= max(_FAINTEST, _NOISE * deviation, strong), sign * (paper - usual)


def _sparse_height(ink: _Floats) -> float:
    """How far the strongest ink stands out from most of the page; what covers it is no ink.

    Of two that are alike the one with less ink is right: light round lines is more than the lines.
    """
    usual, high = np.percentile(ink, (50, 98))
    return float(high - 2 * usual - 4 * ink.mean())


def _paper(plane: _Floats) -> _Floats:
    """The paper below what is darker and narrower, by a morphological closing of large pixels."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % _BLOCK), (0, -width % _BLOCK)), mode="edge")
    in_rows = reduce(np.maximum, [padded[row::_BLOCK] for row in range(_BLOCK)])
    lightest = reduce(np.maximum, [in_rows[:, column::_BLOCK] for column in range(_BLOCK)])
    wide = max(3, max(height, width) // _PAPER // _BLOCK) | 1
    closed = smallest_around(largest_around(lightest, wide), wide)
    image = Image.fromarray(closed).resize(padded.shape[::-1], Image.Resampling.BILINEAR)
    whole: _Floats = np.asarray(image)[:height, :width]
    return whole


class _Sheared:
    """A mask whose columns are moved so that lines of a slope are level."""

    def __init__(self, mask: Mask, slope: float):
        height, width = mask.shape
        shifts = np.rint(slope * (np.arange(width) - width // 2)).astype(int)
        self._room = int(np.abs(shifts).max(initial=0))
        starts = np.flatnonzero(np.diff(shifts, prepend=shifts[0] - 1))
        ends = np.r_[starts[1:], width]
        self._blocks = list(
            zip(starts.tolist(), ends.tolist(), shifts[starts].tolist(), strict=True)
        )
        self._height = height
        self.mask = self.shear(mask)

    def shear(self, mask: Mask) -> Mask:
        """Another mask, moved alike; higher by what moves out at the top and the bottom."""
        moved = np.zeros((self._height + 2 * self._room, mask.shape[1]), bool)
        for start, end, shift in self._blocks:
            top = self._room - shift
            moved[top : top + self._height, start:end] = mask[:, start:end]
        return moved

    def back(self, moved: Mask) -> Mask:
        """A mask that was moved, where it was."""
        mask = np.empty((self._height, moved.shape[1]), bool)
        for start, end, shift in self._blocks:
            top = self._room - shift
            mask[:, start:end] = moved[top : top + self._height, start:end]
        return mask


def _slope(mask: Mask) -> float:
    """The slope of most lines: along it, what is drawn lies in the fewest rows."""
    height, width = mask.shape
    strips = max(1, width // _STRIP)
    counts = mask[:, : strips * _STRIP].reshape(height, strips, -1).sum(axis=2, dtype=np.int32).T
    middles = _STRIP * np.arange(strips) - width // 2
    room = int(_STEEPEST * 1.2 * width) + 1

    def score(slope: float) -> float:
        rows = np.zeros(height + 2 * room, np.int64)
        for count, shift in zip(counts, np.rint(slope * middles).astype(int).tolist(), strict=True):
            rows[room - shift : room - shift + height] += count
        return float((rows**2).sum())

    step = _STEEPEST / _STEPS
    best = max((step * number for number in range(-_STEPS, _STEPS + 1)), key=score)
    return max((best + step * number / 8 for number in range(-8, 9)), key=score)


def _thickest(side: int) -> int:
    """How thick lines may be on a page of a size."""
    return max(_LEAST_THICK, side // _THICKEST)


def _thin(mask: Mask, side: int) -> Mask:
    """What is thin from top to bottom."""
    return mask & ~_opened(mask, _thickest(side) + 1)


def _opened(mask: Mask, length: int) -> Mask:
    """What belongs to columns of a length."""
    kept = _all_below(mask, length)
    return ~_all_below(~np.pad(kept, ((length - 1, 0), (0, 0))), length)[: len(mask)]


def _all_below(mask: Mask, length: int) -> Mask:
    """Where all of so many pixels from one downwards belong to a mask; none is below the last."""
    mask, so_far = np.pad(mask, ((0, length - 1), (0, 0))), 1
    while so_far < length:
        step = min(so_far, length - so_far)
        mask = mask[:-step] & mask[step:]
        so_far += step
    return mask


def _thicker(mask: Mask, above: int = 1, below: int = 1) -> Mask:
    """A mask and so many pixels above and below."""
    padded = np.pad(mask, ((below, above), (0, 0)))
    grown: Mask = ~_all_below(~padded, above + below + 1)[: len(mask)]
    return grown


class _Runs(NamedTuple):
    """Runs of a mask in its rows: where each begins, and the column after its last."""

    row: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]

    def only(self, chosen: npt.NDArray[np.bool_]) -> "_Runs":
        """Some of the runs."""
        return _Runs(self.row[chosen], self.start[chosen], self.end[chosen])


def _runs(mask: Mask, thin: Mask, least: int) -> _Runs:
    """The runs of a length or more that are thin for the most part."""
    width = mask.shape[1] + _GAP + 1  # so that no run goes on in the next row
    joined = np.pad(_thicker(mask), ((0, 0), (0, _GAP + 1)))
    flat = joined.ravel()
    changes = np.diff(flat.view(np.int8), prepend=0)
    starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    is_new = starts[1:] - ends[:-1] > _GAP
    starts, ends = (
        starts[np.r_[True, is_new][: len(starts)]],
        ends[np.r_[is_new, True][: len(ends)]],
    )
    is_long = ends - starts >= least
    starts, ends = starts[is_long], ends[is_long]
    so_far = np.r_[0, np.cumsum(np.pad(_thicker(thin), ((0, 0), (0, _GAP + 1))).ravel())]
    is_thin = so_far[ends] - so_far[starts] >= _THIN * (ends - starts)
    starts, ends = starts[is_thin], ends[is_thin]
    return _Runs(starts // width, starts % width, (ends - 1) % width + 1)


def _painted(shape: tuple[int, ...], runs: _Runs) -> Mask:
    """A mask of runs."""
    changes = np.zeros((shape[0], shape[1] + 1), np.int8)
    changes[runs.row, runs.start] = 1
    changes[runs.row, runs.end] = -1
    painted: Mask = np.cumsum(changes, axis=1, dtype=np.int8)[:, :-1] > 0
    return painted


def _long_runs(mask: Mask, thin: Mask, side: int) -> Mask:
    """Lines that are long in comparison with the page; a single one must be longer."""
    runs = _runs(mask, thin, side // _LONG)
    rows = np.unique(runs.row)
    if np.count_nonzero(np.diff(rows) > 2 * _thickest(side)) == 0:
        runs = runs.only(runs.end - runs.start >= side // _LONG_ALONE)
    return _painted(mask.shape, runs)


def _runs_between(runs: _Runs, ends: Mask) -> Mask:
    """Lines that begin and end at others, as sides of boxes do."""
    counts = np.pad(np.cumsum(ends, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    width = ends.shape[1]

    def touches(places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        low, high = (places - _NEAR).clip(0, width), (places + _NEAR).clip(0, width)
        return np.asarray(counts[runs.row, high] > counts[runs.row, low])

    return _painted(ends.shape, runs.only(touches(runs.start) & touches(runs.end)))


def _pieces(strokes: Mask, level: tuple[Mask, float], upright: tuple[Mask, float]) -> Mask:
    """What is nothing but pieces of lines, (H, W) and (W, H), each with their slope."""
    side = max(strokes.shape)
    further = side // _FURTHER
    beside = _along(*level, further) | _along(*upright, further).T
    numbers, boxes = find_parts(strokes)
    thickness = (boxes[:, 1::2] - boxes[:, ::2]).min(axis=1)
    is_stroke = np.r_[True, thickness > _thickest(side)]
    is_stroke[numbers[~beside]] = True
    pieces: Mask = ~is_stroke[numbers]
    return pieces


def _along(lines: Mask, slope: float, further: int) -> Mask:
    """Lines, some pixels above and below, and longer at both ends."""
    sheared = _Sheared(lines, slope)
    near = _thicker(sheared.mask, _AROUND, _AROUND)
    return sheared.back(_thicker(near.T, further, further).T)


def _without_crossings(lines: Mask, strokes: Mask, slope: float) -> Mask:
    """Lines without what belongs to strokes that go on above and below."""
    sheared = _Sheared(lines, slope)
    marked, ink = sheared.mask, sheared.shear(strokes)
    if not marked.any():
        return lines
    above = _reached(ink, marked)
    below = _reached(ink[::-1], marked[::-1])[::-1]
    crossing = _thicker(above.T, _AROUND, _AROUND).T & _thicker(below.T, _AROUND, _AROUND).T
    return sheared.back(marked & ~crossing)


def _reached(ink: Mask, marked: Mask) -> Mask:
    """What is marked below ink that ends at the mark."""
    rows = np.arange(len(marked))[:, None]
    last_ink = np.maximum.accumulate(np.where(ink, rows, -1), axis=0)
    last_gap = np.maximum.accumulate(np.where(marked | ink, -1, rows), axis=0)
    return marked & (last_ink > last_gap)
