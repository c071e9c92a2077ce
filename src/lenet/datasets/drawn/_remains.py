"""What is left of a printed form round a digit: its cell's border, a ruled line."""

import numpy as np

from lenet.datasets.drawn._hands import DrawnPart, Random, between
from lenet.datasets.drawn._pen import SIDE, Ink, put_down


def add_border(ink: Ink, part: DrawnPart, random: Random) -> tuple[Ink, str]:
    """Lines between what is drawn and the edge, on one side to all four, and how many.

    Those held out may be double or dashed.
    """
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    free = (rows[0], SIDE - 1 - rows[-1], columns[0], SIDE - 1 - columns[-1])
    count = int(random.randint(1, 5))
    sides = np.argsort(random.random_sample(4), kind="stable")[:count]
    style = int(random.randint(3)) if part == "held-out" else 0
    shade, radius = between(random, 0.35, 1), between(random, 0.5, 1.6)
    for side in sides:
        room = max(0.0, free[side] - 2 * radius - 1)
        away = between(random, 0.3, max(0.3, min(room, 12.0)))
        places = [away] if style != 1 or room < 6 else [away, max(0.0, away - 4 * radius)]
        for place in places:
            line = _line(place, between(random, -0.8, 0.8), radius, is_dashed=style == 2)
            turned = (line, line[::-1], line.T, line.T[:, ::-1])[side]
            ink = np.maximum(ink, np.float32(shade) * turned)
    return ink, f"{count} side{'s' * (count > 1)} of a border"


def add_rule(ink: Ink, part: DrawnPart, random: Random) -> tuple[Ink, str]:
    """One ruled line that touches what is drawn, below or above, and which.

    Those held out may be dashed.
    """
    rows = np.flatnonzero(ink.max(axis=1) > 0.5)
    below = bool(random.random_sample() < 0.75)
    height = rows[-1] - rows[0]
    into = between(random, -0.02, 0.1) * height
    place = rows[-1] - into if below else rows[0] + into
    dashed = part == "held-out" and random.random_sample() < 0.5
    line = _line(place, between(random, -1.5, 1.5), between(random, 0.5, 1.3), is_dashed=dashed)
    shade = np.float32(between(random, 0.3, 0.9))
    return np.maximum(ink, shade * line), f"a line {'below' if below else 'above'}"


def _line(place: float, slope: float, radius: float, *, is_dashed: bool = False) -> Ink:
    """A line through the whole picture, so many pixels below its upper edge."""
    ends = [-4.0, SIDE + 4.0]
    if is_dashed:
        ends = [float(end) for start in range(-4, SIDE + 4, 12) for end in (start, start + 7)]
    samples = np.array([(x, place + slope * (x / SIDE - 0.5)) for x in ends])
    breaks = tuple(range(0, len(samples) + 1, 2))
    return put_down(samples, breaks, np.full(len(samples), radius), nib="square")
