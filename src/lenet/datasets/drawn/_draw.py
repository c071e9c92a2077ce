"""Drawn digits and strangers as images and labels."""

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, check_range
from lenet.datasets._catalog import CATALOG
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets.drawn._displays import draw_dots, draw_segments
from lenet.datasets.drawn._fonts import FontSet, draw_printed, fonts, lack_of
from lenet.datasets.drawn._hands import (
    HANDS,
    DrawnPart,
    Random,
    between,
    hand,
    pick,
    write_digit,
)
from lenet.datasets.drawn._pen import SIDE, Ink
from lenet.datasets.drawn._remains import add_border, add_rule
from lenet.datasets.drawn._stranger_kinds import CHARACTERS_ALONE, STRANGER_KINDS, draw_stranger
from lenet.errors import DatasetError, SettingError, UnknownNameError
from lenet.pictures import Pixels, Preparation, prepare

AS_MNIST = CATALOG["mnist"].preparation
MOST = 10_000_000  # drawings at once
_TRIES = 8  # until the preparation finds something in a picture

# How many of a hundred drawn digits are of each kind; those of `script` are held out alone.
_SHARES = {
    "strokes": 60,
    "bordered": 8,
    "ruled": 6,
    "printed": 12,
    "script": 4,
    "segments": 5,
    "dots": 5,
}
DIGIT_KINDS: dict[DrawnPart, tuple[str, ...]] = {
    "learn": tuple(kind for kind in _SHARES if kind != "script"),
    "held-out": tuple(_SHARES),
}

_Drawn = tuple[Ink, str, int]  # with what it is, and which hand or font it is of


def draw_digits(
    count: int,
    seed: int = 0,
    *,
    part: DrawnPart = "learn",
    kinds: Sequence[str] | None = None,
    preparation: Preparation | None = AS_MNIST,
) -> Split:
    """Draw digits as people, presses and displays make them.

    Kinds are `strokes` of hands, each with shapes, a pen and a slant of its own; `bordered`, which
    are strokes in what is left of a printed cell; `ruled`, which touch a ruled line; `printed`, of
    fonts; `script`, of fonts that look like handwriting, which are held out; `segments` and `dots`,
    of displays.

    The two parts differ in kind, not by chance alone. A held-out hand has skeletons for all ten
    digits that no hand to learn from has, and leaves its ranges in slant, width of the pen,
    proportions or tremor; held-out fonts are of other Debian packages; segments are narrower,
    thinner and lean more; dots are seven by nine rather than five by seven.

    Args:
        count: How many; their digits are 0 to 9 by turns.
        seed: From 0 to 2³² - 1. The first digits of many are those of few. Strokes, borders, lines,
            segments and dots are the same bytes wherever NumPy runs: they come of `RandomState`,
            whose numbers no release changes, and coordinates are rounded before the pen is put
            down. Printed digits depend on Pillow's FreeType and on the fonts that are installed.
        part: Those to `learn` from, or `held-out` for testing.
        kinds: Names out of `DIGIT_KINDS[part]`, equally often; all that can be drawn here, most of
            them strokes, where it is not given. Printed digits to learn from need Matplotlib,
            held-out ones a package such as fonts-liberation.
        preparation: How pictures become images: as MNIST's, uint8 (N, 1, 28, 28). `None` leaves
            the pictures as they are, dark on light: uint8 (N, 1, 96, 96).

    Returns:
        Images with their labels; each has a name that says what it is, and digits of one hand, or
        of one font, are a group.

    Raises:
        SettingError: The count or the seed is out of range.
        UnknownNameError: There is no such part or kind.
        DatasetError: No font is installed for a kind that is named.

    >>> drawn = draw_digits(20, kinds=("strokes", "segments"))
    >>> drawn.images.shape, drawn.labels[:4].tolist()
    ((20, 1, 28, 28), [0, 1, 2, 3])
    """
    _check(count, seed, part)
    wanted = _wanted(kinds, part, DIGIT_KINDS[part])
    shares = {kind: _SHARES[kind] if kinds is None else 1 for kind in wanted}
    names, random = list(shares), Random()
    limits = np.cumsum(list(shares.values()))

    def draw(index: int) -> _Drawn:
        kind = names[int(np.searchsorted(limits, random.randint(limits[-1]), "right"))]
        return _draw_digit(index % 10, kind, part, index, random)

    labels = np.arange(count, dtype=np.int64) % 10
    return _drawn_split(count, (seed, _code(part)), random, draw, labels, preparation)


def draw_strangers(
    count: int,
    seed: int = 0,
    *,
    part: DrawnPart = "learn",
    kinds: Sequence[str] | None = None,
    preparation: Preparation | None = AS_MNIST,
) -> Split:
    """Draw what is no digit: letters, shapes, scribbles, textures and so on.

    The two parts have no kind in common but empty cells, of which those held out have other borders
    too. What a person would read as a digit is left out of every kind: O and D, I, Z, S, B, g; З, б
    and θ; 日, which is the 8 of a display, and 七; an upper half of an 8, parentheses and slashes.
    口 is in, as wide as it is high, which no zero with corners is; so is 一, as no digit lies down.

    Args:
        count: How many.
        seed: From 0 to 2³² - 1; as for `draw_digits`.
        part: Those to `learn` from, or `held-out` for testing.
        kinds: Names out of `STRANGER_KINDS[part]`, equally often; all that can be drawn here where
            it is not given.
        preparation: How pictures become images: as MNIST's, or `None` for the pictures. One in
            which the preparation finds nothing, as in much noise, is drawn again.

    Returns:
        Images, each with the place of its kind in `kinds` as its label, or in
        `drawable_strangers(part)`, and with a name that says what it is.

    Raises:
        SettingError: The count or the seed is out of range.
        UnknownNameError: There is no such part or kind.
        DatasetError: Fonts for a kind are lacking.

    >>> strangers = draw_strangers(12, kinds=("shapes", "han"))
    >>> strangers.images.shape, sorted(set(strangers.labels.tolist()))
    ((12, 1, 28, 28), [0, 1])
    """
    _check(count, seed, part)
    wanted = _wanted(kinds, part, STRANGER_KINDS[part])
    random = Random()

    def draw(index: int) -> _Drawn:
        kind = wanted[index % len(wanted)]
        ink, told = draw_stranger(kind, part, random)
        return ink, f"{kind}: {told}", index

    labels = np.arange(count, dtype=np.int64) % len(wanted)
    return _drawn_split(count, (seed, 2 + _code(part)), random, draw, labels, preparation)


def drawn_dataset(
    count: int = 1000,
    seed: int = 0,
    *,
    part: DrawnPart = "learn",
    kinds: Sequence[str] | None = None,
    strangers: int = 0,
    stranger_kinds: Sequence[str] | None = None,
    preparation: Preparation | None = AS_MNIST,
) -> Dataset:
    """Drawn digits as a dataset of ten classes, and strangers as an eleventh, `_none`.

    Args:
        count: How many digits.
        seed: As for `draw_digits`.
        part: Those to `learn` from, or `held-out` for testing.
        kinds: Kinds of digits, as for `draw_digits`.
        strangers: How many strangers there are besides; no class `_none` with none.
        stranger_kinds: Kinds of those, as for `draw_strangers`.
        preparation: How pictures become images: as MNIST's, or `None` for the pictures.

    Raises:
        SettingError: A number is out of range.
        UnknownNameError: There is no such part or kind.
        DatasetError: Fonts for a kind are lacking.

    >>> drawn_dataset(100, strangers=20).class_names[-2:]
    ('9', '_none')
    """
    check_strangers(strangers, stranger_kinds)
    train = draw_digits(count, seed, part=part, kinds=kinds, preparation=preparation)
    names = CATALOG["mnist"].class_names
    if strangers:
        others = draw_strangers(
            strangers, seed, part=part, kinds=stranger_kinds, preparation=preparation
        )
        none, groups = np.full(strangers, len(names)), (3 << 24) + np.arange(strangers)
        train = train.joined(Split(others.images, none, others.names, groups))
        names += (NONE_CLASS,)
    return Dataset("drawn", names, train, preparation=preparation)


def drawable_digits(part: DrawnPart) -> tuple[str, ...]:
    """The kinds of digits of a part for which the fonts are here.

    >>> set(drawable_digits("held-out")) <= set(DIGIT_KINDS["held-out"])
    True
    """
    return _drawable(part, DIGIT_KINDS[part])


def drawable_strangers(part: DrawnPart) -> tuple[str, ...]:
    """The kinds of strangers of a part for which the fonts are here.

    >>> set(drawable_strangers("learn")) <= set(STRANGER_KINDS["learn"])
    True
    """
    return _drawable(part, STRANGER_KINDS[part])


def _drawable(part: DrawnPart, kinds: Sequence[str]) -> tuple[str, ...]:
    lacking = undrawable_kinds(part)
    return tuple(kind for kind in kinds if kind not in lacking)


def undrawable_kinds(part: DrawnPart) -> dict[str, str]:
    """The kinds of digits and strangers of a part for which fonts are lacking, and what to do."""
    needed = {kind: _font_set(kind, part) for kind in (*DIGIT_KINDS[part], *STRANGER_KINDS[part])}
    return {kind: lack_of(which) for kind, which in needed.items() if which and not fonts(which)}


def _font_set(kind: str, part: DrawnPart) -> FontSet | None:
    """The set of fonts that a kind is drawn with, if it is with any."""
    if kind in CHARACTERS_ALONE:
        return "text"
    sets: dict[str, FontSet] = {"printed": part, "script": "script", "han-printed": "han"}
    return sets.get(kind)


def check_strangers(count: int, kinds: Sequence[str] | None) -> None:
    """Check how many strangers are wanted; kinds of none of them are a mistake."""
    check_range("strangers", count, 0, MOST)
    if kinds is not None and not count:
        message = "`stranger_kinds` needs `strangers`, how many of them there are to be."
        raise SettingError(message)


def _check(count: int, seed: int, part: str) -> None:
    check_range("count", count, 1, MOST)
    check_range("seed", seed, 0, 2**32 - 1)
    if part not in get_args(DrawnPart):
        raise UnknownNameError("part", part, get_args(DrawnPart))


def _wanted(kinds: Sequence[str] | None, part: DrawnPart, there_are: Sequence[str]) -> list[str]:
    """The kinds to be drawn, each once; all that can be drawn here where none are named."""
    if kinds is None:
        return list(_drawable(part, there_are))
    if unknown := [kind for kind in kinds if kind not in there_are] or [""] * (not kinds):
        if "script" in unknown:
            message = "The kind `script` is there to test on alone: it needs the part `held-out`."
            raise SettingError(message)
        raise UnknownNameError("kind", unknown[0], there_are)
    lacking = undrawable_kinds(part)
    if reasons := [lacking[kind] for kind in kinds if kind in lacking]:
        raise DatasetError(reasons[0])
    return list(dict.fromkeys(kinds))


def _code(part: DrawnPart) -> int:
    return get_args(DrawnPart).index(part)


def _draw_digit(digit: int, kind: str, part: DrawnPart, index: int, random: Random) -> _Drawn:
    if which := _font_set(kind, part):
        paths = fonts(which)
        number = int(random.randint(len(paths)))
        path = paths[number]
        return draw_printed(str(digit), path, random), f"{digit} of {path.stem}", 1 << 24 | number
    if kind in ("segments", "dots"):
        ink, told = (draw_segments if kind == "segments" else draw_dots)(digit, part, random)
        return ink, f"{digit} of {told}", 2 << 24 | index
    number = int(random.randint(HANDS[part]))
    writer = hand(part, number)
    ink = write_digit(digit, writer, random)
    told = f"{digit} {writer.shapes[digit]}, {part} hand {number}"
    if kind != "strokes":
        ink, what = (add_border if kind == "bordered" else add_rule)(ink, part, random)
        told += f", {what}"
    return ink, told, number


def _drawn_split(
    count: int,
    seeds: tuple[int, int],
    random: Random,
    draw: Callable[[int], _Drawn],
    labels: npt.NDArray[np.int64],
    preparation: Preparation | None,
) -> Split:
    """What `draw` makes of each index with numbers that depend on the seeds and that index.

    A picture in which the preparation finds nothing, as in much noise, is drawn again.
    """
    shape = (1, SIDE, SIDE) if preparation is None else preparation.image_shape
    images, names = np.empty((count, *shape), np.uint8), []
    groups = np.empty(count, np.int64)
    for index in range(count):
        random.seed((*seeds, index))
        for _ in range(_TRIES):
            ink, name, groups[index] = draw(index)
            picture = on_paper(ink, random)
            images[index] = picture if preparation is None else prepare(picture, preparation)
            if images[index].any():
                break
        names.append(name)
    return Split(images, labels, names, groups)


def on_paper(ink: Ink, random: Random) -> Pixels:
    """Ink on paper, dark on light, with a little noise on half of the pictures: uint8 (H, W)."""
    paper, darkest = between(random, 205, 255), between(random, 0, 110)
    drawn = np.float32(paper) - np.float32(paper - darkest) * ink
    if pick(random, (True, False)):
        grain = random.randint(0, 256, ink.shape, np.uint8).astype(np.float32) - np.float32(127.5)
        drawn += np.float32(between(random, 0, 6) / 128) * grain
    drawn += np.float32(0.5)
    np.clip(drawn, 0, 255, out=drawn)
    picture: Pixels = drawn.astype(np.uint8)
    return picture
