"""Digits on ruled sheets are cut out as on plain paper, whatever the lines touch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

import lenet
from drawn_digits import STROKES
from lenet.pictures import Preparation, look_at_each

# What is left as it is can't be seen from the symbols that are cut out.
from lenet.pictures._ruling import without_ruling

SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
ROWS, COLUMNS, CELL, EDGE = 3, 5, 130, 50
DIGITS = [(7 * place + place // 5) % 10 for place in range(ROWS * COLUMNS)]
LINES = ["none", "ruled", "grid", "boxes", "comb"]


def sheet(lines: str, turned: float = 0.0, down: int = 0, faint: bool = False) -> np.ndarray:
    """Digits, some of which touch a line if they are moved down, on paper: uint8 (H, W)."""
    size = 2 * EDGE + COLUMNS * CELL, 2 * EDGE + ROWS * CELL
    image = Image.new("L", size, 225)
    pen = ImageDraw.Draw(image)
    right, foot, tone = size[0] - EDGE, size[1] - EDGE, 170 if faint else 50
    if lines in ("ruled", "grid"):
        for row in range(ROWS + 1):
            pen.line((EDGE, EDGE + CELL * row, right, EDGE + CELL * row), tone, 3)
    if lines == "grid":
        for column in range(COLUMNS + 1):
            pen.line((EDGE + CELL * column, EDGE, EDGE + CELL * column, foot), tone, 3)
    for place, digit in enumerate(DIGITS):
        row, column = divmod(place, COLUMNS)
        top, left = EDGE + CELL * row, EDGE + CELL * column
        if lines in ("boxes", "comb"):
            gap = 8 if lines == "boxes" else 0
            box = left + gap, top + 8, left + CELL - gap, top + CELL - 8
            pen.rectangle(box, outline=tone, width=3)
        for stroke in STROKES[digit]:
            points = [(left + 35 + x, top + 15 + down + y) for x, y in stroke]
            pen.line(points, 30, 7, "curve")
    turned_image = image.rotate(turned, Image.Resampling.BICUBIC, fillcolor=225)
    noisy = np.asarray(turned_image) + np.random.default_rng(0).normal(0, 3, size[::-1])
    return noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize(("turned", "down"), [(0.0, 0), (2.0, 0), (-1.0, 17)])
def test_digits_are_read_in_the_order_of_the_cells(lines: str, turned: float, down: int) -> None:
    answers = lenet.predict("digits", sheet(lines, turned, down), many=True, threshold=0)
    assert [answer.class_name for answer in answers] == [str(digit) for digit in DIGITS]


@pytest.mark.parametrize("lines", LINES[1:])
def test_what_is_cut_out_is_as_on_plain_paper(lines: str) -> None:
    plain = look_at_each(sheet("none"), SYMBOL)
    for page in (sheet(lines), 255 - sheet(lines), sheet(lines, faint=True)):
        seen = look_at_each(page, SYMBOL)
        assert len(seen) == len(plain)
        for one, other in zip(seen, plain, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.01)
            assert np.abs(one.image.astype(int) - other.image).mean() < 6


def test_a_page_in_colour_is_read_too() -> None:
    page = np.repeat(sheet("none")[..., None], 3, axis=2)
    page[EDGE::CELL, EDGE:-EDGE] = page[EDGE + 1 :: CELL, EDGE:-EDGE] = (90, 120, 220)
    assert len(look_at_each(page, SYMBOL)) == len(DIGITS)
    painted = without_ruling(page)
    assert (painted[EDGE, EDGE:-EDGE].min(axis=1) > 200).mean() > 0.9


def test_few_dark_strokes_in_a_grey_grid_stand_on_light_paper() -> None:
    """Paper between grey lines is no light ink, though it differs from them as the ink does."""
    page = Image.new("L", (1000, 700), 235)
    draw = ImageDraw.Draw(page)
    for row in range(7):
        draw.line((60, 60 + 96 * row, 940, 60 + 96 * row), fill=120)
    for column in range(11):
        draw.line((60 + 88 * column, 60, 60 + 88 * column, 636), fill=120)
    for place in range(60):
        left, top = 98 + 88 * (place % 10), 92 + 96 * (place // 10)
        draw.ellipse((left, top, left + 14, top + 32), outline=20, width=3)
    pixels = np.asarray(page.rotate(1.5, fillcolor=235))
    assert len(look_at_each(pixels, SYMBOL)) == 60
    assert (without_ruling(pixels) >= pixels).mean() > 0.999


def test_strokes_are_no_lines() -> None:
    for turned in (0.0, 3.0):
        page = sheet("none", turned)
        assert without_ruling(page) is page
    one = np.full((200, 80), 230, np.uint8)
    one[20:180, 38:43] = 30  # as high as most of the picture
    four = np.hstack([one, one, one, one])
    four[20:25, 40:80] = four[100:104, 100:140] = 30
    fine = np.full((200, 80), 230, np.uint8)
    fine[20:180, 40:42] = 30
    for page in (one, four, fine):
        assert without_ruling(page) is page


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(
        np.uint8,
        st.tuples(st.integers(60, 90), st.integers(60, 90), st.sampled_from([1, 3])),
        elements=st.sampled_from([0, 40, 255]),
        fill=st.sampled_from([0, 255]),
    )
)
def test_any_pixels_stay_a_picture(pixels: np.ndarray) -> None:
    painted = without_ruling(pixels)
    assert painted.shape == pixels.shape
    assert painted.dtype == np.uint8
