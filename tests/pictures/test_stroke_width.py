"""The quick look at how thick strokes are, against scipy's exact distances.

It is private: of an image nobody sees which way was taken.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

# The distances between strokes; a picture shows only what follows from them.
from lenet.pictures._symbols import _is_at_least_as_far


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))), st.floats(0.5, 4))
def test_what_it_calls_far_is_far(mask: np.ndarray, mean: float) -> None:
    stroke = np.pad(mask, 1)
    if _is_at_least_as_far(stroke, mean):
        distances = ndimage.distance_transform_edt(stroke)
        assert distances[distances > 0].mean() >= mean - 1e-9


@pytest.mark.parametrize("width", [3, 4, 8])
def test_it_knows_the_distance_across_a_straight_stroke(width: int) -> None:
    stroke = np.zeros((width + 2, 40 * width), bool)
    stroke[1:-1, 1:-1] = True
    exact = float(ndimage.distance_transform_edt(stroke)[stroke].mean())
    assert _is_at_least_as_far(stroke, 0.99 * exact)
    assert not _is_at_least_as_far(stroke, 1.01 * exact)
