"""Hands: who writes always the same shapes, with one pen, at one slant."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lenet.datasets.drawn._digits import HELD_OUT, LEARNT, RARE
from lenet.datasets.drawn._pen import (
    ROUNDINGS,
    SIDE,
    Ink,
    Nib,
    Points,
    Skeleton,
    put_down,
    skeleton,
)

DrawnPart = Literal["learn", "held-out"]
Random = np.random.RandomState  # whose numbers no release of NumPy changes
HANDS: dict[DrawnPart, int] = {"learn": 4000, "held-out": 400}

_MARGIN = 3.0  # pixels between what is drawn and the edge
_BROADER = 1.25  # a chisel, which is thinner the other way
_RARELY = 0.04  # how often a hand takes what few hands do
_SEEDS: dict[DrawnPart, int] = {"learn": 1, "held-out": 2}


@dataclass(frozen=True, eq=False)
class Hand:
    """One person's way to write.

    Attributes:
        part: Whether it is one to learn from or held out.
        number: Which of them.
        shapes: The name of the shape of each digit.
        nib: The end of the pen.
        angle: At which a chisel is held, in radians.
        width: Of a stroke, in shares of a digit's height.
        slant: How far the top leans to the right, in shares of the height.
        aspect: Width in shares of the usual.
        waist: How far the middle of digits lies below the usual, in shares of half the height.
        spread: How much wider digits are below than above, in shares.
        turn: By which lines of writing are turned, in radians.
        looseness: Deviation of the points from digit to digit, in hundredths of the height.
        tremor: Deviation of the pen along its way, in hundredths of the height.
        rounding: How far corners are rounded off, 0 to 3.
        taper: How much thinner strokes end, 0 to 1.
        pressure: Deviation of the width along a stroke, in shares.
        size: Height of the digits, in pixels.
        habits: What this hand makes of each digit's points, float64 (N, 2) each.
    """

    part: DrawnPart
    number: int
    shapes: tuple[str, ...]
    nib: Nib
    angle: float
    width: float
    slant: float
    aspect: float
    waist: float
    spread: float
    turn: float
    looseness: float
    tremor: float
    rounding: int
    taper: float
    pressure: float
    size: float
    habits: tuple[Points, ...]


def bell(random: Random, *shape: int) -> npt.NDArray[np.float64]:
    """Numbers of mean 0 and deviation 1, never above 3: sums of three, alike on every machine."""
    drawn: npt.NDArray[np.float64] = 2 * random.random_sample((3, *shape)).sum(axis=0) - 3
    return drawn


def between(random: Random, low: float, high: float) -> float:
    """A number between two."""
    return low + (high - low) * random.random_sample()


def outside(random: Random, below: tuple[float, float], above: tuple[float, float]) -> float:
    """A number of one of two ranges."""
    return between(random, *(below if random.random_sample() < 0.5 else above))


def pick(random: Random, choices: Any) -> Any:
    """One of several."""
    return choices[random.randint(len(choices))]


def uneven(random: Random, size: int) -> npt.NDArray[np.float64]:
    """Numbers from 0 to 1 at the corners of so many cells a side, smooth between: (96, 96)."""
    corners = random.random_sample((size + 1, size + 1))
    at = np.linspace(0, size, SIDE)
    rows = np.stack([np.interp(at, np.arange(size + 1), row) for row in corners])
    smooth: Points = np.stack([np.interp(at, np.arange(size + 1), row) for row in rows.T]).T
    return smooth


@lru_cache(maxsize=8192)
def hand(part: DrawnPart, number: int) -> Hand:
    """One of the hands.

    Those held out have skeletons of their own for every digit, and leave the usual ranges in at
    least one of slant, width of the pen, proportions and tremor: no hand to learn from writes
    leaning to the left by more than 0.25 or to the right by more than 0.5, thinner than 0.035 or
    thicker than 0.17 of the height, narrower than 0.7 or wider than 1.4, or trembles by more than
    0.6 hundredths.
    """
    random = Random([_SEEDS[part], number])
    shapes = []
    for known, held_out in zip(LEARNT, HELD_OUT, strict=True):
        names = list(known if part == "learn" else held_out)
        if RARE in names:
            is_rare = random.random_sample() < _RARELY
            names = [name for name in names if (name == RARE) == is_rare]
        shapes.append(pick(random, names))
    width = (
        between(random, 0.035, 0.09)
        if random.random_sample() < 0.7
        else between(random, 0.09, 0.17)
    )
    slant = min(0.5, max(-0.25, 0.12 + 0.17 * float(bell(random))))
    aspect = between(random, 0.7, 1.4)
    tremor = between(random, 0, 0.6) if random.random_sample() < 0.4 else between(random, 0, 0.2)
    if part == "held-out":
        extremes = {number % 4} | (
            {int(random.randint(4))} if random.random_sample() < 0.3 else set()
        )
        slant = outside(random, (-0.42, -0.28), (0.53, 0.68)) if 0 in extremes else slant
        width = outside(random, (0.02, 0.033), (0.175, 0.19)) if 1 in extremes else width
        aspect = outside(random, (0.52, 0.67), (1.45, 1.7)) if 2 in extremes else aspect
        tremor = between(random, 0.7, 1.2) if 3 in extremes else tremor
    habit = between(random, 0.8, 2.8)
    texts = LEARNT if part == "learn" else HELD_OUT
    habits = tuple(
        habit * bell(random, *skeleton(texts[digit][shape]).points.shape)
        for digit, shape in enumerate(shapes)
    )
    nib: Nib = pick(random, ("round", "round", "round", "square", "chisel"))
    return Hand(
        part,
        number,
        tuple(shapes),
        nib,
        angle=between(random, 0.3, 1.2),
        width=width * (_BROADER if nib == "chisel" else 1.0),
        slant=slant,
        aspect=aspect,
        waist=0.08 * float(bell(random)),
        spread=0.1 * float(bell(random)),
        turn=0.06 * float(bell(random)),
        looseness=between(random, 0.8, 2.0) * (1.6 if random.random_sample() < 0.25 else 1.0),
        tremor=tremor,
        rounding=int(random.randint(ROUNDINGS)),
        taper=between(random, 0, 0.5) if random.random_sample() < 0.5 else 0.0,
        pressure=between(random, 0.02, 0.15),
        size=between(random, 44, 80),
        habits=habits,
    )


def pick_hand(part: DrawnPart, random: Random) -> Hand:
    """Any of the hands of a part."""
    return hand(part, int(random.randint(HANDS[part])))


def write_digit(digit: int, writer: Hand, random: Random) -> Ink:
    """A digit as a hand writes it this time, float32 (96, 96)."""
    texts = LEARNT if writer.part == "learn" else HELD_OUT
    drawn = skeleton(texts[digit][writer.shapes[digit]])
    return write(drawn, writer, random, habit=writer.habits[digit])


def write(
    drawn: Skeleton,
    writer: Hand,
    random: Random,
    *,
    habit: Points | float = 0.0,
    rounding: int = ROUNDINGS - 1,
) -> Ink:
    """Anything that has a skeleton, as a hand writes it, float32 (96, 96).

    Args:
        drawn: What.
        writer: Whose hand.
        random: What differs from time to time.
        habit: What this hand always makes of the points.
        rounding: How far corners are rounded off at most: a square is to stay one.
    """
    moved = drawn.points + habit + writer.looseness * bell(random, *drawn.points.shape)
    way = drawn.bases[min(rounding, writer.rounding)] @ moved
    way = _bent(way, writer, random)
    scale = writer.size / 100 * (1 + 0.08 * float(bell(random)))
    radius = max(0.55, writer.width * 50 * scale)
    reach = radius * (1.5 if writer.nib != "round" else 1.0) * (1 + 3 * writer.pressure) + 1
    low, high = way.min(axis=0), way.max(axis=0)
    room = SIDE - 2 * (_MARGIN + reach)
    scale *= min(1.0, room / (scale * float(max(high - low)) + 0.01))
    low, high = scale * low, scale * high
    free = np.maximum(SIDE - 2 * (_MARGIN + reach) - (high - low), 0)
    place = _MARGIN + reach + free * (0.5 + 0.25 * bell(random, 2)).clip(0, 1)
    samples = way * scale - low + place
    return put_down(
        samples,
        drawn.breaks,
        _radii(drawn, radius, writer, random),
        nib=writer.nib,
        angle=writer.angle + 0.1 * float(bell(random)),
    )


def _bent(way: Points, writer: Hand, random: Random) -> Points:
    """Trembling, slightly bent as a whole, stretched, slanted and turned about the middle."""
    if writer.tremor > 0.05:
        knots = np.linspace(0, len(way) - 1, max(4, len(way) // 2))
        at = np.arange(len(way))
        for axis in (0, 1):
            shaken = writer.tremor * bell(random, len(knots))
            way[:, axis] += np.interp(at, knots, shaken)
    x, y = (way - (30, 50)).T / 50
    bend = 0.06 * bell(random, 4)
    x, y = x + bend[0] * y * y + bend[1] * x * y, y + bend[2] * x * x + bend[3] * x * y
    y = y + writer.waist * (1 - y * y)
    x = x * (1 + writer.spread * y)
    x = x * writer.aspect * (1 + 0.06 * float(bell(random)))
    x = x - (writer.slant + 0.04 * float(bell(random))) * y
    angle = writer.turn + 0.05 * float(bell(random))
    cosine, sine = math.cos(angle), math.sin(angle)
    return 50 * np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)


def _radii(drawn: Skeleton, radius: float, writer: Hand, random: Random) -> npt.NDArray[np.float64]:
    """Half of the pen's width along its way."""
    count = len(drawn.along)
    pressed = np.interp(
        np.arange(count), np.linspace(0, count - 1, 9), writer.pressure * bell(random, 9)
    )
    ends = ((drawn.along - 0.75) / 0.25).clip(0, 1) + 0.5 * ((0.2 - drawn.along) / 0.2).clip(0, 1)
    return radius * (1 + pressed) * (1 - writer.taper * ends)
