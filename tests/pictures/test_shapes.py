"""Parts, growth and distances, against scipy's to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from lenet.pictures._shapes import (  # no picture leads to every case of these
    distances_to_edge,
    find_parts,
    grow,
    largest_around,
    largest_in_disk,
    smallest_around,
)

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


def check_parts(mask: np.ndarray) -> None:
    numbers, boxes = find_parts(mask)
    expected, count = ndimage.label(mask, structure=np.ones((3, 3)))
    found = ndimage.find_objects(expected)
    assert np.array_equal(numbers, expected)
    assert len(boxes) == count
    assert [tuple(box) for box in boxes.tolist()] == [
        (rows.start, rows.stop, columns.start, columns.stop) for rows, columns in found
    ]


@given(MASKS)
def test_parts_are_those_of_scipy(mask: np.ndarray) -> None:
    check_parts(mask)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.42, 0.6])
def test_long_winding_parts_are_those_of_scipy(share: float) -> None:
    check_parts(np.random.default_rng(0).random((150, 90)) < share)


@settings(max_examples=40, deadline=None)
@given(MASKS, st.integers(1, 9))
def test_growth_and_distances_are_those_of_scipy(mask: np.ndarray, steps: int) -> None:
    assert np.array_equal(grow(mask, steps), ndimage.binary_dilation(mask, iterations=steps))
    framed = np.pad(mask, 1)
    assert np.array_equal(distances_to_edge(framed), ndimage.distance_transform_edt(framed))


@settings(max_examples=40, deadline=None)
@given(MASKS, st.integers(0, 6), st.integers(0, 1000))
def test_largest_and_smallest_are_those_of_scipy(mask: np.ndarray, reach: int, seed: int) -> None:
    values = np.random.default_rng(seed).random(mask.shape, dtype=np.float32)
    width = 2 * reach + 1
    for ours, theirs in [
        (largest_around, ndimage.grey_dilation),
        (smallest_around, ndimage.grey_erosion),
    ]:
        assert np.array_equal(ours(values, width), theirs(values, size=(width, width)))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    padded = np.pad(values, reach)
    thicker = ndimage.grey_dilation(padded, footprint=x * x + y * y <= reach * reach)
    assert np.array_equal(largest_in_disk(padded, reach), thicker)
