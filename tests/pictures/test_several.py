"""Several symbols are noticed where one was asked for; a symbol of several pieces is one."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

import lenet
from drawn_digits import photo
from lenet.pictures import Preparation, look_at, notice_several

SYMBOL = Preparation("symbol", "light-on-dark", margin=4)


def is_several(pixels: np.ndarray, preparation: Preparation = SYMBOL) -> bool:
    return notice_several(pixels, look_at(pixels, preparation), preparation).is_several


def number(text: str) -> np.ndarray:
    """A number in one line; a blank is as wide as a digit."""
    blank = np.full_like(photo(0), 215)
    return np.hstack([blank if one == " " else photo(int(one)) for one in text])


@pytest.mark.parametrize("text", ["10", "42", "2 7", "1066", "17", "11"])
@pytest.mark.parametrize("step", [1, 3, 7])
def test_numbers_of_two_digits_and_more(text: str, step: int) -> None:
    page = number(text)[::step, ::step]
    assert is_several(page)
    assert is_several(255 - page)
    assert is_several(np.repeat(page[..., None], 3, axis=2))
    assert is_several(np.vstack([photo(int(one))[::step, ::step] for one in text.split()[0]] * 2))
    (answer,) = lenet.predict("digits", page)
    assert answer.seen.is_several


@pytest.mark.parametrize("lines", [1, 3])
def test_a_sheet_whose_lines_hold_all_together(lines: int) -> None:
    page = np.full((900, 700), 225, np.uint8)
    for row, column in np.ndindex(4, 3):
        place = page[60 + 200 * row : 260 + 200 * row, 80 + 180 * column : 260 + 180 * column]
        np.minimum(place, photo(3 * row % 10), out=place)
    image = Image.fromarray(page)
    pen = ImageDraw.Draw(image)
    for row in range(5):
        pen.line((80, 60 + 200 * row, 620, 60 + 200 * row), 40, lines)
    for column in range(4):
        pen.line((80 + 180 * column, 60, 80 + 180 * column, 860), 40, lines)
    assert is_several(np.asarray(image))


def test_thousands_of_dots_are_several() -> None:
    page = np.full((1000, 1000), 255, np.uint8)
    for row, column in np.ndindex(3, 3):
        page[6 + row :: 8, 6 + column :: 8] = 0
    assert is_several(page)


def test_one_symbol_is_one_in_whatever_pieces() -> None:
    for digit in range(10):
        assert not is_several(photo(digit))
    dotted = photo(1).copy()
    dotted[60:75] = 215  # as an i
    barred = photo(5).copy()
    barred[57:62] = 215  # a bar that does not touch
    block = np.full((300, 300), 230, np.uint8)
    block[50:250, 60:240] = 20
    for picture in (dotted, barred, block, np.full((50, 50), 200, np.uint8)):
        assert not is_several(picture)


def test_only_drawn_symbols_are_told_apart() -> None:
    assert not is_several(number("10"), Preparation("object", "light-on-dark"))
    assert not is_several(number("10"), Preparation.plain((1, 28, 28)))
