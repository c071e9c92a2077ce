"""Logarithm, sine and cosine in float32, to the bit as PyTorch has them when it draws numbers.

On x86 processors with AVX2 it computes them with the polynomials of Cephes, products and sums
rounded once where the compiler has made one operation of the two. Other functions differ in the
last bit of every sixth normal number.

Source: S. L. Moshier (1992), "Cephes Math Library", logf.c and sinf.c.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float32]

_HALF_ROOT = np.float32(0.5**0.5)
_LOGARITHM = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
# Each the sum of what few bits can say and of the rest: log(2), and an eighth of a turn.
_LOG_2 = (-2.12194440e-4, 0.693359375)
_EIGHTH = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)


def natural_logarithm(values: _Floats) -> _Floats:
    """Of numbers above 0."""
    fractions, exponents = np.frexp(values)
    is_small = fractions < _HALF_ROOT
    fractions = np.where(is_small, 2 * fractions, fractions) - np.float32(1)
    exponents = (exponents - is_small).astype(np.float32)
    squares = fractions * fractions
    rest = _polynomial(_LOGARITHM, fractions) * fractions
    rest = _fused(rest, squares, exponents * np.float32(_LOG_2[0]))
    rest = _fused(squares, -0.5, rest)
    return _fused(exponents, _LOG_2[1], fractions + rest)


def sine_and_cosine(angles: _Floats) -> tuple[_Floats, _Floats]:
    """Of angles from 0 on, some turns at most."""
    eighths = ((angles * np.float32(1.27323954473516)).astype(np.int32) + 1) & ~1  # an even number
    for part in _EIGHTH:
        angles = _fused(eighths, -np.float32(part), angles)
    squares = angles * angles
    sines = _fused(_polynomial(_SINE, squares) * squares, angles, angles)
    cosines = _polynomial(_COSINE, squares) * squares
    cosines = _fused(cosines, squares, np.float32(-0.5) * squares) + np.float32(1)
    is_upright = (eighths & 2) != 0
    sines, cosines = np.where(is_upright, (cosines, sines), (sines, cosines))
    return np.where(eighths & 4, -sines, sines), np.where((eighths + 2) & 4, -cosines, cosines)


def _polynomial(factors: Sequence[float], values: _Floats) -> _Floats:
    """By Horner's rule, the factor of the highest power first."""
    rounded = [np.full(1, factor, np.float32) for factor in factors]
    return functools.reduce(lambda total, factor: _fused(total, values, factor), rounded)


def _fused(
    first: npt.NDArray[np.generic], second: npt.ArrayLike, added: npt.NDArray[np.float32]
) -> _Floats:
    """A product and a sum, rounded once: the product of two float32 is exact in float64."""
    total = np.multiply(first, second, dtype=np.float64) + added
    fused: _Floats = total.astype(np.float32)
    return fused
