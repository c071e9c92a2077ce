"""A folder of pictures as a dataset: as its folders stand, or as the names of its files say."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lenet.datasets.readers._contents import Contents, RawExamples, read_class_names
from lenet.datasets.readers._dataset_parts import Part
from lenet.datasets.readers._layout import Layout
from lenet.datasets.readers._scan import scan_folder
from lenet.errors import DataFileError

_AT_ONCE = 512  # pictures


def list_folder(folder: Path, label_from: str = "", group_from: str = "") -> Contents:
    """Find the pictures of a folder; none of them is read yet.

    Args:
        folder: The folder.
        label_from: What the label of a picture is, as in `Reading`; found by itself by default.
        group_from: What its group is.
    """
    root = scan_folder(folder)
    if not root.count:
        message = (
            f"`{folder}` holds no pictures in folders. Make a folder for every class and put its "
            "pictures there: `cat/1.png`, `dog/1.png`."
        )
        raise DataFileError(message)
    layout = Layout(root, label_from, group_from, read_class_names(folder) or ())
    parts = layout.find()
    return Contents(
        format="a folder of pictures",
        files=[picture.path for part in parts for picture in part.pictures],
        read=partial(_read, folder, parts, bool(group_from)),
        classes=layout.classes(parts),
        notes=(*layout.notes, *layout.left_out()),
        has_groups=bool(group_from),
    )


def _read(folder: Path, parts: list[Part], has_groups: bool) -> Iterator[RawExamples]:
    for part in parts:
        for start in range(0, len(part.pictures), _AT_ONCE):
            some = part.pictures[start : start + _AT_ONCE]
            yield RawExamples(
                part.split,
                [picture.label for picture in some],
                [picture.path for picture in some],
                [f"`{picture.path}`" for picture in some],
                [picture.path.relative_to(folder).as_posix() for picture in some],
                [picture.group for picture in some] if has_groups else [],
            )
