"""Which compiled code there is and runs here, and whether networks are to use it."""

import ctypes
import functools
import hashlib
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

from lenet.core import EngineName as EngineName
from lenet.errors import ModelError, SettingError, UnknownNameError
from lenet.kernels._interface import FUNCTIONS, INTERFACE

FOLDER = Path(__file__).parent / "compiled"
VARIABLE = "LENET_INSTRUCTIONS"
_SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
_KINDS = ("baseline", "avx2", "avx512")  # in the order of `lenet_processor()`
_chosen: ContextVar[EngineName] = ContextVar("chosen_engine", default="auto")
WebCore = Literal["answering", "simd", "relaxed_simd"]
Result = TypeVar("Result")


@dataclass(frozen=True)
class KernelStatus:
    """Which compiled code runs here.

    The best that the processor runs is taken, unless the environment variable `LENET_INSTRUCTIONS`
    names another when lenet first asks: `avx512`, `avx2`, `baseline`, or `none` for none at all.

    Attributes:
        instructions: The instruction set it was compiled for: `avx512`, `avx2` or `baseline`;
            `None` where there is none that runs, so that PyTorch does the work.
        lanes: Images that one instruction works on; 0 where there is none.
        reason: Why there is none, or `None`.
        build_log: What the build said, as far as it is known.
        damaged: What is wrong with each library that was compiled and can't be used.
    """

    instructions: str | None
    lanes: int
    reason: str | None
    build_log: str
    damaged: tuple[str, ...] = ()


@functools.cache
def _load() -> tuple[ctypes.CDLL | None, KernelStatus]:
    """The library for this processor, loaded once, and what is to be said about it."""
    try:
        log = (FOLDER / "build.log").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        log = ""
    damaged: dict[str, str] = {}
    try:
        library, kind = _pick_library(os.environ.get(VARIABLE, ""), damaged, log)
    except _NoKernelsError as error:
        if os.environ.get(VARIABLE) not in ("", "none", None):
            logging.getLogger("lenet.kernels").warning("%s They are not used.", error)
        return None, KernelStatus(None, 0, str(error), log, tuple(damaged.values()))
    return library, KernelStatus(kind, library.lenet_lanes(), None, log, tuple(damaged.values()))


class _NoKernelsError(Exception):
    """Why there are no kernels; never leaves this module."""


def _pick_library(wanted: str, damaged: dict[str, str], log: str) -> tuple[ctypes.CDLL, str]:
    """The library of the wanted kind, or the best that runs, and its kind; notes the damaged."""
    if wanted == "none":
        message = f"`{VARIABLE}` is `none`, which turns the compiled kernels off."
        raise _NoKernelsError(message)
    if wanted and wanted not in _KINDS:
        message = f"`{VARIABLE}` must be one of {', '.join([*_KINDS, 'none'])}, not `{wanted}`."
        raise _NoKernelsError(message)
    compiled = [kind for kind in _KINDS if os.path.isfile(_path(kind))]
    if not compiled:
        message = f"The package was installed without compiled kernels{_why_without(log)}."
        raise _NoKernelsError(message)
    # What asks the processor is plain code in every library, and the least of them is the surest.
    library, _ = _first_whole(compiled, damaged)
    running = _KINDS[: library.lenet_processor() + 1]
    if wanted and wanted not in running:
        message = f"`{VARIABLE}` is `{wanted}`, which this processor can't run."
        raise _NoKernelsError(message)
    if wanted and wanted not in compiled:
        message = f"`{VARIABLE}` is `{wanted}`, for which nothing was compiled here."
        raise _NoKernelsError(message)
    useful = [wanted] if wanted else [kind for kind in reversed(running) if kind in compiled]
    if not useful:
        message = "None of the compiled kernels run on this processor."
        raise _NoKernelsError(message)
    return _first_whole(useful, damaged)


def _why_without(log: str) -> str:
    """What the build says of that, as the end of a sentence."""
    found = re.search(r"^Without kernels(, because .*?)\.?$", log, re.MULTILINE)
    return found[1] if found else ""


def _first_whole(kinds: list[str], damaged: dict[str, str]) -> tuple[ctypes.CDLL, str]:
    """The first of some libraries that can be used, and its kind; notes those that can't."""
    for kind in kinds:
        try:
            library = _open(kind)
            if library.lenet_interface() != INTERFACE:
                message = "The compiled kernels are of another version of lenet: install it again."
                raise _NoKernelsError(message)
            for name, (result, arguments) in FUNCTIONS.items():
                function = getattr(library, f"lenet_{name}")
                function.restype, function.argtypes = result, arguments
            return library, kind
        except _NoKernelsError as error:
            damaged[kind] = str(error)
        except (OSError, AttributeError) as error:
            damaged[kind] = f"The compiled kernels can't be loaded: {error}"
    raise _NoKernelsError(damaged[kinds[0]])


def kernel_status() -> KernelStatus:
    """Which compiled code runs here, or why none does.

    The environment variable `LENET_INSTRUCTIONS` chooses it: see `KernelStatus`. A choice that
    can't be met gives a `reason`, and PyTorch does the work.

    >>> kernel_status().instructions in ("avx512", "avx2", "baseline", None)
    True
    """
    return _load()[1]


def library() -> ctypes.CDLL:
    """The compiled library; only where `kernel_status()` gives no reason against it."""
    loaded, status = _load()
    if loaded is None:
        raise RuntimeError(status.reason)
    return loaded


def _open(kind: str) -> ctypes.CDLL:
    """One of the libraries, if it is as it was compiled.

    One that was cut off would be mapped, and end the process by a bus error.
    """
    path = _path(kind)
    try:
        lines = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    if f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" not in lines:
        message = (
            f"`{path}` is damaged or of an older build: `SHA256SUMS` beside it does not have its "
            "checksum."
        )
        raise _NoKernelsError(message)
    return ctypes.CDLL(str(path))


def _path(kind: str) -> Path:
    """Where the build puts the library for a kind of processor."""
    return FOLDER / f"lenet_{kind}{_SUFFIX}"


def web_core(kind: WebCore) -> bytes:
    """The native core in WebAssembly, for a page.

    Args:
        kind: `answering` prepares pictures and computes any network; `simd` trains too, and
            `relaxed_simd` the faster where a browser has it.
    """
    return (Path(__file__).parent / "web" / f"lenet_{kind}.wasm").read_bytes()


def chosen_engine() -> EngineName:
    """What networks compute with now: as the innermost `use_engine` says, else `auto`."""
    return _chosen.get()


@contextmanager
def use_engine(choice: EngineName) -> Iterator[None]:
    """Choose what networks compute with, in this thread and until the block ends.

    Args:
        choice: `native` for the compiled kernels, with an error where they do not serve; `torch`
            for PyTorch's operations; `auto` for the kernels where they serve; `numpy` for NumPy
            where networks are trained and evaluated, else PyTorch's operations.

    Raises:
        SettingError: `native`, and there are no compiled kernels here.

    >>> with use_engine("torch"):
    ...     chosen_engine()
    'torch'
    """
    if choice not in get_args(EngineName):
        raise UnknownNameError("engine", str(choice), get_args(EngineName))
    if choice == "native" and (reason := kernel_status().reason):
        message = f"`engine` can't be `native`. {reason} `lenet doctor` says more."
        raise SettingError(message)
    before = _chosen.set(choice)
    try:
        yield
    finally:
        _chosen.reset(before)


use_kernels = use_engine  # its name before there were three engines


def try_kernels(attempt: Callable[[], Result]) -> Result | None:
    """Do something by the compiled kernels, unless PyTorch is chosen or they do not serve.

    Args:
        attempt: Does it, or raises `ModelError` where the kernels do not serve.

    Returns:
        What it gave, or `None` where PyTorch is to do it.

    Raises:
        ModelError: `native` is chosen and the kernels do not serve; the message says why.
    """
    choice = chosen_engine()
    if choice in ("torch", "numpy"):
        return None
    try:
        if reason := kernel_status().reason:
            raise ModelError(reason)
        return attempt()
    except ModelError as error:
        if choice == "auto":
            return None
        message = f"`engine` can't be `native` here. {error}"
        raise ModelError(message) from None
