"""Digits of displays: seven segments, and dots in a matrix."""

import math

import numpy as np

from lenet.datasets.drawn._hands import DrawnPart, Random, bell, between, pick
from lenet.datasets.drawn._pen import SIDE, Ink, Nib, Points, put_down

# Segments are a above, b and c at the right, d below, e and f at the left, g in the middle. Where
# makers of displays differ, the shorter form stands second.
_LIT = (
    ("abcdef",),
    ("bc",),
    ("abged",),
    ("abgcd",),
    ("fgbc",),
    ("afgcd",),
    ("afgedc", "fgedc"),
    ("abc", "fabc"),
    ("abcdefg",),
    ("abcdfg", "abcfg"),
)
_ENDS = {
    "a": ((0, 0), (1, 0)),
    "b": ((1, 0), (1, 1)),
    "c": ((1, 1), (1, 2)),
    "d": ((0, 2), (1, 2)),
    "e": ((0, 1), (0, 2)),
    "f": ((0, 0), (0, 1)),
    "g": ((0, 1), (1, 1)),
}

# Five columns by seven rows; and seven by nine, for displays that are held out.
_SMALL = (
    "01110 10001 10011 10101 11001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00010 00100 01000 11111",
    "11111 00010 00100 00010 00001 10001 01110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)
_PLAIN_ZERO = "01110 10001 10001 10001 10001 10001 01110"
_LARGE = (
    "0011100 0100010 1000001 1000001 1000001 1000001 1000001 0100010 0011100",
    "0001000 0011000 0101000 0001000 0001000 0001000 0001000 0001000 0111110",
    "0111110 1000001 0000001 0000001 0001110 0110000 1000000 1000000 1111111",
    "0111110 1000001 0000001 0000001 0011110 0000001 0000001 1000001 0111110",
    "0000010 0000110 0001010 0010010 0100010 1111111 0000010 0000010 0000010",
    "1111111 1000000 1000000 1111110 0000001 0000001 0000001 1000001 0111110",
    "0011110 0100000 1000000 1011110 1100001 1000001 1000001 1000001 0111110",
    "1111111 0000001 0000010 0000100 0001000 0001000 0010000 0010000 0010000",
    "0111110 1000001 1000001 0111110 1000001 1000001 1000001 1000001 0111110",
    "0111110 1000001 1000001 1000001 1000011 0111101 0000001 0000010 0111100",
)


def draw_segments(digit: int, part: DrawnPart, random: Random) -> tuple[Ink, str]:
    """A digit of seven segments, float32 (96, 96), and what is remarkable about it.

    Those held out have pointed segments without a slant, or lean more, with plainer ghosts.
    """
    held_out = part == "held-out"
    height = between(random, 48, 74)
    width = height * (between(random, 0.38, 0.46) if held_out else between(random, 0.46, 0.62))
    thick = height * (between(random, 0.05, 0.07) if held_out else between(random, 0.07, 0.15))
    gap = pick(random, (0.0, 0.1, 0.25)) * thick + (0.08 * thick if held_out else 0)
    slant = between(random, 0.14, 0.2) if held_out else pick(random, (0.0, 0.0, 0.06, 0.12))
    pointed = bool(random.random_sample() < (0.8 if held_out else 0.3))
    shade = 0.0
    if random.random_sample() < (0.5 if held_out else 0.3):
        shade = between(random, 0.1, 0.16) if held_out else between(random, 0.03, 0.1)
    lit = pick(random, _LIT[digit])
    shift = 1.2 * bell(random, 2)
    ink = _put_segments(lit, width, height, thick, gap, slant, pointed, shift)
    if shade:
        ghosts = "".join(sorted(set("abcdefg") - set(lit)))
        if ghosts:
            faint = _put_segments(ghosts, width, height, thick, gap, slant, pointed, shift)
            ink = np.maximum(ink, np.float32(shade) * faint)
    traits = [f"segments {lit}"] + ["slanted"] * (slant > 0) + ["with ghosts"] * (shade > 0)
    return ink, ", ".join(traits)


def _put_segments(
    names: str,
    width: float,
    height: float,
    thick: float,
    gap: float,
    slant: float,
    pointed: bool,
    shift: Points,
) -> Ink:
    samples, breaks, radii = [], [0], []
    for name in names:
        (x, y), (to_x, to_y) = (np.array(end) * (width, height / 2) for end in _ENDS[name])
        length = math.dist((x, y), (to_x, to_y))
        cut = (
            gap + (0.15 if pointed else 0.55) * thick
        ) / length  # marks reach further at their ends
        ways = [cut, cut + 0.5 * thick / length, 1 - cut - 0.5 * thick / length, 1 - cut]
        samples += [(x + way * (to_x - x), y + way * (to_y - y)) for way in ways]
        ends = 0.15 if pointed else 1.0
        radii += [ends * thick / 2, thick / 2, thick / 2, ends * thick / 2]
        breaks.append(len(samples))
    way = np.array(samples) - (width / 2, height / 2)
    way[:, 0] -= slant * way[:, 1]
    nib: Nib = "round" if pointed else "square"
    return put_down(way + SIDE / 2 + shift, tuple(breaks), np.array(radii), nib=nib)


def draw_dots(digit: int, part: DrawnPart, random: Random) -> tuple[Ink, str]:
    """A digit of dots in rows and columns, float32 (96, 96), and what is remarkable about it.

    Those to learn from have five columns by seven rows; those held out have seven by nine.
    """
    held_out = part == "held-out"
    text = (_LARGE if held_out else _SMALL)[digit]
    if digit == 0 and not held_out and random.random_sample() < 0.6:
        text = _PLAIN_ZERO
    lit = np.array([[cell == "1" for cell in row] for row in text.split()])
    pitch = between(random, 48, 76) / len(lit)
    size = between(random, 0.6, 1.1) * pitch / 2
    squeezed = between(random, 0.8, 1.05)
    if random.random_sample() < 0.3:  # a dot does not light
        rows, columns = np.nonzero(lit)
        if len(rows) > 11:
            gone = int(random.randint(len(rows)))
            lit[rows[gone], columns[gone]] = False
    rows, columns = np.nonzero(lit)
    middle = (np.array(lit.shape) - 1) / 2
    places = np.stack([(columns - middle[1]) * squeezed, rows - middle[0]], axis=1) * pitch
    slant = pick(random, (0.0, 0.0, 0.1, 0.2))
    places[:, 0] -= slant * places[:, 1]
    places += SIDE / 2 + 2 * bell(random, 2)
    samples = np.repeat(places, 2, axis=0)
    samples[1::2, 0] += 0.01
    breaks = tuple(range(0, len(samples) + 1, 2))
    square = bool(random.random_sample() < 0.4)
    nib: Nib = "square" if square else "round"
    ink = put_down(samples, breaks, np.full(len(samples), size), nib=nib)
    return ink, f"{'square' if square else 'round'} dots"
