"""A folder of IDX files of any names, sizes and classes."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from lenet.core import reading_errors
from lenet.datasets._class_names_file import number_classes, read_class_names
from lenet.datasets._contents import Contents, Piece
from lenet.datasets._idx import idx_shape, read_idx
from lenet.datasets._image_arrays import to_labels, to_pictures
from lenet.datasets._natural_order import natural_key
from lenet.datasets._pair_arrays import Pair, pair_arrays, sort_by_part
from lenet.errors import DataFileError


def list_idx(folder: Path, files: Mapping[str, Path]) -> Contents:
    """Pair images and labels by what the files' headers declare.

    Args:
        folder: Where they lie.
        files: The folder's IDX files by their names, as `find_idx_files` gives them.

    Raises:
        DataFileError: They can't be told apart.
    """
    shapes = {name: idx_shape(path) or () for name, path in files.items()}
    pairs = list(sort_by_part(pair_arrays(shapes, str(folder))))
    names = read_class_names(folder)
    read = partial(_read, files, pairs)
    return Contents("IDX files", list(files.values()), read, number_classes(names))


def find_idx_files(folder: Path) -> dict[str, Path]:
    """A folder's IDX files by their names; of a file that lies there twice, the one unpacked."""
    with reading_errors(folder, DataFileError):
        paths = sorted(folder.iterdir(), key=lambda path: natural_key(path.name), reverse=True)
        paths = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    found = {
        path.name.removesuffix(".gz").replace(".idx", "-idx"): path
        for path in paths
        if idx_shape(path) is not None
    }
    return dict(reversed(found.items()))


def _read(files: Mapping[str, Path], pairs: list[Pair]) -> Iterator[Piece]:
    """The arrays of each pair."""
    for pair in pairs:
        labels = to_labels(read_idx(files[pair.labels]), f"`{files[pair.labels]}`")
        place = f"`{files[pair.images]}`"
        yield Piece(pair.part, labels, to_pictures(read_idx(files[pair.images]), place), [place])
