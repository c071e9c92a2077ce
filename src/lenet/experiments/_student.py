"""Student's t distribution, which NumPy has not."""

import math

_TINY = 1e-300  # in place of a denominator of 0
_ROUNDING = 1e-15
_MOST_TERMS = 100_000  # some tens are enough, or a few hundred for a million degrees


def two_sided_p_value(t: float, degrees: int) -> float:
    """How likely a value as far from 0 as `t` is, on either side.

    Args:
        t: The statistic.
        degrees: Degrees of freedom, at least 1.

    >>> round(two_sided_p_value(2.776, 4), 4)
    0.05
    """
    square = t * t
    return _incomplete_beta(degrees / (degrees + square), square / (degrees + square), degrees / 2)


def _incomplete_beta(x: float, rest: float, a: float, b: float = 0.5) -> float:
    """The regularised incomplete beta function I_x(a, b), where `rest` is 1 - x.

    Source: W. H. Press et al. (2007), "Numerical Recipes", third edition, section 6.4.
    """
    if not x or not rest:
        return float(not rest)
    if x > (a + 1) / (a + b + 2):  # where the fraction for the other end is the shorter one
        return 1 - _incomplete_beta(rest, x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logarithm + a * math.log(x) + b * math.log(rest)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction 1 + d₁/(1 + d₂/(1 + …)), by Lentz's method."""
    value = numerator = 1.0
    denominator = 0.0
    for term in range(1, _MOST_TERMS):
        m = term // 2
        if term % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        numerator = 1 + d / numerator or _TINY
        denominator = 1 / (1 + d * denominator or _TINY)
        value *= numerator * denominator
        if abs(numerator * denominator - 1) < _ROUNDING:
            break
    return value
