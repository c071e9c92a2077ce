"""Medians and percentiles, against NumPy's; they are private, and any image would hide an error."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

# Two functions whose oracle is NumPy; what uses them rounds.
from lenet.pictures._ground import median, percentile

NUMBERS = arrays(
    st.sampled_from([np.float32, np.float64]),
    st.integers(1, 200),
    elements=st.floats(0, 255, width=32),
)


@given(NUMBERS)
def test_the_median_is_numpys(values: np.ndarray) -> None:
    assert median(values) == float(np.median(values))


@given(NUMBERS, st.integers(0, 100))
def test_a_percentile_is_numpys(values: np.ndarray, percent: int) -> None:
    np.testing.assert_allclose(
        percentile(values, percent), float(np.percentile(values, percent)), rtol=1e-5, atol=1e-5
    )
