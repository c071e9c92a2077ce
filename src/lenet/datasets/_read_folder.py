"""A folder with a folder of pictures for every class, by itself or under `train/` and `test/`."""

import os
import shlex
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from lenet.core import reading_errors
from lenet.datasets._class_names_file import CLASS_NAMES_FILE, read_class_names
from lenet.datasets._contents import Contents, Label, Piece
from lenet.datasets._natural_order import natural_key
from lenet.datasets._parts import Part, part_of
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*")
_NOT_OURS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", CLASS_NAMES_FILE}
_PIECE = 512  # pictures
_NAMED = 3  # folders or files in a sentence
_DEEPEST = 100  # folders in each other


@dataclass(eq=False)
class _Folder:
    """What lies in a folder, in natural order, without what a system leaves behind.

    Attributes:
        path: Where it lies.
        pictures: Its own pictures.
        others: Its other files.
        odd: What is neither a file nor a folder: pipes, sockets, devices.
        folders: The folders in it.
    """

    path: Path
    pictures: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    odd: list[Path] = field(default_factory=list)
    folders: list["_Folder"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.name

    @cached_property
    def count(self) -> int:
        """How many pictures are in it and below."""
        return len(self.pictures) + sum(inner.count for inner in self.folders)

    @cached_property
    def full(self) -> list["_Folder"]:
        """The folders in it that have pictures, their own or below."""
        return [inner for inner in self.folders if inner.count]

    def walk(self) -> Iterator["_Folder"]:
        """Itself and all folders below."""
        yield self
        for inner in self.folders:
            yield from inner.walk()

    def unwrapped(self, named: Collection[str] = ()) -> "_Folder":
        """The folder below that parts its pictures, where all of them lie in one single folder."""
        place = self
        while len(place.full) == 1 and not place.full[0].pictures:
            (place,) = place.full
            if place.name in named:
                return self
        return place if len(place.full) > 1 else self


@dataclass
class _Found:
    """The pictures of a part, each with the name of its class."""

    part: Part | None
    pictures: list[tuple[Path, str]]
    classes: set[str]


@dataclass
class _Reading:
    """How a folder is read.

    Attributes:
        root: The folder.
        named: The classes in its `class-names.txt`.
        passed: Folders whose own folders are parts or classes, and not pictures of a class.
        notes: What a person should know of it.
    """

    root: _Folder
    named: tuple[str, ...]
    passed: list[_Folder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_folder(folder: Path) -> Contents:
    """Find the pictures of a folder; none of them is read yet.

    Raises:
        DataFileError: There are no folders of pictures, or they can't be told apart.
    """
    root = _scan(folder, frozenset())
    _refuse_loose_pictures(root)
    if not root.count:
        message = (
            f"`{folder}` holds no pictures in folders. Make a folder for every class and put its "
            "pictures there: `cat/1.png`, `dog/1.png`."
        )
        raise DataFileError(message)
    reading = _Reading(root, read_class_names(folder) or ())
    found = _find(reading)
    return Contents(
        format="a folder of pictures",
        files=[picture for part in found for picture, _ in part.pictures],
        read=partial(_read, found),
        classes=_classes(reading, found),
        notes=(*reading.notes, *_left_out(reading)),
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


def _scan(path: Path, above: frozenset[tuple[int, int]]) -> _Folder:
    """See what lies in a folder and below.

    Args:
        path: The folder.
        above: What the folders are that it lies in; a link back to one of them is not followed.
    """
    found = _Folder(path)
    with reading_errors(path, DataFileError):
        facts = path.stat()
        above |= {(facts.st_dev, facts.st_ino)}
        with os.scandir(path) as entries:
            ours = [entry for entry in entries if _is_ours(entry.name)]
    if len(above) > _DEEPEST:
        message = f"`{path}` lies more than {_DEEPEST} folders deep."
        raise DataFileError(message)
    for entry in sorted(ours, key=lambda entry: natural_key(entry.name)):
        inner = Path(entry.path)
        is_folder = is_file = False
        with suppress(OSError):  # a link that leads nowhere
            is_folder, is_file = entry.is_dir(), entry.is_file()
        if is_folder:
            facts = inner.stat()
            if (facts.st_dev, facts.st_ino) not in above:
                found.folders.append(_scan(inner, above))
        elif is_file:
            (found.pictures if is_picture(inner) else found.others).append(inner)
        elif inner.suffix.lower() in SUFFIXES and not inner.exists():
            found.pictures.append(inner)  # a link to nothing: whoever reads it says so
        else:
            found.odd.append(inner)
    return found


def _find(reading: _Reading) -> list[_Found]:
    """The pictures by part and class."""
    place = reading.root
    parts = _find_parts(reading, place)
    if not parts:
        place = _unwrap(reading, place)
        if place is not reading.root:
            reading.named = reading.named or read_class_names(place.path) or ()
            parts = _find_parts(reading, place)
    reading.passed.append(place)
    if not parts:
        return [_find_classes(reading, None, place)]
    named = ", ".join(f"`{inner.name}` ({part})" for inner, part in parts.items())
    reading.notes.append(f"Parts of the data by the names of folders: {named}.")
    found = []
    for inner, part in parts.items():
        _refuse_loose_pictures(inner)
        above_classes = _unwrap(reading, inner)
        reading.passed.append(above_classes)
        found.append(_find_classes(reading, part, above_classes))
    return found


def _unwrap(reading: _Reading, folder: _Folder) -> _Folder:
    """The folder that the classes or parts lie in, where single folders are wrapped round it."""
    place = folder.unwrapped(reading.named)
    if place is not folder:
        inner = place.path.relative_to(folder.path)
        reading.notes.append(f"All pictures of `{folder.name}` lie in `{inner}`, so that is read.")
        on_the_way = (other for other in folder.walk() if other.path in place.path.parents)
        reading.passed.extend(on_the_way)
    return place


def _find_parts(reading: _Reading, place: _Folder) -> dict[_Folder, Part]:
    """The folders for training, testing and validation; none where the folders are classes.

    A part has folders of classes in it. A folder called `train` that has pictures itself, beside
    others that are called otherwise, is a class: it may show trains.
    """
    called = {inner: part for inner in place.full if (part := part_of(inner.name))}
    parts = {
        inner: part
        for inner, part in called.items()
        if not inner.pictures
        and (inner.name not in reading.named or called.keys() >= {*place.full})
    }
    others = [inner for inner in place.full if inner not in parts]
    if parts and (not others or "train" in parts.values()):
        _check_parts(reading, place, parts, others)
        return parts
    flat = [inner for inner in called if inner.pictures and inner.name not in reading.named]
    kinds = set(called.values())
    seem_parts = len(kinds) > 1 and ("train" in kinds or len(called) == len(place.full))
    if flat and (len(place.full) == 1 or seem_parts):
        _refuse_loose_pictures(flat[0], reading)
    reading.notes += [
        f"`{inner.name}` is taken for a class, as its pictures lie directly in it."
        for inner in flat
    ]
    return {}


def _check_parts(
    reading: _Reading, place: _Folder, parts: dict[_Folder, Part], others: list[_Folder]
) -> None:
    """Raise if something lies beside the parts, or two are the same part."""
    for inner in others:
        if part_of(inner.name):
            _refuse_loose_pictures(inner, reading)
        train = next(part.name for part, of in parts.items() if of == "train")
        message = (
            f"`{place.path}` has a folder of training images, `{train}`, and beside it "
            f"`{inner.name}`, which is no part of a dataset. Move it into `{train}` if it is a "
            "class, and elsewhere if not."
        )
        raise DataFileError(message)
    if len(set(parts.values())) < len(parts):
        message = f"`{place.path}` has two folders for the same part of the data: {_listed(parts)}."
        raise DataFileError(message)


def _refuse_loose_pictures(folder: _Folder, reading: _Reading | None = None) -> None:
    """Raise if pictures lie where no folder says of which class they are.

    Args:
        folder: Where none should lie.
        reading: How all is read, where the folder might be a class for all its name says.
    """
    if not folder.pictures:
        return
    first = min(path.name for path in folder.pictures)
    message = (
        f"`{folder.path}` itself has pictures, {len(folder.pictures):,} in all, such as `{first}`. "
        "Put every picture into the folder of its class."
    )
    if reading:
        message += f" {_or_name_them(reading, f'If `{folder.name}` is a class')}"
    raise DataFileError(message)


def _or_name_them(reading: _Reading, condition: str) -> str:
    """How to say that folders are classes, whatever they look like."""
    path = reading.root.path / CLASS_NAMES_FILE
    return f"{condition}, name all classes in `{path}`, one a line."


def _find_classes(reading: _Reading, part: Part | None, folder: _Folder) -> _Found:
    """The pictures in the folders of classes, however deep in them they lie."""
    _refuse_lost_classes(reading, folder)
    found = _Found(part, [], {inner.name for inner in folder.full})
    for inner in folder.full:
        found.pictures += [(path, inner.name) for one in inner.walk() for path in one.pictures]
    deeper = [one for inner in folder.full for one in inner.walk() if one.pictures and one != inner]
    if deeper:
        named = _some([one.path.relative_to(folder.path) for one in deeper])
        reading.notes.append(f"Deeper down and counted to the class above: {named}.")
    # By the names of files across all classes: a folder that `convert` wrote keeps its order.
    keys = {path: (natural_key(path.name), label) for path, label in found.pictures}
    found.pictures.sort(key=lambda picture: keys[picture[0]])
    return found


def _refuse_lost_classes(reading: _Reading, folder: _Folder) -> None:
    """Raise if what looks like a class holds several folders of pictures, which may be classes."""
    lost = [
        inner
        for inner in folder.full
        if not inner.pictures
        and inner.name not in reading.named
        and len(inner.unwrapped().full) > 1
    ]
    if not lost:
        return
    largest = max(lost, key=lambda inner: inner.count)
    below = largest.unwrapped().full
    if all(part_of(inner.name) for inner in below):
        message = (
            f"`{largest.path}` holds {_listed(below)}: a class with parts in it. The parts must "
            f"stand above the classes, as in `{below[0].name}/{largest.name}`."
        )
        raise DataFileError(message)
    command = f"lenet data info {shlex.quote(str(largest.path))}"
    condition = f"If {_listed(folder.full)} are the classes"
    message = (
        f"In `{folder.path}` pictures lie a level deeper than its folders: `{largest.name}` holds "
        f"{_listed(below)}. If those are the classes, `{command}` reads it by itself. "
        f"{_or_name_them(reading, condition)}"
    )
    raise DataFileError(message)


def _classes(reading: _Reading, found: list[_Found]) -> tuple[tuple[Label, str], ...]:
    """The classes in the order of `class-names.txt`, else in natural order."""
    names = set().union(*(part.classes for part in found))
    ordered = reading.named or tuple(sorted(names, key=natural_key))
    unknown = sorted(names - set(ordered), key=natural_key)
    if unknown:
        path = reading.root.path / CLASS_NAMES_FILE
        message = f"`{path}` does not name the class `{unknown[0]}`."
        raise DataFileError(message)
    # A model file, a page and a service hold text; bytes that are none stand escaped there.
    return tuple((name, name.encode(errors="backslashreplace").decode()) for name in ordered)


def _left_out(reading: _Reading) -> Iterator[str]:
    """What was passed over."""
    root = reading.root.path
    passed = reading.passed
    if empty := [
        one.path.relative_to(root) for at in passed for one in at.folders if not one.count
    ]:
        yield f"Without pictures and passed over: {_some(empty)}."
    everything = list(reading.root.walk())
    if others := [path.relative_to(root) for place in everything for path in place.others]:
        yield f"No pictures by their names and passed over: {_some(others)}."
    if odd := [path.relative_to(root) for place in everything for path in place.odd]:
        yield f"Neither files nor folders and passed over: {_some(odd)}."


def _some(paths: list[Path]) -> str:
    """The first paths, and how many there are."""
    named = ", ".join(f"`{path}`" for path in paths[:_NAMED])
    return named if len(paths) <= _NAMED else f"{named} and {len(paths) - _NAMED:,} more"


def _listed(folders: Iterable[_Folder]) -> str:
    """The names of folders in a sentence: the first, and how many there are."""
    names = [f"`{inner.name}`" for inner in folders]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"]
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


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
