"""Reading safetensors files that may be anything."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, deserialize, safe_open

from lenet.core._storage import open_to_read
from lenet.core._words import shorten
from lenet.errors import LenetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_MAPPED = 2**26  # bytes above which a file is not read for its header alone
_DIGEST_KEY = "sha256"  # in the free part of the header; files of an older lenet have none


def read_header(path: Path, error_class: type[LenetError]) -> dict[str, str]:
    """The free part of a safetensors file's header.

    Raises:
        LenetError: Of the given class: the file is missing, damaged, a pickle or another format.
    """
    with open_to_read(path, error_class) as file:
        start = file.read(_MAPPED + 1)
    try:
        if len(start) <= _MAPPED:
            deserialize(start)  # type: ignore[no-untyped-call]  # which looks at all of it
            return _free_part(start)
        with safe_open(path, "numpy") as tensors:
            return tensors.metadata() or {}
    except (SafetensorError, OSError) as error:
        if start.startswith(_PICKLE_STARTS) and start[8:9] != b"{":  # a size may begin so, too
            message = (
                f"`{path}` is a pickled PyTorch file, which could run any code when opened; "
                "lenet reads only safetensors. Where you trust it, two lines make one of it:\n"
                "    import torch, safetensors.torch\n"
                f"    safetensors.torch.save_file(torch.load({str(path)!r}, weights_only=True), "
                f"{path.stem + '.safetensors'!r})"
            )
        else:
            message = (
                f"`{path}` is not a safetensors file or is damaged ({shorten(str(error), 200)})."
            )
        raise error_class(message) from error


def read_arrays(path: Path) -> "dict[str, npt.NDArray[Any]]":
    """The tensors of a safetensors file as NumPy's arrays, in memory of their own.

    Where the file holds a digest, as `pack_arrays` writes it, it is seen to be right.

    Raises:
        SafetensorError: A tensor can't be read, or is of a type that NumPy does not have; or the
            file is not as it was written.
    """
    try:
        content = path.read_bytes()  # mapped, it would end the process where it is cut off
        found, header = unpack_arrays(content), _free_part(content)
        arrays = {name: found[name] for name in sorted(found)}
    except LookupError as error:
        message = f"it holds numbers of a type that NumPy does not have: {error}"
        raise SafetensorError(message) from error
    written = header.pop(_DIGEST_KEY, None)
    if written is not None and written != _digest(arrays, header):
        message = (
            "it is not as it was written, by the digest in it; copy it again from where it is whole"
        )
        raise SafetensorError(message)
    return arrays


def _free_part(content: bytes) -> dict[str, str]:
    """What stands in the header of a whole file beside its tensors."""
    size = int.from_bytes(content[:8], "little")
    header: dict[str, str] = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    return header


def pack_arrays(arrays: "Mapping[str, npt.NDArray[Any]]", header: dict[str, str]) -> bytes:
    """The content of a safetensors file of arrays, with a free part in its header, and a digest."""
    from safetensors.numpy import save

    copies = {name: array.copy(order="C") for name, array in arrays.items()}
    # Put in afterwards, as safetensors gives several texts in an order that changes.
    return replace_free_part(save(copies), {**header, _DIGEST_KEY: _digest(copies, header)})


def replace_free_part(content: bytes, header: dict[str, str]) -> bytes:
    """The content of a whole safetensors file with another free part in its header."""
    size = int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8 : 8 + size])
    tensors.pop("__metadata__", None)
    whole = {"__metadata__": header, **tensors}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # as the format wants its numbers to begin
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def unpack_arrays(content: bytes) -> "dict[str, npt.NDArray[Any]]":
    """The arrays of such a content."""
    from safetensors.numpy import load

    return load(content)


def _digest(arrays: "Mapping[str, npt.NDArray[Any]]", header: dict[str, str]) -> str:
    """What names all that a file holds, in whatever order it stands there."""
    digest = hashlib.sha256(repr(sorted(header.items())).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.data)
    return digest.hexdigest()
