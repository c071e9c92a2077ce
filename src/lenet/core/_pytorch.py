"""Whether PyTorch is installed, which is not needed for everything."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import lazy_loader

from lenet.errors import MissingExtraError


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not imported to find out."""
    if "torch" in sys.modules:
        return sys.modules["torch"] is not None
    return find_spec("torch") is not None


def require_torch(purpose: str) -> None:
    """See that PyTorch is installed.

    Args:
        purpose: What needs it, as the start of a sentence.

    Raises:
        MissingExtraError: It is not.
    """
    if not has_torch():
        raise MissingExtraError(purpose, package="torch")


def attach_names(room: str, file: str) -> tuple[Callable[[str], Any], Any, list[str]]:
    """The names of a room as its stub has them, each imported when it is first used.

    One that needs PyTorch says so where it is not installed.
    """
    own_name, list_names, names = lazy_loader.attach_stub(room, file)

    def find_name(name: str) -> Any:
        try:
            return own_name(name)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            purpose = f"`{room}.{name}`"
            raise MissingExtraError(purpose, package="torch") from error

    return find_name, list_names, names
