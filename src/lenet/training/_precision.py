"""In which numbers a step computes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import torch

Precision = Literal["float32", "tf32", "bfloat16"]


@contextmanager
def multiply_in(precision: Precision) -> Iterator[None]:
    """Let a GPU's matrix units round the factors of float32 products to TF32, or forbid it.

    cuDNN does it unasked, which would make a GPU differ from a CPU by more than rounding.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def compute_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Where `bfloat16` is asked for: let convolutions and dense layers compute in it.

    The weights stay float32, and what needs its accuracy, such as the loss, is computed in it.
    """
    # Without a cache, which would keep the weights of the step that a CUDA graph was captured from.
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False
    )
