"""Where the pictures lie that a table names."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from lenet.core import reading_errors
from lenet.datasets.readers._contents import SplitName, split_of
from lenet.datasets.readers._lines import is_picture_name
from lenet.errors import DataFileError

_LOOKED_FOR = 64  # pictures
_MOST_FOLDERS = 100  # beside a table that are looked through
_FOLDERS = ("images", "imgs", "image", "img", "pictures", "data", "files")
_ENDINGS = (".png", ".jpg", ".jpeg", ".JPG", ".bmp", ".tif", ".gif", ".webp")


@dataclass(frozen=True)
class PicturePlaces:
    """Where a table's pictures lie: one folder or more, and what their names lack at the end."""

    folders: tuple[Path, ...]
    ending: str = ""

    def of(self, cell: str) -> Path:
        """The picture of a cell, in the first folder that has it."""
        name = cell.strip().replace("\\", "/") + self.ending
        paths = [folder / name for folder in self.folders]
        there = (path for path in paths[:-1] if path.is_file()) if len(paths) > 1 else ()
        return next(iter(there), paths[-1])


def find_pictures(
    table: Path, part: SplitName | None, cells: Sequence[str]
) -> PicturePlaces | None:
    """Where some pictures lie: beside a table, in the folders there, or one deeper.

    The names may lack their ending. Of several folders one for the same part comes first.
    """
    with reading_errors(table.parent, DataFileError):
        folders = sorted(path for path in table.parent.iterdir() if path.is_dir())[:_MOST_FOLDERS]

    def rank(folder: Path) -> tuple[bool, bool, bool]:
        name = folder.name.lower()
        is_same = part is not None and split_of(name) == part
        return not is_same, name not in _FOLDERS, split_of(name) not in (None, "train")

    folders.sort(key=rank)
    inner = [folder / name for folder in folders for name in (folder.name, *_FOLDERS[:2])]
    places = [table.parent, *folders, *(folder for folder in inner if folder.is_dir())]
    named = [cell for cell in cells if cell.strip()]
    some = named[:: -(-len(named) // _LOOKED_FOR) or 1]
    found: list[Path] = []
    ending = ""
    for cell in some:
        if found and PicturePlaces(tuple(found), ending).of(cell).is_file():
            continue
        endings = (ending,) if found else ("", *(() if is_picture_name(cell) else _ENDINGS))
        for ending, folder in product(endings, places):
            try:
                if PicturePlaces((folder,), ending).of(cell).is_file():
                    found.append(folder)
                    break
            except (OSError, ValueError):  # what is no name of a file
                return None
        else:
            ending = ending if found else ""
    return PicturePlaces(tuple(found), ending) if found else None
