"""The pictures of a dataset's parts, and how folders are spoken of."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lenet.datasets.readers._contents import SplitName, words_of
from lenet.datasets.readers._scan import Folder

NAMED = 3  # folders or files in a sentence
# What comes with a download beside its parts.
_BESIDE = {"doc", "docs", "documentation", "preview", "previews", "example", "examples", "sample"}
_BESIDE |= {"samples", "demo", "figure", "figures", "assets", "screenshots", "meta", "metadata"}


class Picture(NamedTuple):
    """A picture of a dataset."""

    path: Path
    label: str
    group: str


@dataclass(eq=False)
class Part:
    """The pictures of a part of the data."""

    split: SplitName | None
    pictures: list[Picture]
    classes: set[str]


def is_beside(folder: Folder) -> bool:
    """Whether it is no part of the data by its name."""
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folder.name)  # trainingSample
    return bool({*words_of(spread)} & _BESIDE)


def shown_command(command: str, path: Path, *more: str) -> str:
    """A command with a path, as it is typed."""
    return f"`{command} {shlex.join([str(path), *more])}`"


def info_command(path: Path, label_from: str = "") -> str:
    """What is typed to have a folder looked at in one way."""
    return shown_command(
        "lenet data info", path, *(["--label-from", label_from] if label_from else [])
    )


def name_folders(folders: Iterable[Folder]) -> str:
    """The names of folders in a sentence: the first, and how many there are."""
    names = [f"`{inner.name}`" for inner in folders]
    if len(names) > NAMED:
        names = [*names[:NAMED], f"{len(names) - NAMED:,} more"]
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
