from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from lenet.errors import SettingError
from lenet.kernels._library import kernel_status

KernelChoice = Literal["auto", "native", "torch"]
_chosen: ContextVar[KernelChoice] = ContextVar("chosen_kernels", default="auto")


def chosen_kernels() -> KernelChoice:
    """What networks compute with now: as the innermost `use_kernels` says, else `auto`."""
    return _chosen.get()


@contextmanager
def use_kernels(choice: KernelChoice) -> Iterator[None]:
    """Choose what networks compute with, in this thread and until the block ends.

    Args:
        choice: `native` for the compiled kernels, with an error where they do not serve; `torch`
            for PyTorch's operations; `auto` for the kernels where they serve.

    Raises:
        SettingError: `native`, and there are no compiled kernels here.

    >>> with use_kernels("torch"):
    ...     chosen_kernels()
    'torch'
    """
    if choice == "native" and (reason := kernel_status().reason):
        message = f"`kernels` can't be `native`. {reason} `lenet doctor` says more."
        raise SettingError(message)
    before = _chosen.set(choice)
    try:
        yield
    finally:
        _chosen.reset(before)
