"""Where a training computes, with how many threads, and in which numbers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import torch

from lenet.core import Compute, check_range
from lenet.errors import SettingError
from lenet.kernels import use_kernels

Precision = Literal["float32", "tf32", "bfloat16"]


@contextmanager
def computing(compute: Compute) -> Iterator[torch.device]:
    """Compute as chosen until the block ends, on the device that comes out.

    Raises:
        SettingError: The device or the compiled kernels are not here.
    """
    device = pick_device(compute.device)
    with cpu_threads(compute.threads), use_kernels(compute.kernels):
        yield device


def pick_device(name: str = "auto") -> torch.device:
    """The device of a name, or the best there is.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, …; `auto` is the first of CUDA, Apple's
            Metal and the CPU that this machine has.

    Raises:
        SettingError: There is no such device, or it is not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        message = f"There is no device `{name}` here; `auto` takes the best one that is."
        raise SettingError(message) from error
    return device


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with a number of CPU threads until the block ends; `None` leaves it as it is.

    Raises:
        SettingError: The number is out of range.
    """
    if count is None:
        yield
        return
    check_range("threads", count, 1, 1024)
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
