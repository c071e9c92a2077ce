"""How numbers of any range become bytes."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from lenet.datasets import Dataset
from lenet.estimator import PixelRange


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Rows of four values as bytes, by the range of their own."""
    return PixelRange.measure(values).to_bytes(values, (1, 2, 2)).reshape(-1, 4)


@pytest.mark.parametrize("scale", [1, 16, 255, 1e-300, 1e300, 1.7e308, 5e-324])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_the_ends_become_black_and_white(scale: float, dtype: type) -> None:
    if scale != 1 and dtype is not np.float64:
        scale = 100
    values = (np.array([[0, 1, 1, 0]]) * scale).astype(dtype)
    np.testing.assert_array_equal(to_bytes(values), [[0, 255, 255, 0]])


def test_the_whole_range_of_floats_is_no_overflow() -> None:
    values = np.array([[-1.7e308, 0, 1.7e308, 0]])
    np.testing.assert_array_equal(to_bytes(values), [[0, 128, 255, 128]])
    small = PixelRange(0, 1e-5)
    np.testing.assert_array_equal(small.to_bytes(values, (1, 2, 2)).ravel(), [0, 0, 255, 0])


def test_bytes_stay_as_they_are_whatever_they_hold() -> None:
    values = np.array([[3, 5, 9, 16]], np.uint8)
    np.testing.assert_array_equal(to_bytes(values), values)
    assert PixelRange.measure(values) == PixelRange(0, 255)
    assert PixelRange.measure(values % 2) == PixelRange(0, 1)


def test_booleans_are_black_and_white() -> None:
    np.testing.assert_array_equal(
        to_bytes(np.array([[True, False, False, True]])), [[255, 0, 0, 255]]
    )


def test_images_without_any_difference_are_black() -> None:
    assert not to_bytes(np.full((3, 4), 7.5)).any()


@given(arrays.arrays(np.float64, (5, 4), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_finite_numbers_keep_their_order(values: np.ndarray) -> None:
    found = to_bytes(values).ravel()
    in_order = found[np.argsort(values.ravel(), kind="stable")]
    assert (np.diff(in_order.astype(int)) >= 0).all()


def test_new_images_are_mapped_as_the_old_ones_and_clipped() -> None:
    fitted = PixelRange.measure(np.array([[0.0, 1.0, 0.5, 0.25]]))
    found = fitted.to_bytes(np.array([[-1.0, 2.0, 0.5, 1.0]]), (1, 2, 2))
    np.testing.assert_array_equal(found.ravel(), [0, 255, 128, 255])


def test_an_outlier_does_not_take_the_grey_levels_of_the_others() -> None:
    values = np.random.default_rng(0).uniform(size=(1000, 4))
    values[17, 2] = 1e6
    found = PixelRange.measure(values)
    assert found.low == values.min()
    assert 1.5 < found.high < 2.1


def test_sparse_ink_keeps_the_whole_range() -> None:
    values = np.zeros((1000, 4))
    values[17, 2] = 1
    assert PixelRange.measure(values) == PixelRange(0, 1)


def test_standardised_pixels_keep_their_grey_levels(digits: Dataset) -> None:
    rows = digits.train.images.reshape(len(digits.train), -1).astype(float)
    scaled = StandardScaler().fit_transform(rows)
    found = PixelRange.measure(scaled).to_bytes(scaled, (1, 28, 28))
    assert scaled.max() > 20  # pixels at the edge are nearly always black
    middle = np.quantile(found[rows.reshape(found.shape) > 0], (0.05, 0.95))
    assert middle[1] - middle[0] > 40


def test_many_images_are_the_same_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).uniform(-3, 5, size=(100, 64))
    whole = PixelRange(-3, 5).to_bytes(values, (1, 8, 8), enlarge=True)
    monkeypatch.setattr("lenet.estimator._pixels._CHUNK", 7)
    np.testing.assert_array_equal(
        PixelRange(-3, 5).to_bytes(values, (1, 8, 8), enlarge=True), whole
    )
