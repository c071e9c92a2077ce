"""A pen that follows skeletons: curves through points, put down as overlapping marks."""

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (N, 2): x to the right, y down
Ink = npt.NDArray[np.float32]  # (H, W), 0 for the ground to 1 for ink
Nib = Literal["round", "square", "chisel"]

SIDE = 96  # pixels of a picture
_STEP = 4.0  # units of a skeleton, 100 of which are a digit's height, from sample to sample
_LONG = 30.0  # units from which on a straight stroke has a point in its middle, to bend there
_GRID = 256.0  # parts of a pixel that coordinates are rounded to
_FLAT = 0.35  # the thickness of a chisel's mark, in its width
ROUNDINGS = 4  # how far corners are rounded off: levels from 0


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Strokes as the points that they run through, ready to be drawn with the points moved.

    Attributes:
        points: Where the strokes run through, float64 (N, 2).
        bases: For each level of rounding the weights (M, N) that make samples of the points, some
            units apart: `basis @ points` is the way of the pen.
        breaks: Where strokes begin among the samples, with M at the end.
        along: How far along its stroke each sample is, 0 to 1, float64 (M,).
    """

    points: Points
    bases: tuple[npt.NDArray[np.float64], ...]
    breaks: tuple[int, ...]
    along: npt.NDArray[np.float64]


@cache
def skeleton(text: str) -> Skeleton:
    """A skeleton as it is written down: points `x,y`, strokes parted by `|`.

    A stroke is smooth, a Catmull-Rom spline (Catmull and Rom 1974), but for points that end in `*`,
    which are corners.

    >>> plus = skeleton("0,50 100,50 | 50,0 50,100")
    >>> len(plus.points), len(plus.breaks)
    (6, 3)
    """
    strokes = [_runs(stroke) for stroke in text.split("|")]
    points: list[tuple[float, float]] = []
    rows: list[npt.NDArray[np.float64]] = []
    breaks, along = [0], []
    for runs in strokes:
        spans = []
        for number, run in enumerate(runs):
            first = len(points) - (number > 0)  # runs share the corner between them
            points += run[number > 0 :]
            spans.append((first, run))
        drawn = [weights for first, run in spans for weights in _spline(first, run)]
        rows += drawn
        along.append(np.linspace(0, 1, len(drawn)))
        breaks.append(breaks[-1] + len(drawn))
    basis = np.zeros((len(rows), len(points)))
    for row, weights in zip(basis, rows, strict=True):
        row[: len(weights)] = weights
    bases = tuple(_rounded(basis, breaks, level) for level in range(ROUNDINGS))
    return Skeleton(np.array(points), bases, tuple(breaks), np.concatenate(along))


def through(points: Points) -> Skeleton:
    """The skeleton of one smooth stroke through points that are not known beforehand."""
    run = [(float(x), float(y)) for x, y in points]
    rows = _spline(0, run)
    basis = np.zeros((len(rows), len(points)))
    for row, weights in zip(basis, rows, strict=True):
        row[: len(weights)] = weights
    return Skeleton(
        np.asarray(points), (basis,) * ROUNDINGS, (0, len(rows)), np.linspace(0, 1, len(rows))
    )


def _runs(stroke: str) -> list[list[tuple[float, float]]]:
    """The smooth parts of a stroke, each beginning at the corner where the one before ends."""
    runs: list[list[tuple[float, float]]] = [[]]
    for word in stroke.split():
        x, y = (float(number) for number in word.rstrip("*").split(","))
        runs[-1].append((x, y))
        if word.endswith("*"):
            runs.append([(x, y)])
    return [_with_middle(run) for run in runs if len(run) > 1]


def _with_middle(run: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(run) == 2 and math.dist(*run) > _LONG:
        (x, y), (to_x, to_y) = run
        return [run[0], ((x + to_x) / 2, (y + to_y) / 2), run[1]]
    return run


def _spline(first: int, run: list[tuple[float, float]]) -> list[npt.NDArray[np.float64]]:
    """The weights of the points from `first` on for samples of a spline through them."""
    rows, last = [], len(run) - 1
    for index in range(last):
        count = max(2, math.ceil(math.dist(run[index], run[index + 1]) / _STEP))
        neighbours = max(index - 1, 0), index, index + 1, min(index + 2, last)
        for step in range(count + (index == last - 1)):
            t = step / count
            shares = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (-(t**2) + t**3) / 2,
            )
            row = np.zeros(first + len(run))
            for neighbour, share in zip(neighbours, shares, strict=True):
                row[first + neighbour] += share
            rows.append(row)
    return rows


def _rounded(
    basis: npt.NDArray[np.float64], breaks: list[int], level: int
) -> npt.NDArray[np.float64]:
    """Weights of samples that are means of so many neighbours at each side; ends stay."""
    if not level:
        return basis
    rounded = np.empty_like(basis)
    for start, end in pairwise(breaks):
        for row in range(start, end):
            reach = min(level, row - start, end - 1 - row)
            rounded[row] = basis[row - reach : row + reach + 1].mean(axis=0)
    return rounded


def put_down(
    samples: Points,
    breaks: tuple[int, ...],
    radii: npt.NDArray[np.float64],
    *,
    nib: Nib = "round",
    angle: float = 0.0,
    side: int = SIDE,
) -> Ink:
    """What a pen leaves on its way.

    Args:
        samples: The way in pixels, float64 (M, 2).
        breaks: Where strokes begin among the samples, with M at the end.
        radii: Half of the pen's width at each sample, in pixels, float64 (M,).
        nib: `round`; `square`, which ends strokes bluntly; `chisel`, which is broad in one
            direction alone.
        angle: Of a chisel, in radians from lying.
        side: Of the picture, in pixels.

    Returns:
        float32 (side, side), 0 to 1. Coordinates and radii are rounded to 1/256 of a pixel, so that
        it does not depend on how a machine rounds.
    """
    lengths = np.hypot(*np.diff(samples, axis=0).T)
    lengths[np.array(breaks[1:-1], np.int64) - 1] = 0  # the pen is lifted
    position = np.concatenate([[0.0], np.cumsum(lengths)])
    thinnest = float(radii.min()) * (_FLAT if nib == "chisel" else 1.0)
    count = max(2, math.ceil(position[-1] / max(0.5, thinnest / 3)))
    ways = np.linspace(0, position[-1], count)
    ends = position[list(breaks[:-1])]
    ways = np.concatenate([ways, ends])  # a stroke begins where it does
    index = np.searchsorted(position, ways, "right").clip(1, len(position) - 1)
    span = position[index] - position[index - 1]
    share = np.where(span > 0, (ways - position[index - 1]) / np.where(span > 0, span, 1), 1.0)
    x, y = (samples[index - 1] + share[:, None] * (samples[index] - samples[index - 1])).T
    radius = radii[index - 1] + share * (radii[index] - radii[index - 1])
    step = samples[index] - samples[index - 1]
    return _stamp(x, y, radius, _axes(nib, angle, step), nib, side)


def _axes(nib: Nib, angle: float, step: Points) -> Points | None:
    """The direction (K, 2) in which each mark is broad; `None` for a round one."""
    if nib == "round":
        return None
    if nib == "chisel":
        return np.array([[math.cos(angle), math.sin(angle)]])
    length = np.hypot(*step.T)
    found: Points = np.where(
        length[:, None] > 0, step / np.where(length > 0, length, 1)[:, None], (1.0, 0.0)
    )
    return found


def _stamp(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    radius: npt.NDArray[np.float64],
    axes: Points | None,
    nib: Nib,
    side: int,
) -> Ink:
    """Marks one over the other, each covering a pixel as far as it reaches into it."""
    x, y, radius = (np.rint(values * _GRID) / _GRID for values in (x, y, radius))
    reach = math.ceil(float(radius.max()) * (1 if nib == "round" else math.sqrt(2)) + 0.5)
    inside = (x > -reach) & (x < side + reach) & (y > -reach) & (y < side + reach)
    if not inside.all():
        x, y, radius = x[inside], y[inside], radius[inside]
        axes = axes[inside] if axes is not None and len(axes) > 1 else axes
    width = side + 4 * reach
    offsets = np.arange(-reach, reach + 1)
    columns = np.floor(x).astype(np.int64)[:, None] + offsets
    rows = np.floor(y).astype(np.int64)[:, None] + offsets
    across = (columns + 0.5 - x[:, None]).astype(np.float32)[:, None, :]
    down = (rows + 0.5 - y[:, None]).astype(np.float32)[:, :, None]
    size = radius.astype(np.float32)[:, None, None]
    if axes is None:
        covered = np.sqrt(across * across + down * down)
        np.subtract(size + np.float32(0.5), covered, out=covered)
    else:
        cosine, sine = np.rint(axes.T * _GRID**2).astype(np.float32)[:, :, None, None] / np.float32(
            _GRID**2
        )
        broad = np.abs(across * cosine + down * sine)
        thin = np.abs(down * cosine - across * sine)
        thickness = size * np.float32(_FLAT) if nib == "chisel" else size
        covered = np.minimum(size - broad, thickness - thin) + np.float32(0.5)
    np.clip(covered, 0, 1, out=covered)
    canvas = np.zeros(width * width, np.float32)
    places = (rows + 2 * reach)[:, :, None] * width + (columns + 2 * reach)[:, None, :]
    np.maximum.at(canvas, places.reshape(-1), covered.reshape(-1))
    frame = slice(2 * reach, 2 * reach + side)
    ink: Ink = canvas.reshape(width, width)[frame, frame].copy()
    return ink
