"""Sheets of cells become a folder of pictures, and a drawing of what was cut."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lenet.core import (
    check_free,
    escape_name,
    rename_to_free,
    staged_folder,
    storage_errors,
    write_atomically,
)
from lenet.datasets.readers._scan import may_name_class
from lenet.errors import PictureError, SettingError, StorageError, UnknownNameError
from lenet.pictures import Cell, Sheet, cut_sheet, read_picture

Labels = Literal["row", "column", "page"]

_CUT, _EMPTY = (0, 140, 60), (220, 60, 40)  # colours of boxes
_TEXT = (0, 70, 200)


@dataclass(frozen=True)
class CutSheet:
    """What became of a sheet.

    Attributes:
        path: Its file.
        has_grid: Whether lines said where its cells are; else each symbol is one.
        rows: How many there are.
        columns: How many there are.
        written: Pictures that were written.
        empty: Cells with nothing in them.
        drawing: The PNG file that shows what was cut.
    """

    path: Path
    has_grid: bool
    rows: int
    columns: int
    written: int
    empty: int
    drawing: Path


def cut_sheets(
    sheets: Sequence[Path | str],
    target: Path | str,
    *,
    labels: Labels = "row",
    classes: Sequence[str] = (),
    empty: str | None = None,
    grid: bool = True,
) -> list[CutSheet]:
    """Cut scanned sheets into a folder with a folder of pictures for every class.

    Lines are taken away. Cells are what lies between them, in a grid or in boxes; where there are
    none, each symbol is a cell, and its line is its row. Beside the folder lies a drawing of each
    sheet, whose boxes and names show what was cut.

    Args:
        sheets: Pictures of sheets, at least one.
        target: The folder that is made; it must not be there yet.
        labels: What names a cell's class: its `row`, its `column`, or the `page` that it is on.
        classes: Names for the rows, columns or pages, from the first on; an empty one leaves its
            row, column or page out. Without, rows and columns are numbered from 0, and pages are
            called as their files.
        empty: The class of cells that nothing is in; these are left out without.
        grid: Whether lines may say where the cells are; else each symbol is one, as on squared
            paper whose squares mean nothing.

    Returns:
        What became of each sheet.

    Raises:
        PictureError: A sheet can't be read, or has nothing on it.
        SettingError: There are other numbers of names than of rows, columns or pages, or a name
            can't be that of a folder.
        UnknownNameError: Cells can't be labelled so.
        StorageError: The target is there already, or can't be written; nothing is left then.
    """
    if labels not in get_args(Labels):
        raise UnknownNameError("labels", labels, get_args(Labels))
    paths, target = [Path(sheet) for sheet in sheets], Path(target)
    for name in (*classes, *([] if empty is None else [empty])):
        _check_name(name)
    if labels == "page" and classes and len(classes) != len(paths):
        message = f"`classes` has {len(classes)} names for {len(paths)} sheets; name each sheet."
        raise SettingError(message)
    check_free(target)
    told, drawings, drawn = [], [], list[Path]()
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with storage_errors(target), staged_folder(target) as unfinished:
            for number, (path, stem) in enumerate(zip(paths, _stems(paths), strict=True)):
                sheet = _cut(path, grid)
                names = _names(sheet, path, labels, classes, number)
                drawing = target.with_name(f"{target.name}-{stem}.png")
                if os.path.lexists(drawing):
                    message = (
                        f"`{drawing}`, where the drawing belongs, is there already; move it away."
                    )
                    raise StorageError(message)
                written = _write(sheet, names, empty, unfinished, stem)
                drawings.append((_draw(sheet, names, empty), drawing))
                told.append(_told(path, sheet, written, drawing))
            for image, drawing in drawings:
                content = io.BytesIO()
                image.save(content, "PNG")
                write_atomically(drawing, content.getvalue())
                drawn.append(drawing)
            rename_to_free(unfinished, target)
    except BaseException:
        for drawing in drawn:
            drawing.unlink(missing_ok=True)
        raise
    return told


def _check_name(name: str) -> None:
    """Raise the `SettingError` for a class that can't be a folder, or one that is not read."""
    if name != name.strip() or not may_name_class(name):
        message = f"`{escape_name(name)}` can't be the name of a class, as it is that of a folder."
        raise SettingError(message)


def _stems(paths: list[Path]) -> Iterator[str]:
    """The names of files without their endings, and with numbers where several have one."""
    seen: dict[str, int] = {}
    for path in paths:
        seen[path.stem] = seen.get(path.stem, 0) + 1
        yield path.stem if seen[path.stem] == 1 else f"{path.stem}-{seen[path.stem]}"


def _cut(path: Path, grid: bool) -> Sheet:
    sheet = cut_sheet(read_picture(path), grid=grid)
    if not sheet.cells:
        message = f"`{escape_name(str(path))}` has nothing on it that could be cut out."
        raise PictureError(message)
    return sheet


def _names(
    sheet: Sheet, path: Path, labels: Labels, classes: Sequence[str], number: int
) -> list[str]:
    """The class of each cell, by the setting."""
    if labels == "page":
        return [classes[number] if classes else path.stem] * len(sheet.cells)
    places = [cell.row if labels == "row" else cell.column for cell in sheet.cells]
    count = 1 + max(places)
    if classes and len(classes) != count:
        message = (
            f"`{escape_name(str(path))}` has {count} {labels}s, and `classes` has {len(classes)} "
            "names: name each, from the first on, and leave names empty for what is to be left out."
        )
        raise SettingError(message)
    names = classes or [str(place) for place in range(count)]
    return [names[place] for place in places]


def _write(sheet: Sheet, names: list[str], empty: str | None, folder: Path, stem: str) -> int:
    """Write the pictures of a sheet, and give how many."""
    written = 0
    for cell, name in zip(sheet.cells, names, strict=True):
        label = _label(cell, name, empty)
        if label:
            place = folder / label
            place.mkdir(exist_ok=True)
            file = place / f"{stem}-{cell.row + 1:02}-{cell.column + 1:02}.png"
            while file.exists():  # two symbols of one column and row
                file = file.with_name(f"{file.stem}-2.png")
            Image.fromarray(cell.picture).save(file)
            written += 1
    return written


def _label(cell: Cell, name: str, empty: str | None) -> str:
    """The class of a cell; nothing where it is left out."""
    return (empty or "") if cell.is_empty and name else name


def _told(path: Path, sheet: Sheet, written: int, drawing: Path) -> CutSheet:
    rows, columns = (
        1 + max(places) for places in zip(*[cell[:2] for cell in sheet.cells], strict=True)
    )
    empty = sum(cell.is_empty for cell in sheet.cells)
    return CutSheet(path, sheet.has_grid, rows, columns, written, empty, drawing)


def _draw(sheet: Sheet, names: list[str], empty: str | None) -> Image.Image:
    """The sheet with a box round each cell that was cut, and the name of its class."""
    image = Image.fromarray(sheet.upright).convert("RGB")
    pen, width = ImageDraw.Draw(image), max(1, max(image.size) // 800)
    heights = [cell.box[1] - cell.box[0] for cell in sheet.cells]
    size = max(10, int(np.median(heights)) // 5)
    font, above = ImageFont.load_default(size), 0 if sheet.has_grid else size + 2 * width
    for cell, name in zip(sheet.cells, names, strict=True):
        top, bottom, left, right = cell.box
        label = _label(cell, name, empty)
        pen.rectangle((left, top, right - 1, bottom - 1), None, _CUT if label else _EMPTY, width)
        if label:
            pen.text((left + 2 * width, top + width - above), label, _TEXT, font)
    return image
