"""The functions of activations and their slopes, number by number."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[Any]  # float32, or float64 where what comes in is


def _sigmoid(values: Numbers, _: float = 0) -> Numbers:
    result: Numbers = 0.5 * (1 + np.tanh(0.5 * values))
    return result


def _below(values: Numbers) -> Numbers:
    """The share of a normal distribution below each number.

    NumPy lacks the error function: it is a table, and between its places Taylor's series to the
    third power, which errs by less than 1e-12.
    """
    shares, densities = (table.astype(values.dtype) for table in _normal_tables())
    within = np.clip(values, -_FAR, _FAR)
    place = np.rint(np.nan_to_num(within) * _STEPS).astype(np.intp)
    near = (place / _STEPS).astype(values.dtype)
    apart = within - near
    series = apart * (1 - apart * (near / 2 - apart * (near * near - 1) / 6))
    place += _FAR * _STEPS
    result: Numbers = shares[place] + densities[place] * series
    return result


_FAR, _STEPS = 9, 256  # how far the tables reach, and how many places they have a unit


@cache
def _normal_tables() -> tuple[Numbers, Numbers]:
    """The share of a normal distribution below each of many places, and its density there."""
    places = np.arange(-_FAR * _STEPS, _FAR * _STEPS + 1) / _STEPS
    shares = [math.erfc(-place / math.sqrt(2)) / 2 for place in places]
    return np.array(shares), np.exp(-places * places / 2) / math.sqrt(2 * math.pi)


def _slope_of_gelu(values: Numbers, _: float) -> Numbers:
    result: Numbers = _below(values)
    return result + values * np.exp(-values * values / 2) / math.sqrt(2 * math.pi)


def _slope_of_sigmoid(values: Numbers, _: float = 0) -> Numbers:
    return _sigmoid(values) * _sigmoid(-values)


_Function: TypeAlias = Callable[[Numbers, float], Numbers]
# Each function, and its slope; they take the parameter that some have.
FUNCTIONS_AND_SLOPES: dict[str, tuple[_Function, _Function]] = {
    "identity": (lambda x, _: x, lambda x, _: np.ones_like(x)),
    "sigmoid": (_sigmoid, _slope_of_sigmoid),
    "tanh": (lambda x, _: np.tanh(x), lambda x, _: 1 - np.tanh(x) ** 2),
    "relu": (lambda x, _: np.maximum(x, 0), lambda x, _: (x > 0).astype(x.dtype)),
    "leaky_relu": (
        lambda x, slope: np.where(x > 0, x, slope * x),
        lambda x, slope: np.where(x > 0, np.ones_like(x), np.full_like(x, slope)),
    ),
    "elu": (
        lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        lambda x, alpha: np.where(x > 0, np.ones_like(x), alpha * np.exp(np.minimum(x, 0))),
    ),
    "gelu": (lambda x, _: x * _below(x), _slope_of_gelu),
    "silu": (
        lambda x, _: x * _sigmoid(x),
        lambda x, _: _sigmoid(x) + x * _slope_of_sigmoid(x),
    ),
    "hard_swish": (
        lambda x, _: x * np.clip(x + 3, 0, 6) / 6,
        lambda x, _: np.where(x <= -3, np.zeros_like(x), np.where(x < 3, x / 3 + 0.5, 1)),
    ),
    "softplus": (lambda x, _: np.logaddexp(x, 0), _sigmoid),
    "scaled_tanh": (
        lambda x, _: 1.7159 * np.tanh(2 / 3 * x),
        lambda x, _: 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * x) ** 2),
    ),
}
