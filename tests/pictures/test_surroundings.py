"""What lies round a symbol is taken away, and nothing of the symbol itself."""

import numpy as np
import pytest

from compiled_kernels import needs_kernels
from drawn_digits import photo
from lenet.kernels import use_engine
from lenet.pictures import Pixels, Preparation, look_at

SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
TWO = photo(2)  # in rows 50 to 140 and columns 67 to 118 of 200×180
DOWN, ACROSS = np.indices(TWO.shape)


def difference(pixels: Pixels, expected: Pixels = TWO) -> float:
    """The mean difference of two pictures' images, 0 to 255, moved by a pixel if need be.

    A foot that a line has made thinner, or a stroke that is cut off, moves the middle.
    """
    one, other = (look_at(picture, SYMBOL).image[0].astype(int) for picture in (pixels, expected))
    moved = [np.roll(one, (down, right), (0, 1)) for down, right in np.ndindex(3, 3)]
    return min(float(np.abs(np.roll(each, (-1, -1), (0, 1)) - other).mean()) for each in moved)


def with_ink(where: np.ndarray, value: int = 35, paper: Pixels = TWO) -> Pixels:
    """A picture with more ink."""
    return np.where(where, np.minimum(paper, value), paper).astype(np.uint8)


def ring(height: float, width: float, thickness: float = 6) -> np.ndarray:
    """A curve round the middle of the two."""
    away = np.hypot((DOWN - 95) / height, (ACROSS - 92) / width)
    return np.abs(away - 1) * min(height, width) < thickness / 2


def bordered(*sides: int) -> Pixels:
    """The two in a printed border of some sides, the foot and the left one touching it."""
    top, left, bottom, right = (DOWN - 40, ACROSS - 63, 143 - DOWN, 130 - ACROSS)
    lines = [np.abs(away) < 2 for away in (top, left, bottom, right)]
    cut = slice(34, 150), slice(54, 139)
    return with_ink(np.any([lines[side] for side in sides], axis=0))[cut]


def on_a_note() -> Pixels:
    """The two on yellow paper that lies on a dark desk."""
    note = np.full((260, 260, 3), [90, 60, 40], np.uint8)
    note[30:230, 40:220] = [240, 225, 110]
    note[30:230, 40:220][TWO < 100] = [30, 35, 80]
    return note


def noisy() -> Pixels:
    noise = np.random.default_rng(0).normal(0, 8, TWO.shape)
    return np.rint(170 + noise - 35 * (TWO < 100)).clip(0, 255).astype(np.uint8)


def in_glare() -> Pixels:
    glare = 120 * np.exp(-((DOWN - 40) ** 2 + (ACROSS - 40) ** 2) / 800)
    return (TWO * 0.6 + glare).clip(0, 255).astype(np.uint8)


LINES = [141 + 0.02 * (ACROSS - 90), 120 + 0.02 * (ACROSS - 90), 48 + 0.02 * (ACROSS - 90)]
SURROUNDED = {
    "a dark bar at the left": with_ink(ACROSS < 20, 10),
    "a bar at the foot that is not level": with_ink(DOWN > 175 + 0.04 * ACROSS, 60),
    "a bar at the top, darker than the ink": with_ink(DOWN < 16, 0, np.maximum(TWO, 90)),
    "one ruled line": with_ink(np.abs(DOWN - LINES[0]) < 1.6),
    "two ruled lines": with_ink(np.abs(DOWN - LINES[:2]).min(axis=0) < 1.6),
    "three ruled lines": with_ink(np.abs(DOWN - LINES).min(axis=0) < 1.6),
    "a border": bordered(0, 1, 2, 3),
    "a corner of a border": bordered(1, 2),
    "one side of a border": bordered(3),
    "a circle": with_ink(ring(70, 62)),
    "a circle that is open": with_ink(ring(72, 66, 4) & ((np.abs(ACROSS - 130) > 8) | (DOWN > 95))),
    "a note on a desk": on_a_note(),
    "noise that nearly hides it": noisy(),
    "glare": in_glare(),
    "nothing round it": TWO[49:141, 66:119],
}


@pytest.mark.parametrize("name", list(SURROUNDED))
def test_what_lies_round_a_symbol_is_taken_away(name: str) -> None:
    picture = SURROUNDED[name]
    most = 12 if "line" in name or "nois" in name else 8
    assert difference(picture) < most
    if picture.ndim == 2:
        assert difference(255 - picture) < most


@needs_kernels
@pytest.mark.parametrize("name", list(SURROUNDED))
def test_c_takes_away_what_numpy_does(name: str) -> None:
    for picture in (SURROUNDED[name], 255 - SURROUNDED[name]):
        native = look_at(picture, SYMBOL)
        with use_engine("numpy"):
            expected = look_at(picture, SYMBOL)
        assert native.box == expected.box
        assert np.abs(native.image.astype(int) - expected.image).max() <= 1


@pytest.mark.parametrize("digit", [0, 6, 8, 9])
@pytest.mark.parametrize("side", [3, 8])
def test_a_digit_with_a_speck_in_its_loop_stays_itself(digit: int, side: int) -> None:
    clean = photo(digit)
    loop = {0: (95, 90), 6: (115, 92), 8: (118, 90), 9: (75, 88)}[digit]
    near = (np.abs(DOWN - loop[0]) <= side // 2) & (np.abs(ACROSS - loop[1]) <= side // 2)
    assert difference(with_ink(near, paper=clean), clean) < 6


def test_a_zero_with_a_stroke_through_it_is_no_one_in_a_circle() -> None:
    zero = photo(0)
    slash = (np.abs((DOWN - 95) * 0.45 + (ACROSS - 90)) < 4) & (np.abs(DOWN - 95) < 30)
    inside = look_at(with_ink(slash, paper=zero), SYMBOL)
    assert inside.box == pytest.approx(look_at(zero, SYMBOL).box, abs=0.02)


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("width", [4, 9, 20])
def test_digits_that_fill_the_picture_keep_all_strokes(digit: int, width: int) -> None:
    whole = photo(digit, width=width)
    rows, columns = (np.flatnonzero((whole < 100).any(axis=axis)) for axis in (1, 0))
    for margin in (0, 2, 9):
        cut = whole[
            rows[0] - margin : rows[-1] + 1 + margin, columns[0] - margin : columns[-1] + 1 + margin
        ]
        assert difference(cut, whole) < 6


def test_a_frame_or_a_line_alone_is_a_symbol() -> None:
    paper = np.full((120, 120), 220, np.uint8)
    square = np.maximum(np.abs(DOWN[:120, :120] - 60), np.abs(ACROSS[:120, :120] - 60)) // 3 == 15
    stroke = np.abs(DOWN[:120, :120] - 60) < 3
    for where in (square, stroke, DOWN[:120, :120] < 12):
        assert not look_at(with_ink(where, paper=paper), SYMBOL).is_blank


def test_a_seven_keeps_its_bar_and_its_stroke_through_the_stem() -> None:
    seven = photo(7, width=4)
    crossed = with_ink((np.abs(DOWN - 95) < 2) & (np.abs(ACROSS - 92) < 18), paper=seven)
    for picture in (seven, crossed):
        cut = picture[48:145, 62:120]
        assert difference(cut, picture) < 5
