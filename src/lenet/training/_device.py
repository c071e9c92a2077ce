from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lenet.core import Compute
from lenet.errors import SettingError
from lenet.kernels import use_kernels
from lenet.training._threads import cpu_threads


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
