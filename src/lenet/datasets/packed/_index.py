"""What the index of a packed set says: `index.json`, described in docs/reference/packed-data.md."""

import hashlib
import io
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lenet.core import json_text, parse_json, reading_errors, shortened
from lenet.datasets.readers._contents import SPLIT_NAMES, SplitName
from lenet.errors import DataFileError, LenetError
from lenet.pictures import Preparation

INDEX_FILE = "index.json"
FORMAT, VERSION = "lenet packed images", 1
LABEL_TYPE = "<u2"  # of the labels' file
MOST_CLASSES = 2**16  # that such a label can tell apart
_MOST_INDEX_BYTES = 64 * 2**20  # a million shards
_MOST_IMAGES, _MOST_IMAGE_BYTES, _LONGEST_NAME = 2**48, 2**30, 1000
_Kind = TypeVar("_Kind")
Identity = tuple[int, int, int, int]  # device, inode, size, time of the last change


@dataclass(frozen=True)
class PackedFile:
    """A file of a packed set.

    Attributes:
        name: In the set's folder.
        images: How many it has the pixels or the labels of.
        size: In bytes.
        sha256: Of all its bytes, in hexadecimal digits.
    """

    name: str
    images: int
    size: int
    sha256: str


@dataclass(frozen=True)
class PackedPart:
    """The files of a part.

    Attributes:
        shards: The pixels, uint8 (N, C, H, W) cut into pieces, in order.
        labels: The labels of all of them, little-endian uint16.
    """

    shards: tuple[PackedFile, ...]
    labels: PackedFile

    @property
    def images(self) -> int:
        """How many there are."""
        return self.labels.images


@dataclass(frozen=True)
class PackedIndex:
    """All that a packed set says of itself.

    Attributes:
        class_names: The classes; a label is an index into them.
        image_shape: Channels, height and width of every image.
        parts: The files of each part; there is one for training.
        preparation: How pictures became the images; `None` where that is not known.
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    parts: Mapping[SplitName, PackedPart]
    preparation: Preparation | None = None

    @property
    def files(self) -> list[PackedFile]:
        """Every file but the index itself."""
        parts = self.parts.values()
        return [file for part in parts for file in (*part.shards, part.labels)]

    def to_json(self) -> str:
        """The content of `index.json`."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "class_names": list(self.class_names),
            "image_shape": list(self.image_shape),
            "preparation": self.preparation.to_dict() if self.preparation else None,
            "parts": {
                name: {
                    "shards": [_file_values(shard) for shard in part.shards],
                    "labels": _file_values(part.labels),
                }
                for name, part in self.parts.items()
            },
        }
        return json_text({**values, "sha256": _digest(values)}, indent=1) + "\n"


def shard_name(part: SplitName, number: int) -> str:
    return f"{part}-{number:05d}.images"


def labels_name(part: SplitName) -> str:
    return f"{part}.labels"


def is_packed(folder: Path) -> bool:
    """Whether a folder is meant to be a packed set, damaged or not."""
    index = folder / INDEX_FILE
    with reading_errors(folder, DataFileError):
        if not index.is_file():
            return False
        if (folder / labels_name("train")).is_file():
            return True
        if index.is_symlink():
            return False
    with reading_errors(index, DataFileError), open_plain(index) as file:
        return FORMAT.encode() in file.read(200)


def read_index(folder: Path) -> PackedIndex:
    """Read and check the index of a packed set; nothing else is opened."""
    path = folder / INDEX_FILE
    with reading_errors(path, DataFileError), open_plain(path) as file:
        is_too_large = path.stat().st_size > _MOST_INDEX_BYTES
        content = b"" if is_too_large else file.readall()
    try:
        if is_too_large:
            raise ValueError("it is larger than any index")
        values = parse_json(content)
        index = _parse(values)
        if values.get("sha256", found := _digest(values)) != found:
            message = (
                "it is not as it was written, by the digest in it; whoever changed it on purpose "
                "takes `sha256` out"
            )
            raise ValueError(message)
        return index
    except (ValueError, LenetError) as error:
        message = f"`{path}` is no index of a packed set or is damaged: {error}."
        raise DataFileError(message) from error


def _digest(values: Mapping[str, Any]) -> str:
    """What names all that an index says, but for its own field of that."""
    rest = {name: value for name, value in values.items() if name != "sha256"}
    text = json_text(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _file_values(file: PackedFile) -> dict[str, Any]:
    return {"file": file.name, "images": file.images, "bytes": file.size, "sha256": file.sha256}


def _parse(values: Any) -> PackedIndex:
    if _field(values, "format", str) != FORMAT:
        raise ValueError(f"its `format` is not `{FORMAT}`")  # noqa: EM102
    version = _field(values, "version", int)
    if version != VERSION:
        message = f"its version is {shortened(version)}, and this lenet reads version {VERSION}"
        raise ValueError(message)
    class_names = _field(values, "class_names", list)
    fit = all(type(name) is str and len(name) <= _LONGEST_NAME for name in class_names)
    if not fit or not 1 <= len(class_names) <= MOST_CLASSES:
        message = f"`class_names` must be 1 to {MOST_CLASSES} texts, none too long"
        raise ValueError(message)
    shape = _field(values, "image_shape", list)
    fit = len(shape) == 3 and all(type(side) is int and side >= 1 for side in shape)
    if not fit or math.prod(shape) > _MOST_IMAGE_BYTES:
        message = f"`image_shape` must be three sizes, not {shortened(shape)}"
        raise ValueError(message)
    preparation = values.get("preparation")
    if preparation is not None:
        preparation = Preparation.from_dict(_field(values, "preparation", dict))
        if preparation.image_shape != tuple(shape):
            raise ValueError("`preparation` is for images of another shape")
    parts = _field(values, "parts", dict)
    if "train" not in parts or set(parts) - set(SPLIT_NAMES):
        message = "`parts` must be `train` and, where they are, `test` and `validation`"
        raise ValueError(message)
    names = [name for name in SPLIT_NAMES if name in parts]
    return PackedIndex(
        tuple(class_names),
        (shape[0], shape[1], shape[2]),
        {name: _parse_part(name, parts[name], math.prod(shape)) for name in names},
        preparation,
    )


def _parse_part(part: SplitName, values: Any, image_bytes: int) -> PackedPart:
    shards = tuple(
        _parse_file(one, shard_name(part, number), image_bytes)
        for number, one in enumerate(_field(values, "shards", list))
    )
    labels = _parse_file(_field(values, "labels", dict), labels_name(part), 2)
    if sum(shard.images for shard in shards) != labels.images:
        message = f"the shards of `{part}` hold another number of images than there are labels"
        raise ValueError(message)
    return PackedPart(shards, labels)


def _parse_file(values: Any, name: str, unit: int) -> PackedFile:
    """A file of so many bytes an image. Its name is known, so none can lead out of the folder."""
    if _field(values, "file", str) != name:
        message = f"where `{name}` belongs it names {shortened(values['file'])}"
        raise ValueError(message)
    images, size = _field(values, "images", int), _field(values, "bytes", int)
    if not 1 <= images <= _MOST_IMAGES or size != images * unit:
        message = f"`{name}` can't have {shortened(images)} images in {shortened(size)} bytes"
        raise ValueError(message)
    sha256 = _field(values, "sha256", str)
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        message = f"the `sha256` of `{name}` is none"
        raise ValueError(message)
    return PackedFile(name, images, size, sha256)


def _field(values: Any, name: str, kind: type[_Kind]) -> _Kind:
    """A value of exactly a type: `true` is no number here."""
    if type(values) is not dict:
        message = f"an object with `{name}` is expected, not {shortened(values)}"
        raise ValueError(message)
    value = values.get(name)
    if type(value) is not kind:
        message = f"`{name}` must be {_KINDS[kind]}, not {shortened(value)}"
        raise ValueError(message)
    return value


_KINDS: dict[type, str] = {str: "a text", int: "a whole number", list: "a list", dict: "an object"}


def identify(facts: os.stat_result) -> Identity:
    """What differs as soon as a file is written to or is another one."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def open_plain(path: Path, identity: Identity | None = None) -> io.FileIO:
    """Open a plain file, unbuffered; no link is followed and no pipe waited for.

    Whoever gives an identity has a file refused that is not that one any more.
    """
    if path.is_symlink():
        message = f"`{path}` is a link; a packed set holds plain files alone."
        raise DataFileError(message)
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # not every system has each
        flags |= getattr(os, name, 0)
    file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    facts = os.fstat(file.fileno())
    problem = ""
    if not stat.S_ISREG(facts.st_mode):
        problem = "is no plain file"
    elif identity is not None and identify(facts) != identity:
        problem = "has changed since it was checked; start again"
    if problem:
        file.close()
        message = f"`{path}` {problem}."
        raise DataFileError(message)
    return file
