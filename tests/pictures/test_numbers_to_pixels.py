"""Numbers of any type become pixels by one range, against plain arithmetic in float64."""

from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lenet.errors import ArrayError, SettingError
from lenet.pictures import Preparation, is_deep, pick_range, spread_of, to_pixels


def range_of(*pictures: np.ndarray) -> tuple[float, float]:
    return pick_range([spread for one in pictures if (spread := spread_of(one))])


def assert_scaled(pixels: np.ndarray, values: np.ndarray, low: float, high: float) -> None:
    """Pixels are the values on a scale, rounded to the nearest whole number."""
    assert pixels.dtype == np.uint8
    exact = np.clip((values.astype(float) - low) / (high - low), 0, 1) * 255
    assert np.abs(pixels - exact).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("side", [8, 28, 64])
@pytest.mark.parametrize("pixels", [2**17, 2**20])
def test_the_range_of_many_images_is_not_that_of_a_column(side: int, pixels: int) -> None:
    """Each n-th value would all be of the first column, which is dark, where n is the width."""
    images = np.random.default_rng(0).integers(0, 4096, (pixels // side**2, side, side))
    images[:, :, 0] = 3
    assert range_of(images.astype(np.uint16)) == (0, 4095)
    assert range_of(*images.astype(np.uint16)) == (0, 4095)


def test_values_near_the_largest_float_are_scaled_without_a_warning() -> None:
    values = np.linspace(0, 3.4e38, 100, dtype=np.float32)
    assert_scaled(to_pixels(values, range_of(values)), values, 0, float(values.max()))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(251, dtype=np.uint16), (0, 255)),
        (np.arange(600, dtype=np.uint16), (0, 1023)),
        (np.arange(4001, dtype=np.uint16), (0, 4095)),
        (np.arange(0, 65536, 5, dtype=np.uint16), (0, 65535)),
        (np.linspace(0, 0.9, 500, dtype=np.float32), (0, 1)),
        (np.linspace(3.5, 250, 500, dtype=np.float32), (0, 255)),
        (np.linspace(0.5, 12.5, 500), (0.5, 12.5)),
        (np.arange(-1024, 3072, dtype=np.int16), (-1024, 3071)),
        (np.arange(29000, 31501, dtype=np.uint16), (29000, 31500)),
        (np.linspace(0, 0.02, 500), (0, 0.02)),
    ],
)
def test_a_full_scale_that_is_used_is_taken_else_what_there_is(
    values: np.ndarray, expected: tuple[float, float]
) -> None:
    assert range_of(values) == expected
    assert range_of(values[: len(values) // 2], values[len(values) // 2 :]) == expected


def test_one_hot_pixel_does_not_take_the_grey_levels_of_all_others() -> None:
    generator = np.random.default_rng(0)
    pictures = [generator.integers(90, 400, (64, 64)).astype(np.uint16) for _ in range(20)]
    pictures[7][3, 5] = 65535
    low, high = range_of(*pictures)
    assert low == 90
    assert 399 <= high < 720


def test_pictures_of_8_bits_say_nothing_about_the_range() -> None:
    assert spread_of(np.array([[0, 255]], np.uint8)) is None
    assert spread_of(np.array([[True, False]])) is None
    assert spread_of(np.array([np.nan])) is None


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e30])
def test_pictures_without_any_difference_have_a_range_too(value: float) -> None:
    low, high = range_of(np.full((4, 4), value))
    Preparation(pixel_range=(low, high))
    assert not to_pixels(np.full((4, 4), value), (low, high)).any()


@pytest.mark.parametrize("dtype", ["u2", ">u2", "i4", "i8", "f4", "f8", "f2"])
def test_values_go_by_the_range_whatever_their_type(dtype: str) -> None:
    lowest = -5 if dtype[-2] in "if" else 0
    values = np.random.default_rng(0).integers(lowest, 2100, (9, 7)).astype(dtype)
    assert_scaled(to_pixels(values, (100.0, 2000.0)), values, 100, 2000)


@example(np.full((4, 3), 2.0**1023))
@given(arrays.arrays(np.float64, (4, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_finite_numbers_keep_their_order(values: np.ndarray) -> None:
    low, high = range_of(values)
    pixels = to_pixels(values, (low, high), clip=True).ravel().astype(int)
    assert (np.diff(pixels[np.argsort(values.ravel(), kind="stable")]) >= 0).all()


def test_many_values_are_the_same_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (50, 8, 8)).astype(np.uint16)
    whole = to_pixels(values, (0.0, 4095.0))
    monkeypatch.setattr("lenet.pictures._pixels._CHUNK", 100)
    np.testing.assert_array_equal(to_pixels(values, (0.0, 4095.0)), whole)


@pytest.mark.parametrize("pixel_range", [(), (0.0, 4095.0), (0.0, 1.0)])
def test_bytes_and_booleans_are_pixels_whatever_the_range_is(pixel_range: tuple[float]) -> None:
    values = np.array([[0, 3, 255]], np.uint8)
    np.testing.assert_array_equal(to_pixels(values, pixel_range), values)
    np.testing.assert_array_equal(to_pixels(values > 3, pixel_range), [[0, 0, 255]])


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.array([[0, 250, 4096]], np.uint16), 65535),
        (np.array([[0, 250, 255]], np.int64), 255),
        (np.array([[0, 1]], np.int32), 255),
        (np.array([[0, 0.25, 1]]), 1),
        (np.array([[0, 0.25, 200]], np.float32), 255),
    ],
)
def test_without_a_range_the_type_says_what_is_white(values: np.ndarray, scale: float) -> None:
    assert_scaled(to_pixels(values), values, 0, scale)


def test_16_bits_are_shares_of_white_where_the_range_is_that_of_shares() -> None:
    values = np.array([[0, 30000, 65535]], np.uint16)
    assert_scaled(to_pixels(values, (0.0, 1.0)), values, 0, 65535)


@pytest.mark.parametrize(
    ("values", "pixel_range", "message"),
    [
        (np.array([-0.42, 2.82]), (), r"from -0\.42 to 2\.82\. Pixels are expected, not normal"),
        (np.array([0, 4000]), (), "from 0 to 4000"),
        (np.array([0, 16.0]), (), "from 0 to 16"),
        (np.array([0, 255.5]), (), "from 0 to 255"),
        (np.array([0, 255], np.uint16), (), "to 255, and 16 bits are .* 65535. If 255 is"),
        (np.array([0, 256], np.uint16), (), "from 0 to 256, .* `--white 1023`"),
        (np.array([0, 1]), (0.0, 255.0), "from 0 to 1, and .* taught on .* from 0 to 255;"),
        (np.array([-0.4, 2.8]), (0.0, 255.0), "from -0.4 to 2.8, and .* from 0 to 255;"),
        (np.array([0, np.nan]), (), "not finite"),
        (np.array([0, np.inf]), (0.0, 1.0), "not finite"),
        (np.array(["a"]), (), "holds <U1 instead of numbers"),
        (np.array([1j]), (), "complex128 instead"),
        (np.array([0.0, 255.0]), (0.0, 1.0), "from 0 to 255, and .* taught on .* from 0 to 1;"),
        (np.array([0.0, 0.9]), (0.0, 4095.0), "from 0 to 0.9, and .* from 0 to 4095;"),
        (np.array([0, 30000], np.uint16), (0.0, 4095.0), "same unit"),
    ],
)
def test_other_values_are_refused_with_their_range(
    values: np.ndarray, pixel_range: tuple[float, ...], message: str
) -> None:
    with pytest.raises(ArrayError, match=message) as caught:
        to_pixels(values, pixel_range, "`x.tif`")
    assert str(caught.value).startswith("`x.tif` holds ")


def test_what_lies_outside_is_cut_off_and_a_few_far_outliers_too() -> None:
    values = np.full((20, 20), 500, np.uint16)
    values[0, :3] = 60000
    assert_scaled(to_pixels(values, (100.0, 1000.0)), values, 100, 1000)
    strange = np.array([[0, 60000]], np.uint16)
    np.testing.assert_array_equal(to_pixels(strange, (100.0, 1000.0), clip=True), [[0, 255]])


def test_no_values_are_no_pixels() -> None:
    assert to_pixels(np.zeros((0, 5)), (0.0, 1.0)).shape == (0, 5)


def test_which_values_need_a_range() -> None:
    for values, deep in (
        (np.array([255], np.uint8), False),
        (np.array([True]), False),
        (np.array([255], np.int64), False),
        (np.array([256], np.int64), True),
        (np.array([-1], np.int8), True),
        (np.array([5], np.uint16), True),
        (np.array([5], ">u2"), True),
        (np.array([0.5]), True),
        (np.array([], np.int64), False),
    ):
        assert is_deep(values) is deep, values.dtype


@pytest.mark.parametrize(
    "wrong", [(1,), (1, 2, 3), (2, 1), (1, 1), (0, np.inf), (np.nan, 1), "ab", 5, [0, "1"]]
)
def test_a_range_is_two_numbers_in_order(wrong: Any) -> None:
    with pytest.raises(SettingError, match="`pixel_range` must be"):
        Preparation(pixel_range=wrong)


def test_a_range_is_the_same_out_of_a_file() -> None:
    preparation = Preparation(pixel_range=(-5, 4095.5))
    assert preparation.pixel_range == (-5.0, 4095.5)
    assert all(type(end) is float for end in preparation.pixel_range)
    again = Preparation.from_dict({**preparation.to_dict(), "pixel_range": [-5, 4095.5]})
    assert again == preparation
    older = {name: value for name, value in preparation.to_dict().items() if name != "pixel_range"}
    assert Preparation.from_dict(older).pixel_range == ()
