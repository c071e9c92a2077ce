"""A picture of a digit or a garment ends up as the makers of the datasets would have had it."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage

import lenet
from lenet.errors import ArrayError, DownloadError, ModelError, PictureSizeError, SettingError
from lenet.pictures import Preparation, look_at, look_at_each, prepare

# Ink as it is cut into symbols, before any picture is made of it.
from lenet.pictures._ink import Ink
from lenet.pictures._symbols import split_symbols

SYMBOL = Preparation("symbol", "light-on-dark", margin=4)
OBJECT = Preparation("object", "light-on-dark")


def drawn_two(side: int = 120) -> np.ndarray:
    """A two, made of strokes: 1.0 where the ink is."""
    ink = np.zeros((100, 80))
    ink[10:20, 10:60] = ink[10:50, 50:60] = ink[40:50, 10:60] = 1
    ink[40:90, 10:20] = ink[80:90, 10:70] = 1
    image = Image.fromarray(ink.astype(np.float32)).resize((side * 4 // 5, side))
    return np.asarray(image).clip(0, 1)


def placed(ink: np.ndarray, frame: tuple[int, int], top: int, left: int) -> np.ndarray:
    framed = np.zeros(frame)
    framed[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return framed


def as_bytes(values: np.ndarray) -> np.ndarray:
    return values.clip(0, 255).round().astype(np.uint8)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference of pixels, 0 to 255."""
    return float(np.abs(first.astype(int) - second).mean())


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """What becomes of the two in its plainest form."""
    return prepare(as_bytes(255 * placed(drawn_two(), (200, 200), 40, 50)), SYMBOL)


@pytest.mark.parametrize("margin", [0, 2, 4])
def test_a_symbol_fills_its_box_with_its_mass_in_the_middle(margin: int) -> None:
    picture = as_bytes(255 * placed(drawn_two(), (200, 300), 10, 20))
    image = prepare(picture, Preparation("symbol", "light-on-dark", margin=margin))[0]
    rows = np.flatnonzero(image.max(axis=1))
    assert len(rows) == 28 - 2 * margin
    if margin == 4:
        assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.51)


GROUNDS = {
    "dark on light": lambda ink: 255 - 255 * ink,
    "faint pencil": lambda ink: 230 - 40 * ink,
    "light from the left": lambda ink: (230 - 150 * ink) * np.linspace(1, 0.4, ink.shape[1]),
    "a vignette": lambda ink: (
        (230 - 160 * ink)
        * (1 - 0.2 * np.add.outer(*[np.linspace(-1, 1, size) ** 2 for size in ink.shape]))
    ),
    "noise": lambda ink: 220 - 180 * ink + np.random.default_rng(0).normal(0, 6, ink.shape),
    "red on green of the same grey": lambda ink: (
        np.array([0, 120, 0]) + ink[..., None] * np.array([236, -120, 0])
    ),
    "yellow on blue": lambda ink: (
        np.array([20, 40, 160]) + ink[..., None] * np.array([220, 190, -130])
    ),
}


@pytest.mark.parametrize("ground", list(GROUNDS))
def test_the_ground_does_not_matter(ground: str, expected: np.ndarray) -> None:
    for top, left in ((40, 50), (5, 100), (75, 3)):
        ink = placed(drawn_two(), (200, 200), top, left)
        assert difference(prepare(as_bytes(GROUNDS[ground](ink)), SYMBOL), expected) < 5


@pytest.mark.parametrize(("side", "frame"), [(60, 100), (60, 300), (199, 200), (600, 700)])
def test_the_size_does_not_matter(side: int, frame: int, expected: np.ndarray) -> None:
    ink = placed(drawn_two(side), (frame, frame), 1, 0)
    assert difference(prepare(as_bytes(255 - 255 * ink), SYMBOL), expected) < 6


@pytest.mark.parametrize("lines", ["ruled", "squared"])
def test_the_lines_of_the_paper_are_taken_away(lines: str, expected: np.ndarray) -> None:
    paper = np.full((200, 200), 235.0)
    paper[7::16] -= 45
    if lines == "squared":
        paper[:, 7::16] = 190
    ink = placed(drawn_two(), (200, 200), 40, 50)
    assert difference(prepare(as_bytes(paper - (paper - 30) * ink), SYMBOL), expected) < 6


def test_a_frame_round_the_symbol_is_taken_away(expected: np.ndarray) -> None:
    ink = placed(drawn_two(), (200, 200), 40, 50)
    alone = np.zeros_like(ink)
    alone[15:185, 20:180] = 1
    alone[18:182, 23:177] = 0
    assert difference(prepare(as_bytes(255 - 255 * (ink + alone)), SYMBOL), expected) < 2
    assert not look_at(as_bytes(255 - 255 * alone), SYMBOL).is_blank  # a square is a symbol too


@pytest.mark.parametrize("side", ["left", "top", "corner"])
def test_the_edge_of_a_shadow_is_no_ink(side: str, expected: np.ndarray) -> None:
    ink = placed(drawn_two(), (200, 200), 40, 50)
    y, x = np.mgrid[0:200, 0:200]
    dark = {"left": x < 90, "top": y < 110, "corner": x + y < 190}[side]
    paper = np.where(dark, 120, 225)
    seen = prepare(as_bytes(paper * (1 - 0.85 * ink)), SYMBOL)
    assert difference(seen, expected) < 6


def test_specks_are_taken_away(expected: np.ndarray) -> None:
    ink = placed(drawn_two(), (200, 200), 40, 50)
    for top, left in ((5, 5), (190, 180), (100, 8)):
        ink[top : top + 5, left : left + 5] = 1
    assert difference(prepare(as_bytes(255 - 255 * ink), SYMBOL), expected) < 2


def test_a_thin_line_is_made_as_thick_as_a_pen() -> None:
    picture = np.full((300, 300), 255, np.uint8)
    picture[40:260, 150:152] = 0
    image = prepare(picture, SYMBOL)[0]
    assert image.max() == 255
    assert 1 <= (image[14] > 100).sum() <= 3


def test_the_polarity_and_the_channels_are_the_network_s(expected: np.ndarray) -> None:
    picture = as_bytes(255 - 255 * placed(drawn_two(), (200, 200), 40, 50))
    dark = prepare(picture, Preparation("symbol", "dark-on-light", channels=3, margin=4))
    assert dark.shape == (3, 28, 28)
    assert difference(255 - dark, np.repeat(expected, 3, axis=0)) < 1


@pytest.mark.parametrize("value", [0, 127, 255])
def test_nothing_on_any_ground_is_blank(value: int) -> None:
    noise = np.random.default_rng(1).normal(0, 3, (80, 90))
    for picture in (np.full((80, 90), value, np.uint8), as_bytes(value + noise)):
        seen = look_at(picture, SYMBOL)
        assert seen.is_blank
        assert not seen.image.any()
    assert look_at(np.full((80, 90), value, np.uint8), OBJECT).is_blank


def test_a_single_speck_on_noisy_paper_is_no_symbol() -> None:
    noise = np.random.default_rng(2).normal(200, 4, (100, 60, 60))
    assert all(look_at(as_bytes(picture), SYMBOL).is_blank for picture in noise)
    clean = np.full((300, 300), 220, np.uint8)
    clean[100:103, 100:104] = 0
    assert look_at(clean, SYMBOL).is_blank


def test_the_box_says_where_the_symbol_is() -> None:
    seen = look_at(as_bytes(255 * placed(drawn_two(), (200, 300), 40, 50)), SYMBOL)
    # The two's ink begins at an eighth of its width and a tenth of its height.
    found = np.array(seen.box) * (200, 300, 200, 300)
    assert found == pytest.approx((52, 62, 148, 134), abs=2)
    assert not seen.is_blank


@settings(max_examples=30, deadline=None)
@given(
    pixels=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40))
        | st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3)),
    ),
    method=st.sampled_from(["symbol", "object", "plain"]),
    polarity=st.sampled_from(["light-on-dark", "dark-on-light", "as-is"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
)
def test_any_pixels_become_an_image_of_the_shape_asked_for(
    pixels: np.ndarray, method: str, polarity: str, size: tuple[int, int, int]
) -> None:
    preparation = Preparation(method, polarity, *size)
    image = prepare(pixels, preparation)
    assert image.shape == (size[2], *size[:2])
    assert image.dtype == np.uint8


def test_a_plain_picture_keeps_its_proportions_on_its_own_ground() -> None:
    picture = np.full((50, 100), 90, np.uint8)
    picture[20:30, 40:60] = 200
    image = prepare(picture, Preparation.plain((1, 28, 28)))[0]
    assert (image[:7] == 90).all()
    assert image[14, 14] == 200
    turned = prepare(picture, Preparation("plain", "dark-on-light"))[0]
    assert difference(turned, 255 - image) < 1


def test_a_garment_is_cut_out_and_put_on_black() -> None:
    photo = np.full((300, 200, 3), 250, np.uint8)
    photo[100:200, 60:140] = (180, 30, 40)
    image = prepare(photo, OBJECT)[0]
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 60) for axis in (1, 0))
    assert (len(rows), len(columns)) == (28, 22)
    assert image[0, 0] == 5


def test_a_network_of_two_channels_takes_no_pictures() -> None:
    with pytest.raises(ModelError, match="1 or 3 channels, not the 2"):
        prepare(np.zeros((5, 5), np.uint8), Preparation(channels=2))


def test_many_symbols_come_in_reading_order() -> None:
    page = np.zeros((400, 500))
    boxes = [(20, 30), (35, 200), (10, 380), (220, 60), (235, 300)]
    for number, (top, left) in enumerate(boxes):
        page += placed(drawn_two(60 + 10 * number), (400, 500), top, left)
    seen = look_at_each(as_bytes(240 - 200 * page), SYMBOL)
    assert len(seen) == 5
    corners = [(one.box[0] * 400, one.box[1] * 500) for one in seen]
    for number, (corner, (top, left)) in enumerate(zip(corners, boxes, strict=True)):
        side = 60 + 10 * number
        assert corner == pytest.approx((top + side * 0.1, left + side * 0.1), abs=3)


@pytest.mark.parametrize("tilt", [-0.05, -0.02, 0.0, 0.03, 0.07])
def test_lines_of_a_turned_page_are_read_one_after_the_other(tilt: float) -> None:
    page = np.zeros((740, 1000))
    expected = []
    for row in range(8):
        for column in range(14):
            top = 90 + 72 * row + 9 * ((row + 3 * column) % 3) + round(tilt * 65 * column)
            page[top : top + 40, 30 + 65 * column : 36 + 65 * column] = 1
            expected.append((top, 30 + 65 * column))
    seen = look_at_each(as_bytes(240 - 200 * page), SYMBOL)
    corners = [(round(one.box[0] * 740), round(one.box[1] * 1000)) for one in seen]
    assert corners == expected


def test_digits_much_smaller_than_the_largest_are_kept_and_specks_are_not() -> None:
    page = placed(drawn_two(380), (800, 800), 20, 30)
    for place in range(5):
        page += placed(drawn_two(24), (800, 800), 300 + 60 * place, 500 + 40 * place)
    page[100:103, 600:603] = page[700:702, 100:104] = 1
    seen = look_at_each(as_bytes(240 - 200 * page), SYMBOL)
    heights = [round(800 * (one.box[2] - one.box[0])) for one in seen]
    assert len(heights) == 6
    assert max(heights) > 10 * min(heights)


def test_a_symbol_over_the_whole_page_is_as_one_that_is_small(expected: np.ndarray) -> None:
    (seen,) = look_at_each(
        as_bytes(255 - 255 * placed(drawn_two(1500), (1600, 1600), 9, 9)), SYMBOL
    )
    assert difference(seen.image, expected) < 6


def test_parts_of_one_symbol_stay_together() -> None:
    page = np.zeros((100, 200))
    page[20:26, 30:60] = page[30:70, 30:36] = 1  # a bar closely above a stem
    page[20:70, 120:126] = 1
    assert len(look_at_each(as_bytes(255 - 255 * page), SYMBOL)) == 2


PAGES = arrays.arrays(np.bool_, (24, 30), elements=st.booleans()).filter(np.any)


@given(PAGES, st.integers(0, 3))
def test_symbols_are_all_ink_and_nothing_twice(mask: np.ndarray, thinning: int) -> None:
    mask[:: thinning + 1] = False
    mask[0, 0] = True
    strength = np.linspace(0.1, 1, mask.size, dtype=np.float32).reshape(mask.shape) * mask
    symbols = split_symbols(Ink(strength, mask))
    together = np.zeros_like(strength)
    labels = np.zeros(mask.shape, int)
    for number, symbol in enumerate(symbols, 1):
        together[symbol.box] += symbol.ink.strength
        labels[symbol.box] += number * symbol.ink.mask
        assert symbol.ink.box == tuple(slice(0, size) for size in symbol.ink.mask.shape)
    assert np.array_equal(together, strength)
    parts, count = ndimage.label(mask, np.ones((3, 3)))
    expected = [{part} for part in range(1, count + 1)]
    boxes = ndimage.find_objects(parts)
    heights = sorted(rows.stop - rows.start for rows, _ in boxes)
    usual = heights[3 * count // 4] if count >= 8 else 1000
    for first in range(count):
        for second in range(first):
            if stand_together(boxes[first], boxes[second], usual):
                one, other = (
                    next(group for group in expected if part + 1 in group)
                    for part in (first, second)
                )
                if one is not other:
                    one |= other
                    expected.remove(other)
    found = [set(parts[labels == number].tolist()) for number in range(1, len(symbols) + 1)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


def stand_together(one: tuple[slice, slice], other: tuple[slice, slice], usual: int) -> bool:
    """Whether boxes share half the narrower one's width, with a gap of a fifth of the taller.

    Together they are less than half higher than the taller one, or most parts.
    """
    (rows, columns), (other_rows, other_columns) = one, other
    shared = min(columns.stop, other_columns.stop) - max(columns.start, other_columns.start)
    narrower = min(side.stop - side.start for side in (columns, other_columns))
    gap = max(rows.start, other_rows.start) - min(rows.stop, other_rows.stop)
    taller = max(side.stop - side.start for side in (rows, other_rows))
    height = max(rows.stop, other_rows.stop) - min(rows.start, other_rows.start)
    return 2 * shared >= narrower and gap <= 0.2 * taller and height <= 1.4 * max(taller, usual)


@pytest.mark.parametrize(("step", "kind"), [(8, "8,000 parts"), (12, "4,000 symbols")])
def test_a_pattern_is_no_page(step: int, kind: str) -> None:
    page = np.full((1000, 1000), 255, np.uint8)
    for row in range(3):
        for column in range(3):
            page[6 + row :: step, 6 + column :: step] = 0
    with pytest.raises(PictureSizeError, match=f"more than {kind}; cut it"):
        look_at_each(page, SYMBOL)


def test_an_empty_page_has_no_symbols_and_objects_are_not_cut() -> None:
    assert look_at_each(np.full((50, 50), 200, np.uint8), SYMBOL) == []
    with pytest.raises(SettingError, match="prepared by `object`"):
        look_at_each(np.zeros((5, 5), np.uint8), OBJECT)


@pytest.mark.fashion_mnist
@pytest.mark.parametrize(
    ("name", "preparation", "same", "most"),
    [("mnist", SYMBOL, 0.95, 1.0), ("fashion-mnist", OBJECT, 0.85, 4.0)],
)
def test_images_of_the_datasets_stay_as_they_are(
    name: str, preparation: Preparation, same: float, most: float
) -> None:
    try:
        images = lenet.load_dataset(name).require_test().images[:300]
    except DownloadError as error:
        pytest.skip(f"no {name} on this machine: {error}")
    differences = [difference(prepare(image[0], preparation), image) for image in images]
    assert np.mean(np.array(differences) < 2) >= same
    assert np.mean(differences) < most


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((20, 20)),
        np.zeros((20, 20), bool),
        np.zeros((1, 28, 28), np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((5, 20, 20, 3), np.uint8),
        np.zeros(20, np.uint8),
    ],
)
def test_what_are_no_pixels_is_named_by_shape_and_type(pixels: np.ndarray) -> None:
    named = re.escape(f"not {pixels.dtype} of shape {pixels.shape}")
    for preparation in (SYMBOL, OBJECT, Preparation()):
        with pytest.raises(ArrayError, match=named):
            look_at(pixels, preparation)
