"""Whether a difference is more than chance."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def paired_p_value(differences: Sequence[float] | npt.NDArray[np.float64]) -> float | None:
    """How likely differences so far from 0 on average are, if chance alone made them.

    Args:
        differences: One for each pair, such as two accuracies with the same seed.

    Returns:
        The two-sided p-value of Student's paired t-test; `None` for less than two pairs.

    >>> round(paired_p_value([0.010, 0.014, 0.012]), 4)
    0.0091
    """
    from scipy import stats

    if len(differences) < 2:
        return None
    mean, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    if deviation == 0:
        return 0.0 if mean else 1.0
    t = mean / deviation * math.sqrt(len(differences))
    return float(2 * stats.t.sf(abs(t), len(differences) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, enlarged for their being several.

    Source: S. Holm (1979), "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    enlarged = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        enlarged[index] = largest
    return enlarged
