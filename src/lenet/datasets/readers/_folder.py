"""A folder with a folder of pictures for every class, by itself or under `train/` and `test/`."""

import os
import shlex
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from lenet.core import reading_errors
from lenet.datasets.readers._contents import (
    CLASS_NAMES_FILE,
    Classes,
    Contents,
    RawExamples,
    SplitName,
    name_some,
    natural_key,
    read_class_names,
    split_of,
)
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*")
_NOT_OURS = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", CLASS_NAMES_FILE}
_AT_ONCE = 512  # pictures
_NAMED = 3  # folders or files in a sentence
_DEEPEST = 100  # folders in each other


@dataclass(eq=False)
class _Folder:
    """What lies in a folder, in natural order, without what a system leaves behind."""

    path: Path
    pictures: list[Path] = field(default_factory=list)  # its own
    others: list[Path] = field(default_factory=list)  # files
    odd: list[Path] = field(default_factory=list)  # neither files nor folders: pipes, devices
    folders: list["_Folder"] = field(default_factory=list)

    @property
    def name(self) -> str:
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


@dataclass(eq=False)
class _Found:
    """The pictures of a split, each with the name of its class."""

    split: SplitName | None
    pictures: list[tuple[Path, str]]
    classes: set[str]


def list_folder(folder: Path) -> Contents:
    """Find the pictures of a folder; none of them is read yet."""
    root = _scan(folder, frozenset())
    _refuse_loose_pictures(root)
    if not root.count:
        message = (
            f"`{folder}` holds no pictures in folders. Make a folder for every class and put its "
            "pictures there: `cat/1.png`, `dog/1.png`."
        )
        raise DataFileError(message)
    layout = _Layout(root, read_class_names(folder) or ())
    found = layout.find()
    return Contents(
        format="a folder of pictures",
        files=[picture for one in found for picture, _ in one.pictures],
        read=partial(_read, found),
        classes=layout.classes(found),
        notes=(*layout.notes, *layout.left_out()),
    )


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name or, where that has no ending, by its first bytes."""
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    with reading_errors(path, DataFileError), path.open("rb") as file:
        start = file.read(12)
    return start.startswith(_PICTURE_STARTS) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def _scan(path: Path, above: frozenset[tuple[int, int]]) -> _Folder:
    """See what lies in a folder and below; a link back to a folder `above` is not followed."""
    found = _Folder(path)
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


@dataclass(eq=False)
class _Layout:
    """What the folders in a folder stand for, and what a person should know of that."""

    root: _Folder
    named: tuple[str, ...]  # the classes in its `class-names.txt`
    passed: list[_Folder] = field(default_factory=list)  # which hold splits or classes
    notes: list[str] = field(default_factory=list)

    def find(self) -> list[_Found]:
        place = self.root
        splits = self._find_splits(place)
        if not splits:
            place = self._unwrap(place)
            if place is not self.root:
                self.named = self.named or read_class_names(place.path) or ()
                splits = self._find_splits(place)
        self.passed.append(place)
        if not splits:
            return [self._find_classes(None, place)]
        named = ", ".join(f"`{inner.name}` ({split})" for inner, split in splits.items())
        self.notes.append(f"Parts of the data by the names of folders: {named}.")
        found = []
        for inner, split in splits.items():
            _refuse_loose_pictures(inner)
            above_classes = self._unwrap(inner)
            self.passed.append(above_classes)
            found.append(self._find_classes(split, above_classes))
        return found

    def _unwrap(self, folder: _Folder) -> _Folder:
        """The folder that classes or splits lie in, where single folders are wrapped round it."""
        place = folder.unwrapped(self.named)
        if place is not folder:
            inner = place.path.relative_to(folder.path)
            self.notes.append(f"All pictures of `{folder.name}` lie in `{inner}`, so that is read.")
            self.passed += [one for one in folder.walk() if one.path in place.path.parents]
        return place

    def _find_splits(self, place: _Folder) -> dict[_Folder, SplitName]:
        """The folders for training, testing and validation; none where the folders are classes.

        A split has folders of classes in it. A folder called `train` that has pictures itself,
        beside others that are called otherwise, is a class: it may show trains.
        """
        called = {inner: split for inner in place.full if (split := split_of(inner.name))}
        splits = {
            inner: split
            for inner, split in called.items()
            if not inner.pictures
            and (inner.name not in self.named or called.keys() >= {*place.full})
        }
        others = [inner for inner in place.full if inner not in splits]
        if splits and (not others or "train" in splits.values()):
            self._check_splits(place, splits, others)
            return splits
        flat = [inner for inner in called if inner.pictures and inner.name not in self.named]
        kinds = set(called.values())
        seem_splits = len(kinds) > 1 and ("train" in kinds or len(called) == len(place.full))
        if flat and (len(place.full) == 1 or seem_splits):
            self._refuse_if_no_class(flat[0])
        self.notes += [
            f"`{inner.name}` is taken for a class, as its pictures lie directly in it."
            for inner in flat
        ]
        return {}

    def _check_splits(
        self, place: _Folder, splits: dict[_Folder, SplitName], others: list[_Folder]
    ) -> None:
        for inner in others:
            if split_of(inner.name):
                self._refuse_if_no_class(inner)
            train = next(one.name for one, split in splits.items() if split == "train")
            message = (
                f"`{place.path}` has a folder of training images, `{train}`, and beside it "
                f"`{inner.name}`, which is no part of a dataset. Move it into `{train}` if it is a "
                "class, and elsewhere if not."
            )
            raise DataFileError(message)
        if len(set(splits.values())) < len(splits):
            message = f"`{place.path}` has two folders for the same part of the data: "
            raise DataFileError(message + f"{_listed(splits)}.")

    def _refuse_if_no_class(self, folder: _Folder) -> None:
        """Raise if pictures lie in a folder that is no class by its name, yet might be one."""
        _refuse_loose_pictures(folder, self._or_name_them(f"If `{folder.name}` is a class"))

    def _or_name_them(self, condition: str) -> str:
        """How to say that folders are classes, whatever they look like."""
        path = self.root.path / CLASS_NAMES_FILE
        return f" {condition}, name all classes in `{path}`, one a line."

    def _find_classes(self, split: SplitName | None, folder: _Folder) -> _Found:
        """The pictures in the folders of classes, however deep in them they lie."""
        self._refuse_lost_classes(folder)
        pictures, deeper = [], []
        for inner in folder.full:
            for one in inner.walk():
                pictures += [(path, inner.name) for path in one.pictures]
                if one.pictures and one is not inner:
                    deeper.append(one.path.relative_to(folder.path))
        if deeper:
            self.notes.append(
                f"Deeper down and counted to the class above: {name_some(deeper, _NAMED)}."
            )
        # By the names of files across all classes: a folder that `convert` wrote keeps its order.
        pictures.sort(key=lambda picture: (natural_key(picture[0].name), picture[1]))
        return _Found(split, pictures, {inner.name for inner in folder.full})

    def _refuse_lost_classes(self, folder: _Folder) -> None:
        """Raise if what looks like a class holds several folders of pictures, maybe classes."""
        lost = [
            inner
            for inner in folder.full
            if not inner.pictures
            and inner.name not in self.named
            and len(inner.unwrapped().full) > 1
        ]
        if not lost:
            return
        largest = max(lost, key=lambda inner: inner.count)
        below = largest.unwrapped().full
        if all(split_of(inner.name) for inner in below):
            message = (
                f"`{largest.path}` holds {_listed(below)}: a class with parts in it. The parts "
                f"must stand above the classes, as in `{below[0].name}/{largest.name}`."
            )
            raise DataFileError(message)
        command = f"lenet data info {shlex.quote(str(largest.path))}"
        message = (
            f"In `{folder.path}` pictures lie a level deeper than its folders: `{largest.name}` "
            f"holds {_listed(below)}. If those are the classes, `{command}` reads it by itself."
            f"{self._or_name_them(f'If {_listed(folder.full)} are the classes')}"
        )
        raise DataFileError(message)

    def classes(self, found: list[_Found]) -> Classes:
        """The classes in the order of `class-names.txt`, else in natural order."""
        names = set().union(*(one.classes for one in found))
        ordered = self.named or tuple(sorted(names, key=natural_key))
        unknown = sorted(names - set(ordered), key=natural_key)
        if unknown:
            path = self.root.path / CLASS_NAMES_FILE
            message = f"`{path}` does not name the class `{unknown[0]}`."
            raise DataFileError(message)
        # A model file, a page and a service hold text; bytes that are none stand escaped there.
        return tuple((name, name.encode(errors="backslashreplace").decode()) for name in ordered)

    def left_out(self) -> Iterator[str]:
        everything = list(self.root.walk())
        for what, paths in (
            ("Without pictures", [o.path for at in self.passed for o in at.folders if not o.count]),
            ("No pictures by their names", [path for at in everything for path in at.others]),
            ("Neither files nor folders", [path for at in everything for path in at.odd]),
        ):
            if paths:
                named = name_some([path.relative_to(self.root.path) for path in paths], _NAMED)
                yield f"{what} and passed over: {named}."


def _refuse_loose_pictures(folder: _Folder, advice: str = "") -> None:
    """Raise if pictures lie where no folder says of which class they are."""
    if not folder.pictures:
        return
    first = min(path.name for path in folder.pictures)
    message = (
        f"`{folder.path}` itself has pictures, {len(folder.pictures):,} in all, such as `{first}`. "
        f"Put every picture into the folder of its class.{advice}"
    )
    raise DataFileError(message)


def _listed(folders: Iterable[_Folder]) -> str:
    """The names of folders in a sentence: the first, and how many there are."""
    names = [f"`{inner.name}`" for inner in folders]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"]
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _read(found: list[_Found]) -> Iterator[RawExamples]:
    for one in found:
        for start in range(0, len(one.pictures), _AT_ONCE):
            paths, labels = zip(*one.pictures[start : start + _AT_ONCE], strict=True)
            yield RawExamples(one.split, labels, paths, [f"`{path}`" for path in paths])
