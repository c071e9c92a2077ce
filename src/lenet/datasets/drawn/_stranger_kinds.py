"""What is no digit, by kinds: some to learn from, others held out."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lenet.datasets.drawn._fonts import draw_printed, fonts, has_glyph
from lenet.datasets.drawn._hands import (
    DrawnPart,
    Random,
    bell,
    between,
    pick,
    pick_hand,
    uneven,
    write,
    write_digit,
)
from lenet.datasets.drawn._pen import SIDE, Ink, put_down, skeleton, through
from lenet.datasets.drawn._remains import add_border
from lenet.datasets.drawn._signs import (
    CAPITALS,
    HAN,
    HAN_OTHERS,
    LETTERS,
    PICTOGRAMS,
    SHAPES,
)

Draw = Callable[[Random], tuple[Ink, str]]

# Characters of fonts, without those that a person may read as a digit: see `_signs`.
_CYRILLIC = "ГДЖИЙКЛМНПРФХЦШЩЫЮЯджийклмнптфцшщюя"
_ARMENIAN = "ԱԲԵԷԸԹԺԼԽՄՆՌՐՒՖաբըխմնտ"
_ARABIC = "بتثسشصضفقكي"
_PUNCTUATION = '?;:#%@*~=+<>"&_-…«»„'
_GREEK = "ΓΔΞΠΣΥΨΩαηκλμνπτυχψω"
_MATHS = "√∑∏≈≠≤≥±×÷∞∈∩∪⊂∀∃∇∴→↔⇒♠♣♥♪♫"
_SYMBOLS = "☀☁☂☎☑☒☘☚☞☠☢☮☯☸☹☺☾"
_HAN_PRINTED = "学文字国车马鸟鱼东西南北春秋明林好爱家"

# Halves of digits that are no digits themselves: an upper half of an 8 is a 0.
HALVES = (
    (0, "upper"),
    (0, "lower"),
    (2, "lower"),
    (3, "left"),
    (5, "upper"),
    (8, "left"),
)
_OVER = ((0, 2), (2, 4), (2, 5), (2, 6), (3, 4), (4, 5))


def _letters(texts: dict[str, str], part: DrawnPart) -> Draw:
    """By hand, or in print where there are fonts."""
    written, printed = _signs(texts, part), _characters("".join(texts))

    def draw(random: Random) -> tuple[Ink, str]:
        by_hand = random.random_sample() < 0.5 or not fonts("text")
        return (written if by_hand else printed)(random)

    return draw


def _signs(texts: dict[str, str], part: DrawnPart) -> Draw:
    def draw(random: Random) -> tuple[Ink, str]:
        name = pick(random, list(texts))
        return write(skeleton(texts[name]), pick_hand(part, random), random, rounding=1), name

    return draw


def _characters(text: str) -> Draw:
    """Characters of the fonts that come with Matplotlib, where one has them."""

    def draw(random: Random) -> tuple[Ink, str]:
        character = pick(random, text)
        path = _with_glyph(fonts("text"), character, random)
        return draw_printed(character, path, random), f"{character} of {path.stem}"

    return draw


def _with_glyph(paths: tuple[Path, ...], character: str, random: Random) -> Path:
    """One of the fonts, or the next one that has the character."""
    start = int(random.randint(len(paths)))
    ordered = paths[start:] + paths[:start]
    return next((path for path in ordered if has_glyph(path, character)), ordered[0])


def _scribble(random: Random) -> tuple[Ink, str]:
    """A tangle of a line that goes to and fro."""
    count = int(random.randint(9, 22))
    points = 50 + 34 * bell(random, count, 2)
    return write(through(points), pick_hand("learn", random), random), f"tangle of {count}"


def _loops(random: Random) -> tuple[Ink, str]:
    """Loops, waves or teeth, as a pen is tried out."""
    count, form = int(random.randint(3, 7)), pick(random, ("loops", "waves", "teeth"))
    steps = np.arange(count * 8 + 1)
    angle = steps * (2 * math.pi / 8)
    height = between(random, 14, 34)
    advance = steps * (96 / len(steps))
    if form == "loops":
        points = np.stack([advance - 14 * np.sin(angle), 50 - height * np.cos(angle)], axis=1)
    elif form == "waves":
        points = np.stack([advance, 50 - height * np.sin(angle)], axis=1)
    else:
        turns = np.arange(2 * count + 1)
        rise = np.where(turns % 2, height, -height)
        points = np.stack([turns * 96 / (2 * count), 50 + rise], axis=1)
    return write(through(points), pick_hand("held-out", random), random), form


def _half(random: Random) -> tuple[Ink, str]:
    digit, side = HALVES[int(random.randint(len(HALVES)))]
    ink = write_digit(digit, pick_hand("learn", random), random)
    return half_of(ink, side, random), f"{side} half of {digit}"


def half_of(ink: Ink, side: str, random: Random) -> Ink:
    """The upper, lower or left half of what is drawn, a little less than all of it."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    row = round(rows[0] + (rows[-1] - rows[0]) * between(random, 0.38, 0.48))
    column = round(columns[0] + (columns[-1] - columns[0]) * between(random, 0.4, 0.5))
    kept = np.zeros_like(ink)
    if side == "left":
        kept[:, :column] = ink[:, :column]
    else:
        half = slice(row) if side == "upper" else slice(row, None)
        kept[half] = ink[half]
    return kept


def _two_digits(random: Random) -> tuple[Ink, str]:
    """Two digits side by side, of one hand."""
    first, second = (int(random.randint(10)) for _ in range(2))
    writer = pick_hand("learn", random)
    ink = np.zeros((SIDE, SIDE), np.float32)
    left = _cropped(write_digit(first, writer, random))
    right = _cropped(write_digit(second, writer, random))
    gap = round(between(random, -1, 8))
    width = left.shape[1] + gap + right.shape[1]
    height = max(left.shape[0], right.shape[0])
    wide = np.zeros((height, width), np.float32)
    wide[height - left.shape[0] :, : left.shape[1]] = left
    beside = wide[height - right.shape[0] :, width - right.shape[1] :]
    np.maximum(beside, right, out=beside)
    shrunk = _fitted(wide, SIDE - 8)
    top, start = ((SIDE - size) // 2 for size in shrunk.shape)
    ink[top : top + shrunk.shape[0], start : start + shrunk.shape[1]] = shrunk
    return ink, f"{first} and {second}"


def _cropped(ink: Ink) -> Ink:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(ink: Ink, side: int) -> Ink:
    """Made smaller by the mean of the pixels that come together, where it is larger."""
    factor = -(-max(ink.shape) // side)
    if factor == 1:
        return ink
    height, width = (-(-size // factor) * factor for size in ink.shape)
    padded = np.zeros((height, width), np.float32)
    padded[: ink.shape[0], : ink.shape[1]] = ink
    blocks = padded.reshape(height // factor, factor, width // factor, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _over(random: Random) -> tuple[Ink, str]:
    """Two digits one over the other, which together are none."""
    first, second = _OVER[int(random.randint(len(_OVER)))]
    writer = pick_hand("held-out", random)
    while writer.width > 0.1:  # both are to be seen
        writer = pick_hand("held-out", random)
    below, above = (_centred(write_digit(digit, writer, random)) for digit in (first, second))
    free = int(np.flatnonzero(above.max(axis=0) > 0)[0])  # at either side
    aside = int(random.randint(-8, 9)) if free > 10 else 0
    return np.maximum(below, np.roll(above, aside, axis=1)), f"{second} over {first}"


def _centred(ink: Ink) -> Ink:
    cropped, framed = _cropped(ink), np.zeros_like(ink)
    top, left = ((SIDE - size) // 2 for size in cropped.shape)
    framed[top : top + cropped.shape[0], left : left + cropped.shape[1]] = cropped
    return framed


def _crossed_out(random: Random) -> tuple[Ink, str]:
    """A digit with lines through it, to and fro."""
    digit, writer = int(random.randint(10)), pick_hand("held-out", random)
    ink = _centred(write_digit(digit, writer, random))
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0), np.flatnonzero(ink.max(axis=0) > 0)
    count = int(random.randint(4, 7))
    low, high = min(columns[0], 34) - 6.0, max(columns[-1], 62) + 6.0
    heights = np.linspace(rows[0] + 8, rows[-1] - 8, count) + 2 * bell(random, count)
    sides = np.where(np.arange(count) % 2, high, low) + 2 * bell(random, count)
    points = np.stack([sides, heights], axis=1).clip(8, SIDE - 8)
    radii = np.full(len(points), min(4.0, max(0.8, writer.width * writer.size / 2.5)))
    lines = put_down(points, (0, len(points)), radii)
    return np.maximum(ink, lines), f"{digit} crossed out"


def _stripes(random: Random) -> tuple[Ink, str]:
    """Stripes, checks or a weave, all over."""
    angle = math.pi * random.random_sample()
    pitch, form = between(random, 5, 22), pick(random, ("stripes", "checks", "weave"))
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    along = (math.cos(angle) * x + math.sin(angle) * y) / pitch
    across = (math.cos(angle) * y - math.sin(angle) * x) / pitch
    first, second = along - np.floor(along) < 0.5, across - np.floor(across) < 0.5
    drawn = {"stripes": first, "checks": first ^ second, "weave": first | second}[form]
    return drawn.astype(np.float32), form


def _clouds(random: Random) -> tuple[Ink, str]:
    """Clouds, or rings about a place."""
    if random.random_sample() < 0.3:
        middle = SIDE * random.random_sample(2)
        y, x = np.mgrid[:SIDE, :SIDE]
        distance = np.hypot(x - middle[0], y - middle[1]) / between(random, 6, 16)
        return (distance - np.floor(distance) < 0.5).astype(np.float32), "rings"
    drawn = np.zeros((SIDE, SIDE))
    for size in (3, 6, 12, 24):
        drawn += uneven(random, size) * 4 / size
    drawn -= drawn.min()
    return (drawn / drawn.max()).astype(np.float32), "clouds"


def _noise(random: Random) -> tuple[Ink, str]:
    """Every pixel, or every square of pixels, for itself."""
    grain = pick(random, (1, 2, 3, 4, 6, 8))
    drawn = random.random_sample((SIDE // grain, SIDE // grain)).astype(np.float32)
    if random.random_sample() < 0.5:
        drawn = (drawn < between(random, 0.05, 0.6)).astype(np.float32)
    return np.kron(drawn, np.ones((grain, grain), np.float32)), f"noise of {grain}"


def _blot(random: Random) -> tuple[Ink, str]:
    """A blot that ran out."""
    y, x = np.mgrid[:SIDE, :SIDE]
    count = int(random.randint(7, 14))
    knots = between(random, 14, 26) * (1 + between(random, 0.1, 0.35) * bell(random, count))
    knots = np.append(knots, knots[0]).clip(4, 40)
    turn = (np.arctan2(y - 48, (x - 48) * between(random, 0.7, 1.4)) / (2 * math.pi)) % 1
    edge = np.interp(turn, np.linspace(0, 1, count + 1), knots)
    return (edge - np.hypot(x - 48, y - 48) + 0.5).clip(0, 1).astype(np.float32), "blot"


def _splashes(random: Random) -> tuple[Ink, str]:
    """Drops and crumbs here and there."""
    count = int(random.randint(7, 40))
    places = np.repeat(6 + (SIDE - 12) * random.random_sample((count, 2)), 2, axis=0)
    places[1::2, 0] += 0.01
    radii = np.repeat(between(random, 0.8, 3.5) * (1 + 0.25 * bell(random, count)), 2)
    breaks = tuple(range(0, 2 * count + 1, 2))
    return put_down(places, breaks, radii.clip(0.5, 4.5)), f"{count} splashes"


def _cells(part: DrawnPart) -> Draw:
    """A cell with nothing in it, of which one to four sides are in the picture."""

    def draw(random: Random) -> tuple[Ink, str]:
        ink = np.zeros((SIDE, SIDE), np.float32)
        ink[SIDE // 2, SIDE // 2] = 1  # what the border is put round
        ink, told = add_border(ink, part, random)
        ink[SIDE // 2, SIDE // 2] = 0
        return ink, f"empty, {told}"

    return draw


def _word(random: Random) -> tuple[Ink, str]:
    """A short word in print."""
    count = int(random.randint(2, 6))
    word = "".join(pick(random, "aehkmnrtuwxcdfv") for _ in range(count))
    path = pick(random, fonts("text"))
    return draw_printed(word, path, random), f"{word} of {path.stem}"


def _printed_han(random: Random) -> tuple[Ink, str]:
    character, path = pick(random, _HAN_PRINTED), pick(random, fonts("han"))
    return draw_printed(character, path, random), f"{character} of {path.stem}"


_STRANGERS: dict[DrawnPart, dict[str, Draw]] = {
    "learn": {
        "capitals": _letters(CAPITALS, "learn"),
        "cyrillic": _characters(_CYRILLIC),
        "armenian": _characters(_ARMENIAN),
        "arabic": _characters(_ARABIC),
        "han": _signs(HAN, "learn"),
        "shapes": _signs(SHAPES, "learn"),
        "punctuation": _characters(_PUNCTUATION),
        "scribbles": _scribble,
        "stripes": _stripes,
        "halves": _half,
        "two-digits": _two_digits,
        "blots": _blot,
        "noise": _noise,
        "cells": _cells("learn"),
    },
    "held-out": {
        "letters": _letters(LETTERS, "held-out"),
        "greek": _characters(_GREEK),
        "han-others": _signs(HAN_OTHERS, "held-out"),
        "han-printed": _printed_han,
        "pictograms": _signs(PICTOGRAMS, "held-out"),
        "symbols": _characters(_SYMBOLS),
        "maths": _characters(_MATHS),
        "words": _word,
        "loops": _loops,
        "clouds": _clouds,
        "digits-over": _over,
        "crossed-out": _crossed_out,
        "splashes": _splashes,
        "empty-cells": _cells("held-out"),
    },
}
CHARACTERS_ALONE = (
    *("cyrillic", "armenian", "arabic", "punctuation"),
    *("greek", "symbols", "maths", "words"),
)


STRANGER_KINDS: dict[DrawnPart, tuple[str, ...]] = {
    part: tuple(kinds) for part, kinds in _STRANGERS.items()
}


def draw_stranger(kind: str, part: DrawnPart, random: Random) -> tuple[Ink, str]:
    """One of a kind that can be drawn here, float32 (96, 96), and what it is."""
    return _STRANGERS[part][kind](random)
