"""The preparation in C sees in every picture what NumPy sees in it, to the pixel.

Where a number is as good as equal to a bound, rounding decides: so a few pixels may differ by one.
`benchmarks/preparation.py` does the same with thousands of pictures.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compiled_kernels import needs_kernels
from drawn_digits import photo
from lenet.datasets import Dataset
from lenet.errors import PictureSizeError
from lenet.kernels import prepare_picture, use_engine
from lenet.pictures import (
    Pixels,
    Preparation,
    PreparedPicture,
    look_at,
    look_at_each,
    read_picture,
)
from lenet.playground import bundled_examples

pytestmark = needs_kernels

PHOTOS = Path(__file__).parents[2] / "docs" / "images" / "photos"
SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
PREPARATIONS = (
    SYMBOL,
    Preparation("symbol", "dark-on-light", height=32, width=20, channels=3, margin=2),
    Preparation("object", "light-on-dark"),
    Preparation("object", "dark-on-light", channels=3, margin=3),
    Preparation.plain((1, 28, 28)),
    Preparation("plain", "light-on-dark", height=20, width=30, channels=3),
)


def differing_pixels(first: PreparedPicture, second: PreparedPicture) -> int:
    """How many pixels of two views differ, by one; raises where anything else does."""
    assert (first.box, first.is_blank) == (second.box, second.is_blank)
    assert first.parts == second.parts
    differences = np.abs(first.image.astype(int) - second.image)
    assert differences.max() <= 1
    return int(np.count_nonzero(differences))


def check(pixels: Pixels, *preparations: Preparation) -> int:
    """How many pixels differ between what C and NumPy make of a picture."""
    count = 0
    for preparation in preparations or PREPARATIONS:
        native = look_at(pixels, preparation)
        with use_engine("numpy"):
            count += differing_pixels(native, look_at(pixels, preparation))
    return count


def check_page(pixels: Pixels, preparation: Preparation = SYMBOL) -> int:
    """How many symbols both find on a page, of which nothing differs."""
    native = look_at_each(pixels, preparation)
    with use_engine("numpy"):
        expected = look_at_each(pixels, preparation)
    assert len(native) == len(expected)
    assert not sum(map(differing_pixels, native, expected))
    return len(native)


def test_drawn_digits_images_and_photos(digits: Dataset) -> None:
    pictures = [photo(digit, width=width) for digit in range(10) for width in (2, 9, 22)]
    pictures += [*digits.test.images[:40, 0], *bundled_examples("fashion").images[:20, 0]]
    pictures += [read_picture(file) for file in PHOTOS.glob("*.jpg")]
    assert sum(map(check, pictures)) <= 1


def test_lines_frames_shadows_colours_and_noise() -> None:
    random = np.random.default_rng(0)
    ink = 1 - photo(3, (230, 190), 8) / 215.0
    paper = np.full(ink.shape, 215.0)
    ruled, framed = paper.copy(), paper.copy()
    ruled[7::16] -= 40
    framed[4:7, 4:-4] = framed[-7:-4, 4:-4] = framed[4:-4, 4:7] = framed[4:-4, -7:-4] = 30
    down, across = np.indices(ink.shape)
    shadowed = np.where(down + across < 180, 100.0, 210.0)
    coloured = np.array([20, 40, 160.0]) + ink[..., None] * np.array([220, 190, -130.0])
    pictures = [ground * (1 - ink) for ground in (ruled, framed, shadowed)] + [coloured]
    for picture in pictures:
        for noise in (0, 3, 12):
            noisy = (picture + random.normal(0, noise, picture.shape)).clip(0, 255)
            assert check(noisy.astype(np.uint8), SYMBOL, PREPARATIONS[3]) <= 1
            assert check(255 - noisy.astype(np.uint8), SYMBOL) <= 1


@pytest.mark.parametrize("shape", [(20, 3000), (3000, 20), (401, 500, 3), (1, 700), (1700, 1700)])
def test_pictures_that_are_made_smaller(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    picture = np.full(shape, 220, np.uint8)
    picture[shape[0] // 4 : shape[0] // 2 + 1, shape[1] // 3 : shape[1] // 2] = 40
    picture -= random.integers(0, 9, shape, dtype=np.uint8)
    assert check(picture, *PREPARATIONS[:3]) == 0
    check_page(picture)


@settings(max_examples=60, deadline=None)
@given(
    pixels=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40))
        | st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])),
        elements=st.integers(0, 255) | st.sampled_from([0, 255]),
    ),
    method=st.sampled_from(["symbol", "object", "plain"]),
    polarity=st.sampled_from(["light-on-dark", "dark-on-light", "as-is"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
    margin=st.integers(0, 19),
)
def test_any_pixels(
    pixels: np.ndarray, method: str, polarity: str, size: tuple[int, int, int], margin: int
) -> None:
    fits = min(margin, (min(size[:2]) - 1) // 2)
    preparation = Preparation(method, polarity, *size, fits)
    assert check(pixels, preparation) <= 2
    if method == "symbol":
        check_page(pixels, preparation)


def test_a_picture_may_lie_in_memory_in_any_order() -> None:
    wide = np.repeat(photo(5)[..., None], 3, axis=2)
    for view in (wide[::-1, ::-1], wide.transpose(1, 0, 2), wide[..., ::-1], wide[::2, ::3, 0]):
        assert check(view, SYMBOL) == 0


def test_symbols_of_pages() -> None:
    page = np.full((420, 800), 215, np.uint8)
    for number in range(8):
        row, column = divmod(number, 4)
        top, left = 200 * row + 9 * (number % 3), 190 * column
        page[top : top + 200, left : left + 180] = photo(number)
    assert check_page(page) == 8
    assert check_page(page, PREPARATIONS[1]) == 8
    assert check_page(np.full((30, 40), 90, np.uint8)) == 0
    random = np.random.default_rng(3)
    for side in (60, 90):  # specks in a tangle, level with each other or one in the other
        specks = np.where(random.random((side, side)) < 0.06, 20, 230).astype(np.uint8)
        assert check_page(np.kron(specks, np.ones((3, 3), np.uint8))) > 5


def test_pages_of_large_and_small_symbols_and_of_turned_lines() -> None:
    page = np.full((1300, 900), 235, np.uint8)
    page[:900, :810] = np.kron(photo(4), np.ones((5, 5), np.uint8))[:900, :810]
    for place in range(40):
        top, left = 1000 + 60 * (place // 10) + 5 * (place % 10), 30 + 85 * (place % 10)
        page[top : top + 40, left : left + 36] = photo(place % 10)[::5, ::5]
    assert check_page(page) > 40
    stripes = np.full((1200, 300), 250, np.uint8)
    stripes[5:-5].reshape(1190, 15, 20)[:, :, 4:14] = 20
    assert check_page(stripes) > 10


@pytest.mark.parametrize(("step", "message"), [(12, "4,000 symbols"), (8, "8,000 parts")])
def test_too_many_symbols_are_refused_alike(step: int, message: str) -> None:
    pattern = np.full((1000, 1000), 255, np.uint8)
    for row, column in np.ndindex(3, 3):
        pattern[6 + row :: step, 6 + column :: step] = 0
    for engine in ("native", "numpy"):
        with use_engine(engine), pytest.raises(PictureSizeError, match=message):
            look_at_each(pattern, SYMBOL)


def test_what_c_does_not_serve_is_left_to_numpy() -> None:
    tall = Preparation.plain((1, 5000, 3))
    stroke = photo(1)
    assert prepare_picture(stroke, (2, 2, 5000, 3, 1, 0)) is None
    assert look_at(stroke, tall).image.shape == (1, 5000, 3)
    with use_engine("numpy"):
        assert prepare_picture(stroke, (2, 2, 28, 28, 1, 0)) is None
