"""What lies in a folder: pictures, other files, folders."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lenet.core import open_to_read, reading_errors
from lenet.datasets.readers._contents import CLASS_NAMES_FILE, SUMS_FILE, natural_key
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_NEVER_IN_NAMES = set('/\\:*?"<>|\0')
_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*")
_NOT_OURS = {
    *("thumbs.db", "desktop.ini", "__macosx", "@eadir"),
    CLASS_NAMES_FILE,
    SUMS_FILE.lower(),
}
_DEEPEST = 100  # folders in each other
_STRAY = 20  # of so many pictures one may lie where it does not belong


@dataclass(eq=False)
class Folder:
    """What lies in a folder, in natural order, without what a system leaves behind."""

    path: Path
    pictures: list[Path] = field(default_factory=list)  # its own
    others: list[Path] = field(default_factory=list)  # files
    odd: list[Path] = field(default_factory=list)  # neither files nor folders: pipes, devices
    folders: list["Folder"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def count(self) -> int:
        """How many pictures are in it and below."""
        return len(self.pictures) + sum(inner.count for inner in self.folders)

    @cached_property
    def full(self) -> list["Folder"]:
        """The folders in it that have pictures, their own or below."""
        return [inner for inner in self.folders if inner.count]

    def walk(self) -> Iterator["Folder"]:
        yield self
        for inner in self.folders:
            yield from inner.walk()

    def unwrapped(self, named: Collection[str] = ()) -> "Folder":
        """The folder below that parts its pictures, where all of them lie in one single folder."""
        place = self
        while len(place.full) == 1 and not place.full[0].pictures:
            (place,) = place.full
            if place.name in named:
                return self
        return place if len(place.full) > 1 else self

    @property
    def has_strays(self) -> bool:
        """Whether its own pictures are few beside those in its folders: none of the data."""
        below = self.count - len(self.pictures)
        return 0 < len(self.pictures) <= max(1, below // _STRAY) and len(self.full) > 1


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name or, where that has no ending, by its first bytes."""
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    with open_to_read(path, DataFileError) as file:
        start = file.read(12)
    return start.startswith(_PICTURE_STARTS) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def may_name_class(name: str) -> bool:
    """Whether a folder of that name can be made on every system, and is read as a class's."""
    is_passed_over = name.startswith(".") or name.lower() in _NOT_OURS
    return not (is_passed_over or name.endswith((".", " ")) or set(name) & _NEVER_IN_NAMES)


def scan_folder(path: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Folder:
    """See what lies in a folder and below; a link back to a folder `above` is not followed."""
    found = Folder(path)
    with reading_errors(path, DataFileError):
        facts = path.stat()
        above |= {(facts.st_dev, facts.st_ino)}
        with os.scandir(path) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    ours = [entry for entry in visible if entry.name.lower() not in _NOT_OURS]
    if len(above) > _DEEPEST:
        message = f"`{path}` lies more than {_DEEPEST} folders deep."
        raise DataFileError(message)
    for entry in sorted(ours, key=lambda entry: natural_key(entry.name)):
        inner = Path(entry.path)
        is_folder = is_file = False
        with suppress(OSError):  # a link that leads nowhere
            is_folder, is_file = entry.is_dir(), entry.is_file()
        if is_folder:
            with reading_errors(inner, DataFileError):  # it may be gone by now
                facts = inner.stat()
            if (facts.st_dev, facts.st_ino) not in above:
                found.folders.append(scan_folder(inner, above))
        elif is_file:
            (found.pictures if is_picture(inner) else found.others).append(inner)
        elif inner.suffix.lower() in SUFFIXES and not inner.exists():
            found.pictures.append(inner)  # a link to nothing: whoever reads it says so
        else:
            found.odd.append(inner)
    return found
