"""The compiled library: finding it, and its functions as ctypes sees them."""

import ctypes
import functools
import hashlib
import os
import sys
from ctypes import POINTER, c_double, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from pathlib import Path

INTERFACE = 4  # what `lenet_interface()` of native/interface.cpp must give
FOLDER = Path(__file__).parent / "compiled"
_SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
_KINDS = ("baseline", "avx2", "avx512")  # in the order of `lenet_processor()`
VARIABLE = "LENET_INSTRUCTIONS"


class LayerDescription(ctypes.Structure):
    """As in native/network.h."""

    _fields_ = [
        ("is_convolution", c_int32),
        ("inputs", c_int32),
        ("height", c_int32),
        ("width", c_int32),
        ("padding", c_int32),
        ("kernel", c_int32),
        ("outputs", c_int32),
        ("activation", c_int32),
        ("pooling", c_int32),
        ("has_batch_norm", c_int32),
    ]


class Images(ctypes.Structure):
    """As in native/network.h."""

    _fields_ = [("numbers", c_void_p), ("bytes", c_void_p), ("byte_values", c_void_p)]


class Examples(ctypes.Structure):
    """As in native/examples.h."""

    _fields_ = [
        ("pixels", c_void_p),
        ("byte_values", c_void_p),
        ("labels", c_void_p),
        ("channels", c_int32),
        ("height", c_int32),
        ("width", c_int32),
    ]


class Selection(ctypes.Structure):
    """As in native/examples.h."""

    _fields_ = [
        ("indices", c_void_p),
        ("mirrored", c_void_p),
        ("row_shifts", c_void_p),
        ("column_shifts", c_void_p),
        ("count", c_int32),
    ]


class NativeStepSettings(ctypes.Structure):
    """As `StepSettings` in native/optimisers.h."""

    _fields_ = [
        ("kind", c_int32),
        ("nesterov", c_int32),
        ("step", c_int64),
        ("learning_rate", c_double),
        ("weight_decay", c_double),
        ("momentum", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("largest_norm", c_double),
    ]


class BatchNormState(ctypes.Structure):
    """As in native/batch_norm.h."""

    _fields_ = [
        ("epsilon", c_double),
        ("momentum", c_double),
        ("running_mean", c_void_p),
        ("running_variance", c_void_p),
        ("batches", c_void_p),
    ]


class Loss(ctypes.Structure):
    """As in native/loss.h."""

    _fields_ = [("sum", c_double), ("correct", c_int64)]


# Names, results and arguments of native/interface.cpp; an array is a pointer to its first element.
_FUNCTIONS = {
    "network_new": (c_void_p, [POINTER(LayerDescription), c_int32]),
    "network_free": (None, [c_void_p]),
    "forward": (c_int32, [c_void_p, c_void_p, POINTER(Images), c_int64, c_int32, c_void_p]),
    "predictor_new": (c_void_p, [c_void_p, c_void_p]),
    "predictor_free": (None, [c_void_p]),
    "predict": (c_int32, [c_void_p, POINTER(Images), c_int64, c_int32, c_void_p]),
    "kept_batch_new": (
        c_void_p,
        [c_void_p, c_void_p, POINTER(Images), c_int64, c_int32, c_void_p],
    ),
    "kept_batch_backward": (
        c_int32,
        [c_void_p, c_void_p, c_void_p, c_int32, c_void_p, c_void_p],
    ),
    "kept_batch_free": (None, [c_void_p]),
    "trainer_new": (c_void_p, [c_void_p, c_int32]),
    "trainer_free": (None, [c_void_p]),
    "trainer_gradients": (
        c_int32,
        [
            c_void_p,
            POINTER(Examples),
            POINTER(Selection),
            c_double,
            c_int32,
            c_void_p,
            c_void_p,
            c_void_p,
            POINTER(Loss),
        ],
    ),
    "trainer_update": (
        c_int32,
        [c_void_p, POINTER(NativeStepSettings), c_int32, c_void_p, c_void_p, c_void_p],
    ),
}


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
        library, kind = _pick_library(os.environ.get(VARIABLE, ""), damaged)
    except _NoKernelsError as error:
        return None, KernelStatus(None, 0, str(error), log, tuple(damaged.values()))
    return library, KernelStatus(kind, library.lenet_lanes(), None, log, tuple(damaged.values()))


class _NoKernelsError(Exception):
    """Why there are no kernels; never leaves this module."""


def _pick_library(wanted: str, damaged: dict[str, str]) -> tuple[ctypes.CDLL, str]:
    """The wanted library, or if that is empty the best that runs; and its kind.

    Args:
        wanted: The kind.
        damaged: Where to note, by its kind, what is wrong with a library that can't be used.

    Raises:
        _NoKernelsError: There is none, it would not run, or none is wanted.
    """
    if wanted == "none":
        message = f"`{VARIABLE}` is `none`, which turns the compiled kernels off."
        raise _NoKernelsError(message)
    if wanted and wanted not in _KINDS:
        message = f"`{VARIABLE}` must be one of {', '.join([*_KINDS, 'none'])}, not `{wanted}`."
        raise _NoKernelsError(message)
    compiled = [kind for kind in _KINDS if os.path.isfile(_path(kind))]
    if not compiled:
        message = "The package was installed without compiled kernels."
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


def _first_whole(kinds: list[str], damaged: dict[str, str]) -> tuple[ctypes.CDLL, str]:
    """The first of some libraries that can be used, and its kind.

    Raises:
        _NoKernelsError: None of them can.
    """
    for kind in kinds:
        try:
            library = _open(kind)
            if library.lenet_interface() != INTERFACE:
                message = "The compiled kernels are of another version of lenet: install it again."
                raise _NoKernelsError(message)
            for name, (result, arguments) in _FUNCTIONS.items():
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

    Raises:
        _NoKernelsError: It is not.
        OSError: It can't be read or loaded.
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
