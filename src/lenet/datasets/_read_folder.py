"""A folder with a folder of pictures for every class, by itself or under `train/` and `test/`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lenet._storage import reading_errors
from lenet.datasets._class_names_file import CLASS_NAMES_FILE, read_class_names
from lenet.datasets._contents import Contents, Label, Piece
from lenet.datasets._natural_order import natural_key
from lenet.datasets._parts import Part, part_of
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*")
_NOT_OURS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", CLASS_NAMES_FILE}
_PIECE = 512  # pictures


@dataclass
class _Found:
    """The pictures of a part and the classes that its folders make."""

    part: Part | None
    pictures: list[tuple[Path, str]] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)
    empty: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def list_folder(folder: Path) -> Contents:
    """Find the pictures of a folder; none of them is read yet.

    Raises:
        DataFileError: There are no folders of pictures, or they can't be told apart.
    """
    subfolders = _subfolders(folder)
    _refuse_loose_pictures(folder)
    parts = {path: part_of(path.name) for path in subfolders if _is_part(path)}
    if "train" in parts.values():
        found = _find_parts(folder, parts, subfolders)
    else:
        found = [_find_classes(None, folder, subfolders)]
    pictures = [picture for part in found for picture, _ in part.pictures]
    if not pictures:
        message = (
            f"`{folder}` holds no pictures in folders. Make a folder for every class and put its "
            "pictures there: `cat/1.png`, `dog/1.png`."
        )
        raise DataFileError(message)
    return Contents(
        format="a folder of pictures",
        files=pictures,
        read=partial(_read, found),
        classes=_classes(folder, found),
        notes=tuple(_notes(folder, found)),
    )


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name or, where that has no ending, by its first bytes."""
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    with reading_errors(path, DataFileError), path.open("rb") as file:
        start = file.read(12)
    return start.startswith(_PICTURE_STARTS) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def _is_ours(name: str) -> bool:
    """Whether a name may be of a class or a picture: not one that a system leaves behind."""
    return not name.startswith(".") and name.lower() not in _NOT_OURS


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, in natural order."""
    with reading_errors(folder, DataFileError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and _is_ours(entry.name)]
    return [folder / name for name in sorted(names, key=natural_key)]


def _is_part(path: Path) -> bool:
    """Whether a folder's whole name is that of a part."""
    return part_of(path.name) is not None and path.name.isalpha()


def _refuse_loose_pictures(folder: Path) -> None:
    """Raise if pictures lie where no folder says of which class they are."""
    with reading_errors(folder, DataFileError), os.scandir(folder) as entries:
        files = [Path(entry) for entry in entries if entry.is_file() and _is_ours(entry.name)]
    loose = sorted(path.name for path in files if is_picture(path))
    if loose:
        message = (
            f"`{folder}` itself has pictures, {len(loose):,} in all, such as `{loose[0]}`. Put "
            "every picture into the folder of its class."
        )
        raise DataFileError(message)


def _find_parts(
    folder: Path, parts: dict[Path, Part | None], subfolders: list[Path]
) -> list[_Found]:
    """The pictures under `train/`, `test/` and `validation/`."""
    stray = [path.name for path in subfolders if path not in parts]
    if stray:
        message = (
            f"`{folder}` has a folder of training images and beside it `{stray[0]}`, which is no "
            "part of a dataset. Move it into `train` if it is a class, and elsewhere if not."
        )
        raise DataFileError(message)
    if len(set(parts.values())) < len(parts):
        names = ", ".join(f"`{path.name}`" for path in parts)
        message = f"`{folder}` has two folders for the same part of the data: {names}."
        raise DataFileError(message)
    found = []
    for path, part in parts.items():
        inside = _subfolders(path)
        _refuse_loose_pictures(path)
        found.append(_find_classes(part, path, inside))
    return found


def _find_classes(part: Part | None, folder: Path, subfolders: list[Path]) -> _Found:
    """The pictures in the folders of classes, however deep in them they lie."""
    found = _Found(part)
    for subfolder in subfolders:
        before = len(found.pictures)
        for path in _files_below(subfolder):
            if is_picture(path):
                found.pictures.append((path, subfolder.name))
            else:
                found.others.append(path)
        if len(found.pictures) > before:
            found.classes.add(subfolder.name)
        else:
            found.empty.append(subfolder)
    # By the names of files across all classes: a folder that `convert` wrote keeps its order.
    keys = {path: (natural_key(path.name), label) for path, label in found.pictures}
    found.pictures.sort(key=lambda picture: keys[picture[0]])
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and its folders, without those that a system leaves behind."""

    def refuse(error: OSError) -> None:
        raise error

    with reading_errors(folder, DataFileError):
        for place, folders, names in os.walk(folder, onerror=refuse):
            folders[:] = [name for name in folders if _is_ours(name)]
            yield from (Path(place, name) for name in names if _is_ours(name))


def _classes(folder: Path, found: list[_Found]) -> tuple[tuple[Label, str], ...]:
    """The classes in the order of `class-names.txt`, else in natural order."""
    names = set().union(*(part.classes for part in found))
    ordered = read_class_names(folder) or tuple(sorted(names, key=natural_key))
    unknown = sorted(names - set(ordered), key=natural_key)
    if unknown:
        message = f"`{folder / CLASS_NAMES_FILE}` does not name the class `{unknown[0]}`."
        raise DataFileError(message)
    return tuple((name, name) for name in ordered)


def _notes(folder: Path, found: list[_Found]) -> Iterator[str]:
    """What was passed over."""
    empty = [path.relative_to(folder) for part in found for path in part.empty]
    if empty:
        yield f"Without pictures and passed over: {_some(empty)}."
    others = [path.relative_to(folder) for part in found for path in part.others]
    if others:
        yield f"No pictures by their names and passed over: {_some(others)}."


def _some(paths: list[Path]) -> str:
    """The first names, and how many there are."""
    named = ", ".join(f"`{path}`" for path in paths[:3])
    return named if len(paths) <= 3 else f"{named} and {len(paths) - 3:,} more"


def _read(found: list[_Found]) -> Iterator[Piece]:
    """The pictures, some at a time."""
    for part in found:
        for start in range(0, len(part.pictures), _PIECE):
            pictures = part.pictures[start : start + _PIECE]
            yield Piece(
                part.part,
                [label for _, label in pictures],
                [path for path, _ in pictures],
                [f"`{path}`" for path, _ in pictures],
            )
