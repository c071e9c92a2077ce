"""Whether PyTorch is installed, which is not needed for everything."""

import sys
from importlib.util import find_spec

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
