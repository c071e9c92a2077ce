"""What the folders in a folder stand for: parts of the data, classes, or neither."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lenet.datasets.readers._contents import (
    CLASS_NAMES_FILE,
    Classes,
    SplitName,
    name_some,
    natural_key,
    read_class_names,
    split_of,
)
from lenet.datasets.readers._csv import names_pictures
from lenet.datasets.readers._dataset_parts import (
    NAMED,
    Part,
    Picture,
    info_command,
    is_beside,
    name_folders,
    shown_command,
)
from lenet.datasets.readers._file_names import (
    advice_on_names,
    choose_pattern,
    finder_in,
    stem_of,
)
from lenet.datasets.readers._readings import refuse_beside, refuse_loose, refuse_lost_classes
from lenet.datasets.readers._scan import Folder
from lenet.errors import DataFileError

_TABLES, _LOOKED_INTO = (".csv", ".tsv", ".txt", ".jsonl"), 5
_MOSTLY = 0.5  # of the names of a part hold a label
# What pictures of no class lie in, below `test`.
_WRAPPERS = {"unknown", "unlabelled", "unlabeled", "images", "imgs", "pictures", "photos", "all"}


@dataclass(eq=False)
class Layout:
    """What the folders in a folder stand for, and what a person should know of that."""

    root: Folder
    label_from: str  # as in `Reading`
    group_from: str
    named: tuple[str, ...]  # the classes in its `class-names.txt`
    notes: list[str] = field(default_factory=list)
    _passed: list[Folder] = field(default_factory=list)  # which hold parts or classes
    _without_class: list[Folder] = field(default_factory=list)  # pictures that are left out
    _strays: list[Path] = field(default_factory=list)  # pictures that lie where none belong

    def __post_init__(self) -> None:
        self._by_name = self.label_from not in ("", "folder", "path", "table")
        if self.group_from == "folder" and not self.label_from:
            self.label_from = "folder"  # then those below a class are groups
        self._find_group = finder_in(self.group_from, "GROUP")

    def find(self) -> list[Part]:
        """The parts of the data with their pictures."""
        place = self.root
        folders = self._find_parts(place)
        if not folders and (not self._by_name or self._find_parts(place.unwrapped())):
            place = self._unwrap(place)
            if place is not self.root:
                self.named = self.named or read_class_names(place.path) or ()
                folders = self._find_parts(place)
        self._passed.append(place)
        wrappers = [one for one in self._passed if one.path in place.path.parents]
        for one in (*wrappers, *([place] if folders else [])):
            self._leave_strays(one, any_number=bool(folders))
        if folders:
            named = ", ".join(f"`{one.name}` ({split})" for one, split in folders.items())
            self.notes.append(f"Parts of the data by the names of folders: {named}.")
            if self._by_name:
                self._without_class += [one for one in place.full if one not in folders]
        parts = self._find_labels({place: None} if not folders else folders)
        if self.group_from:
            self._tell_groups(parts)
        elif not self._by_name and len(set().union(*(part.classes for part in parts))) == 1:
            self.notes += advice_on_names(self.root.path, [one.path for one in parts[0].pictures])
        return parts

    def _find_labels(self, folders: "dict[Folder, SplitName | None]") -> list[Part]:
        if self._by_name:
            return self._find_labels_in_names(folders)
        parts = []
        for inner, split in folders.items():
            above_classes = self._unwrap(inner) if split else inner
            if above_classes not in self._passed:
                self._passed.append(above_classes)
            parts.append(self._find_classes(split, above_classes))
        if self.label_from == "path":
            self.notes.append("Every folder that has pictures is a class.")
        elif len(folders) == 1 and not parts[0].split:
            self.notes.append(f"The folders in `{self._passed[-1].name}` are the classes.")
        else:
            self.notes.append("The folders in these are the classes.")
        return parts

    def _unwrap(self, folder: Folder) -> Folder:
        """The folder that classes or parts lie in, where single folders are wrapped round it."""
        place = folder.unwrapped(self.named)
        if place is not folder:
            inner = place.path.relative_to(folder.path)
            self.notes.append(f"All pictures of `{folder.name}` lie in `{inner}`, so that is read.")
            self._passed += [one for one in folder.walk() if one.path in place.path.parents]
        return place

    def _find_parts(self, place: Folder) -> "dict[Folder, SplitName | None]":
        """The folders for training, testing and validation; none where the folders are classes.

        A part has folders of classes in it. A folder called `train` that has pictures itself,
        beside others that are called otherwise, is a class: it may show trains.
        """
        called: dict[Folder, SplitName | None] = {
            inner: split for inner in place.full if (split := split_of(inner.name))
        }
        is_whole = len(called) == len(place.full)
        if self._by_name:
            return called if "train" in called.values() or is_whole else {}
        parts = {
            inner: split
            for inner, split in called.items()
            if (not inner.pictures or inner.has_strays)
            and inner.full
            and (inner.name not in self.named or is_whole)
        }
        unlabelled = [inner for inner in called if self._is_unlabelled(inner, parts)]
        for inner in unlabelled:
            parts.pop(inner, None)
        samples = [inner for inner in parts if is_beside(inner) and self._is_twice(inner, parts)]
        for inner in samples:
            del parts[inner]
        others = [inner for inner in place.full if inner not in parts]
        if parts and "train" not in parts.values():
            parts = self._with_training(parts, others, unlabelled)
            others = [inner for inner in others if inner not in parts]
        if "train" in parts.values():
            beside = [inner for inner in others if inner not in unlabelled and not is_beside(inner)]
            if beside and len({*parts.values()}) + len(unlabelled) < 2:
                if self.label_from == "folder":
                    return {}
                refuse_beside(self.root.path, place, parts, beside)
            self._without_class += others
        elif others or not parts:
            self._look_at_flat(place, called)
            return {}
        if len(set(parts.values())) < len(parts):
            message = (
                f"`{place.path}` has two folders for the same part of the data: "
                f"{name_folders(parts)}. Move one elsewhere, or name one: "
                f"{info_command(next(iter(parts)).path)}."
            )
            raise DataFileError(message)
        return parts

    def _is_twice(self, folder: Folder, parts: "dict[Folder, SplitName | None]") -> bool:
        return list(parts.values()).count(parts[folder]) > 1

    def _with_training(
        self,
        parts: "dict[Folder, SplitName | None]",
        others: list[Folder],
        unlabelled: list[Folder],
    ) -> "dict[Folder, SplitName | None]":
        """The parts with that for training, if a single other folder has all their classes."""
        beside = [inner for inner in others if inner not in unlabelled and not is_beside(inner)]
        if len(beside) == 1:
            names = {one.name for part in parts for one in part.unwrapped(self.named).full}
            own = {one.name for one in beside[0].unwrapped(self.named).full}
            if len(names) > 1 and names <= own:
                return {beside[0]: "train", **parts}
        return parts

    def _is_unlabelled(self, folder: Folder, parts: "dict[Folder, SplitName | None]") -> bool:
        """Whether a folder for testing has pictures of which no folder says what they show."""
        if split_of(folder.name) == "train" or folder.name in self.named:
            return False
        if folder not in parts:
            return bool(folder.pictures)
        (only, *more) = folder.full
        is_wrapper = only.name.lower() in _WRAPPERS or bool(split_of(only.name))
        return not more and bool(only.pictures) and is_wrapper

    def _look_at_flat(self, place: Folder, called: "dict[Folder, SplitName | None]") -> None:
        """Tell of folders that are called as parts and have pictures themselves, or refuse them."""
        flat = [inner for inner in called if inner.pictures and inner.name not in self.named]
        kinds = set(called.values())
        seem_parts = len(kinds) > 1 and ("train" in kinds or len(called) == len(place.full))
        if flat and self.label_from != "folder" and (len(place.full) == 1 or seem_parts):
            first = next((inner for inner in flat if called[inner] == "train"), flat[0])
            refuse_loose(self.root.path, first, or_class=True)
        self.notes += [
            f"`{inner.name}` is taken for a class, as its pictures lie directly in it."
            for inner in flat
        ]

    def _find_classes(self, split: SplitName | None, folder: Folder) -> Part:
        """The pictures in the folders of classes, however deep in them they lie."""
        self._leave_strays(folder)
        if not self.label_from:
            refuse_lost_classes(self.root.path, folder, self.named)
        pictures, deeper = [], []
        for inner in folder.full:
            for one in inner.walk():
                is_path = self.label_from == "path"
                label = one.path.relative_to(folder.path).as_posix() if is_path else inner.name
                pictures += [
                    Picture(path, label, self._group(path, inner)) for path in one.pictures
                ]
                if one.pictures and one is not inner:
                    deeper.append(one.path.relative_to(folder.path))
        if deeper and not (self.label_from == "path" or self.group_from == "folder"):
            self.notes.append(
                f"Deeper down and counted to the class above: {name_some(deeper, NAMED)}."
            )
        # By the names of files across all classes: a folder that `convert` wrote keeps its order.
        pictures.sort(key=lambda picture: (natural_key(picture.path.name), picture.label))
        return Part(split, pictures, {picture.label for picture in pictures})

    def _find_labels_in_names(self, folders: "dict[Folder, SplitName | None]") -> list[Part]:
        """The pictures of which the file's name says what they show."""
        paths = {
            folder: [path for one in folder.walk() for path in one.pictures] for folder in folders
        }
        main = next((one for one, split in folders.items() if split == "train"), None)
        stems = [stem_of(path) for path in paths[main or next(iter(folders))]]
        pattern = (
            choose_pattern(self.root.path, stems) if self.label_from == "name" else self.label_from
        )
        find, parts = finder_in(pattern, "LABEL"), []
        for folder, split in folders.items():
            labelled = [
                Picture(path, label, self._group(path, folder))
                for path in paths[folder]
                if (label := find(stem_of(path))) is not None
            ]
            if not labelled and split not in (None, "train"):
                self._without_class.append(folder)
                continue
            if len(labelled) < _MOSTLY * len(paths[folder]):
                message = (
                    f"Of {len(paths[folder]):,} pictures in `{folder.path}` {len(labelled):,} have "
                    f"a name as `{pattern}`; one is `{paths[folder][0].name}`. Say where the label "
                    "stands with `--label-from` and a pattern, such as `LABEL_#`."
                )
                raise DataFileError(message)
            known = {picture.path for picture in labelled}
            self._strays += [path for path in paths[folder] if path not in known]
            labelled.sort(key=lambda picture: (natural_key(picture.path.name), picture.label))
            parts.append(Part(split, labelled, {picture.label for picture in labelled}))
        first = parts[0].pictures[0]
        self.notes.append(
            f"The labels stand in the names of files, as `{pattern}`: `{first.path.name}` is of "
            f"`{first.label}`."
        )
        return parts

    def _group(self, path: Path, above: Folder) -> str:
        if not self.group_from:
            return ""
        if self.group_from == "folder":
            below = path.relative_to(above.path).parts
            return below[0] if len(below) > 1 else ""
        return self._find_group(stem_of(path)) or ""

    def _tell_groups(self, parts: list[Part]) -> None:
        groups = {picture.group for part in parts for picture in part.pictures} - {""}
        if not groups:
            where = "lies in a folder below that of its class"
            if self.group_from != "folder":
                where = f"has a name as `{self.group_from}`"
            message = f"No picture of `{self.root.path}` {where}, which would name its group."
            raise DataFileError(message)
        where = "folders below the classes" if self.group_from == "folder" else "names of files"
        self.notes.append(
            f"{len(groups):,} groups by the {where}; when images are held out, the members of a "
            "group stay on one side."
        )

    def _leave_strays(self, folder: Folder, any_number: bool = False) -> None:
        """Pass over a folder's own pictures, if they may be none of the data; else raise."""
        if any_number or folder.has_strays or self._is_wrapper_with_stray(folder):
            self._strays += folder.pictures
        else:
            refuse_loose(self.root.path, folder)

    def _is_wrapper_with_stray(self, folder: Folder) -> bool:
        return len(folder.pictures) == 1 and folder in self._passed[:-1]

    def classes(self, parts: list[Part]) -> Classes:
        """The classes in the order of `class-names.txt`, else in natural order."""
        names = set().union(*(part.classes for part in parts))
        ordered = self.named or tuple(sorted(names, key=natural_key))
        unknown = sorted(names - set(ordered), key=natural_key)
        if unknown:
            path = self.root.path / CLASS_NAMES_FILE
            message = f"`{path}` does not name the class `{unknown[0]}`."
            raise DataFileError(message)
        # A model file, a page and a service hold text; bytes that are none stand escaped there.
        return tuple((name, name.encode(errors="backslashreplace").decode()) for name in ordered)

    def left_out(self) -> Iterator[str]:
        """What was passed over, a sentence for each kind."""
        everything = list(self.root.walk())
        for folder in self._without_class:
            test = f" {shown_command('lenet predict latest', folder.path)} answers that."
            count = f"{folder.count:,} picture{'s' * (folder.count > 1)}"
            if table := _table_of(folder):
                place = folder.path.relative_to(self.root.path)
                yield (
                    f"Left out: {count} in `{place}`, which `{table.name}` there names. "
                    f"{shown_command('lenet evaluate latest --data', table)} scores them."
                )
                continue
            yield (
                f"Left out, as nothing says what they show: {count} in "
                f"`{folder.path.relative_to(self.root.path)}`.{'' if is_beside(folder) else test}"
            )
        for what, paths in (
            ("Pictures outside of all classes", self._strays),
            (
                "Without pictures",
                [o.path for at in self._passed for o in at.folders if not o.count],
            ),
            ("No pictures by their names", [path for at in everything for path in at.others]),
            ("Neither files nor folders", [path for at in everything for path in at.odd]),
        ):
            if paths:
                named = name_some([path.relative_to(self.root.path) for path in paths], NAMED)
                yield f"{what} and passed over: {named}."


def _table_of(folder: Folder) -> Path | None:
    """A table in a folder that names its pictures."""
    others = [path for inner in folder.walk() for path in inner.others]
    tables = [path for path in others if path.suffix.lower() in _TABLES]
    return next(filter(names_pictures, tables[:_LOOKED_INTO]), None)
