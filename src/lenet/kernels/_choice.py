from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from lenet.core import KernelChoice as KernelChoice
from lenet.errors import ModelError, SettingError
from lenet.kernels._library import kernel_status

Result = TypeVar("Result")
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


def try_kernels(attempt: Callable[[], Result]) -> Result | None:
    """Do something by the compiled kernels, unless PyTorch is chosen or they do not serve.

    Args:
        attempt: Does it, or raises `ModelError` where the kernels do not serve.

    Returns:
        What it gave, or `None` where PyTorch is to do it.

    Raises:
        ModelError: `native` is chosen and the kernels do not serve; the message says why.
    """
    choice = chosen_kernels()
    if choice == "torch":
        return None
    try:
        if reason := kernel_status().reason:
            raise ModelError(reason)
        return attempt()
    except ModelError as error:
        if choice == "auto":
            return None
        message = f"`kernels` can't be `native` here. {error}"
        raise ModelError(message) from None
