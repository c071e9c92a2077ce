from pathlib import Path

from lenet.core import reading_errors
from lenet.errors import DataFileError

CLASS_NAMES_FILE = "class-names.txt"
_LARGEST = 2**20  # bytes


def read_class_names(folder: Path) -> tuple[str, ...] | None:
    """The names in a folder's `class-names.txt`, one a line in the order of the labels.

    Raises:
        DataFileError: The file is no such list.
    """
    path = folder / CLASS_NAMES_FILE
    if not path.is_file():
        return None
    with reading_errors(path, DataFileError), path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not names or len(content) > _LARGEST or len(set(names)) < len(names):
        message = f"`{path}` should name every class once, one a line, in UTF-8."
        raise DataFileError(message)
    return names


def number_classes(names: tuple[str, ...] | None) -> tuple[tuple[int | str, str], ...] | None:
    """The classes of labels that count from 0, where their names are known."""
    return None if names is None else tuple(enumerate(names))
