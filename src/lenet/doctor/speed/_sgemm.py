"""The speed of a matrix product, which is what processors and their libraries do best."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lenet.doctor.speed._turns import Contestant, Outcome

NAME = "sgemm"
_SIZE = 1024
_SECONDS = 0.2


def sgemm_contestant() -> Contestant:
    """The float32 product of two 1024×1024 matrices by PyTorch or numpy, whichever is faster."""
    ones = np.random.default_rng(0).standard_normal((2, _SIZE, _SIZE)).astype(np.float32)
    tensors = torch.from_numpy(ones)

    def play() -> Outcome:
        best = min(_time(lambda: tensors[0] @ tensors[1]), _time(lambda: ones[0] @ ones[1]))
        return Outcome(2 * _SIZE**3 / best / 1e9)

    return Contestant(NAME, play)


def _time(multiply: Callable[[], Any]) -> float:
    """Seconds of the fastest of many products."""
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while (started := time.perf_counter()) < end:
        multiply()
        best = min(best, time.perf_counter() - started)
    return best
