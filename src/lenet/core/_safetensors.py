"""Reading safetensors files that may be anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from lenet.core._storage import reading_errors
from lenet.errors import LenetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def read_header(path: Path, error_class: type[LenetError]) -> dict[str, str]:
    """The free part of a safetensors file's header.

    Raises:
        LenetError: Of the given class: the file is missing, damaged, a pickle or another format.
    """
    with reading_errors(path, error_class), path.open("rb") as file:
        start = file.read(4)
    try:
        with safe_open(path, "numpy") as tensors:
            return tensors.metadata() or {}
    except (SafetensorError, OSError) as error:
        if start.startswith(_PICKLE_STARTS):
            message = (
                f"`{path}` is a pickled PyTorch file, which could run any code when opened; "
                "lenet reads only safetensors. Where you trust it, two lines make one of it:\n"
                "    import torch, safetensors.torch\n"
                f"    safetensors.torch.save_file(torch.load({str(path)!r}, weights_only=True), "
                f"{path.stem + '.safetensors'!r})"
            )
        else:
            message = f"`{path}` is not a safetensors file or is damaged ({error})."
        raise error_class(message) from error


def read_arrays(path: Path) -> "dict[str, npt.NDArray[Any]]":
    """The tensors of a safetensors file as NumPy's arrays, in memory of their own.

    Raises:
        SafetensorError: A tensor can't be read, or is of a type that NumPy does not have.
    """
    try:
        with safe_open(path, "numpy") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}
    except (TypeError, AttributeError) as error:  # of what NumPy says of numbers it does not know
        raise SafetensorError(str(error)) from error


def pack_arrays(arrays: "Mapping[str, npt.NDArray[Any]]", header: dict[str, str]) -> bytes:
    """The content of a safetensors file of arrays, with a free part in its header."""
    from safetensors.numpy import save

    return save({name: array.copy(order="C") for name, array in arrays.items()}, header)


def unpack_arrays(content: bytes) -> "dict[str, npt.NDArray[Any]]":
    """The arrays of such a content."""
    from safetensors.numpy import load

    return load(content)
