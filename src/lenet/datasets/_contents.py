from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from lenet.datasets._parts import Part

Label = int | str


@dataclass(frozen=True, eq=False)
class Piece:
    """Some examples of a dataset of one's own, as its files hold them.

    Attributes:
        part: What they are for; `None` where the data does not say.
        labels: One an example, as the files have them.
        pictures: Numbers of shape (N, H, W) or (N, H, W, 3); or the pictures' files or their
            encoded bytes.
        places: How each picture is called in an error, where they are encoded; else how all are.
    """

    part: Part | None
    labels: Sequence[Label]
    pictures: npt.NDArray[Any] | Sequence[Path | bytes]
    places: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """What a folder or file holds, before its examples are read.

    Attributes:
        format: What it is, in words.
        files: All files that decide the examples.
        read: Gives the examples, piece by piece, so that few are in memory at once.
        classes: The labels in the order of the classes, each with its class's name; `None` where
            they are to be found in the examples.
        notes: What a person should know.
    """

    format: str
    files: Sequence[Path]
    read: Callable[[], Iterator[Piece]]
    classes: tuple[tuple[Label, str], ...] | None = None
    notes: tuple[str, ...] = ()
