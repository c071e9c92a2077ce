"""Where the pictures lie that a table names."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
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
class PicturePlace:
    """Where a table's pictures lie: a folder, and what their names lack at the end."""

    folder: Path
    ending: str = ""

    def of(self, cell: str) -> Path:
        return self.folder / (cell.strip().replace("\\", "/") + self.ending)


def find_pictures(table: Path, part: SplitName | None, cells: Sequence[str]) -> PicturePlace | None:
    """Where the first of some pictures that is there lies: beside a table, or a folder deeper.

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
    for cell in islice(filter(str.strip, cells), _LOOKED_FOR):
        for ending in ("", *(() if is_picture_name(cell) else _ENDINGS)):
            for folder in places:
                place = PicturePlace(folder, ending)
                try:
                    if place.of(cell).is_file():
                        return place
                except (OSError, ValueError):  # what is no name of a file
                    return None
    return None
