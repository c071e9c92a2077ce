"""Whether PyTorch is installed, which is not needed for everything."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import lazy_loader

from lenet.core._threads import is_imported, thread_count
from lenet.errors import MissingExtraError


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not imported to find out."""
    if "torch" in sys.modules:
        return sys.modules["torch"] is not None
    try:
        found = find_spec("torch")
    except (ImportError, ValueError):  # of who finds modules in another way
        return False
    return found is not None and found.origin is not None  # which a mere folder has not


def to_numpy(values: Any) -> Any:
    """An array of what is one, or of a tensor, wherever it lies and whatever it remembers."""
    import numpy as np

    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # which NumPy has not
            values = values.float()
    return np.asarray(values)


def require_torch(purpose: str) -> None:
    """Import PyTorch, which computes with the chosen number of threads from then on.

    Args:
        purpose: What needs it, as the start of a sentence.

    Raises:
        MissingExtraError: It is not installed, or can't be imported.
    """
    if not has_torch():
        raise MissingExtraError(purpose, package="torch")
    try:
        import torch  # noqa: F401
    except (ImportError, OSError) as error:
        raise _broken(purpose, error) from error
    thread_count()


def _broken(purpose: str, error: Exception) -> MissingExtraError:
    fault = f"{type(error).__name__}: {error}".partition("\n")[0]
    return MissingExtraError(purpose, package="torch", fault=fault)


def _raised_in(error: BaseException) -> str:
    """`torch` where an error came through it, as a library that it can't load does."""
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "torch":
            return "torch"
        frame = frame.tb_next
    return ""


class _MissingNameError(MissingExtraError, AttributeError):
    """Also an `AttributeError`, so that `hasattr` and `help` pass the name over."""


def _is_imported_by_name() -> bool:
    """Whether somebody wrote `from … import` and a name, which would hide an `AttributeError`."""
    frame, between = sys._getframe(1), (__name__, "lenet", lazy_loader.__name__)
    while frame.f_back and frame.f_globals["__name__"] in between:
        if frame.f_code is names_to_be_had.__code__:
            return False
        frame = frame.f_back
    is_import = frame.f_code.co_name == "_handle_fromlist"
    return is_import and not frame.f_locals.get("recursive")  # as it is for a `*`


def attach_names(room: str, file: str) -> tuple[Callable[[str], Any], Any]:
    """The names of a room as its stub has them, each imported when it is first used.

    One that needs PyTorch says so where it is not installed, and `__all__` is without it.
    """
    own_name, list_names, names = lazy_loader.attach_stub(room, file)

    def find_name(name: str) -> Any:
        if name == "__all__":
            return names_to_be_had(room, names)
        purpose = f"`{room}.{name}`"
        try:
            found = own_name(name)
        except (ImportError, OSError) as error:
            module = getattr(error, "name", None) or _raised_in(error)
            if module.partition(".")[0] != "torch" or is_imported():
                raise
            if not has_torch():
                kind = MissingExtraError if _is_imported_by_name() else _MissingNameError
                raise kind(purpose, package="torch") from error
            raise _broken(purpose, error) from error
        if is_imported():
            thread_count()
        return found

    return find_name, list_names


def names_to_be_had(module: str, names: list[str]) -> list[str]:
    """Those of a module's names that can be had without PyTorch where it is not installed."""
    if has_torch():
        return names
    return [name for name in names if hasattr(sys.modules[module], name)]
