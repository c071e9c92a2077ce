"""Reading safetensors files that may be anything."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from lenet.core._storage import reading_errors
from lenet.errors import LenetError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

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


def read_tensors(path: Path) -> "dict[str, Tensor]":
    """The tensors of a safetensors file, in memory of their own: the file may change later.

    Raises:
        SafetensorError: A tensor can't be read.
    """
    import safetensors.torch

    try:
        found = safetensors.torch.load_file(path)
    except AttributeError as error:  # numbers of a type that this release of PyTorch does not have
        raise SafetensorError(str(error)) from error
    return {name: tensor.clone() for name, tensor in found.items()}


def read_arrays(path: Path) -> "dict[str, npt.NDArray[np.generic[Any]]]":
    """The tensors of a safetensors file as NumPy's arrays, without PyTorch.

    Raises:
        SafetensorError: A tensor can't be read, or is of a type that NumPy does not have.
    """
    with safe_open(path, "numpy") as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}
