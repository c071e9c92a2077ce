"""The tests of differences, against scipy's and against an example worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_rel

from lenet.experiments import holm, paired_p_value


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20))
def test_the_p_value_is_that_of_scipys_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    first, second = np.array(pairs).T
    if np.std(first - second, ddof=1) < 1e-6:
        return
    expected = ttest_rel(first, second).pvalue
    assert paired_p_value(first - second) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 11, 1000, 60_000])
@pytest.mark.parametrize("t", [1e-6, 0.3, 1.0, 1.7321, 2.0, 12.0, 60.0])
def test_the_p_value_is_that_of_scipys_distribution_in_its_tails_too(count: int, t: float) -> None:
    around = np.resize([1.0, -1.0], count)
    around -= around.mean()
    differences = around + t * around.std(ddof=1) / np.sqrt(count)
    expected = 2 * student.sf(t, count - 1)
    assert paired_p_value(differences) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_one_pair_tells_nothing_and_equal_ones_tell_of_no_difference() -> None:
    assert paired_p_value([0.1]) is None
    assert paired_p_value([]) is None
    assert paired_p_value([0.0, 0.0, 0.0]) == 1.0
    assert paired_p_value([0.5, 0.5]) == 0.0


def test_holms_own_steps() -> None:
    """Smallest times four, next times three and so on, never falling, never above 1."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_never_makes_a_difference_likelier(p_values: list[float]) -> None:
    enlarged = holm(p_values)
    assert all(
        p <= q <= min(1, p * len(p_values)) or q >= p
        for p, q in zip(p_values, enlarged, strict=True)
    )
    assert min(enlarged) == pytest.approx(min(1, min(p_values) * len(p_values)))
