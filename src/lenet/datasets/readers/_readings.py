"""Folders that may be read in several ways, or in none: errors that name each with its command."""

from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from lenet.datasets.readers._contents import SplitName, split_of
from lenet.datasets.readers._dataset_parts import info_command, name_folders, shown_command
from lenet.datasets.readers._file_names import advice_on_names
from lenet.datasets.readers._scan import Folder
from lenet.errors import DataFileError


def refuse_beside(
    root: Path, place: Folder, parts: "dict[Folder, SplitName | None]", beside: list[Folder]
) -> NoReturn:
    """Raise where a folder of training images has others beside it that may be classes."""
    train = next(inner for inner, split in parts.items() if split == "train")
    message = (
        f"`{place.path}` has a folder of training images, `{train.name}`, and beside it "
        f"{name_folders(beside)}, which is no part of a dataset. {info_command(train.path)} "
        f"reads `{train.name}` alone; {info_command(root, 'folder')} takes "
        f"{name_folders(place.full)} for the classes."
    )
    raise DataFileError(message)


def refuse_loose(root: Path, folder: Folder, or_class: bool = False) -> None:
    """Raise if pictures lie where no folder says of which class they are."""
    if not folder.pictures:
        return
    first = min(path.name for path in folder.pictures)
    message = (
        f"`{folder.path}` itself has pictures, {len(folder.pictures):,} in all, such as "
        f"`{first}`. Put every picture into the folder of its class."
    )
    message = " ".join((message, *advice_on_names(root, folder.pictures)))
    if or_class:
        message += (
            f" If `{folder.name}` is a class, {info_command(root, 'folder')} takes "
            "the folders for the classes."
        )
    raise DataFileError(message)


def refuse_lost_classes(root: Path, folder: Folder, named: Collection[str]) -> None:
    """Raise if what looks like a class holds several folders of pictures, maybe classes."""
    lost = [
        inner
        for inner in folder.full
        if not inner.pictures and inner.name not in named and len(inner.unwrapped().full) > 1
    ]
    if not lost:
        return
    largest = max(lost, key=lambda inner: inner.count)
    below = largest.unwrapped().full
    if all(split_of(inner.name) for inner in below):
        message = (
            f"`{largest.path}` holds {name_folders(below)}: a class with parts in it. The "
            f"parts must stand above the classes, as in `{below[0].name}/{largest.name}`."
        )
        raise DataFileError(message)
    message = (
        f"In `{folder.path}` pictures lie a level deeper than its folders: `{largest.name}` "
        f"holds {name_folders(below)}. If those are the classes, {info_command(largest.path)} "
        f"reads it by itself. If {name_folders(folder.full)} are the classes, "
        f"{info_command(root, 'folder')} takes them for that."
    )
    if len(lost) > 1:
        count = sum(bool(one.pictures) for inner in folder.full for one in inner.walk())
        message += (
            f" If every folder with pictures is a class, {count:,} in all, "
            f"{info_command(root, 'path')} reads them so."
        )
        shared = set.intersection(*({one.name for one in inner.full} for inner in lost))
        if len(shared) > 1:
            command = shown_command("lenet data info", root, "--group-from", "folder")
            message += (
                f" If {name_folders(below)} are groups, such as writers, {command} keeps each "
                "on one side when images are held out."
            )
    raise DataFileError(message)
