"""A sheet of cells, as a class fills it in, cut into a picture of each cell."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.pictures._preparation import Preparation
from lenet.pictures._prepare import as_page, split_page
from lenet.pictures._read import Pixels
from lenet.pictures._ruling import Ruling, find_drawn, find_ruling, paint_over
from lenet.pictures._shapes import Mask, find_parts, grow
from lenet.pictures._symbols import find_lines

_SIDE = 2400  # pixels in which cells are looked for and cut out
_LEVEL = 0.001  # slope; what is flatter need not be turned
_LINE = 0.4  # of a grid's width or height: lines of cells are longer
_WITHIN = 0.5  # of the ink is in the grid
_NARROW = 0.5  # of most spaces between lines: less is a gap between boxes
_AROUND = 0.12  # of a cell, that is cut out with it on each side
_MARGIN, _MOST_MARGIN = 0.2, 40  # of a symbol's longer side, and parts of the page's
_EDGE = 2  # pixels round ink that belong to it
_LEAST_PIXELS, _SMALLEST = 6, 10  # of a symbol's longer side; and parts of a cell's shorter one
_SYMBOL = Preparation("symbol")

_Boxes = npt.NDArray[np.int64]  # top, bottom, left and right of each, as in `Parts`


class Cell(NamedTuple):
    """A cell of a sheet.

    Attributes:
        row: Its number, from 0 on.
        column: Its number, from 0 on.
        box: The rows and columns of the sheet that it takes: top, bottom, left and right.
        picture: What is in it, without lines and without what belongs to other cells.
        is_empty: Whether there is nothing in it.
    """

    row: int
    column: int
    box: tuple[int, int, int, int]
    picture: Pixels
    is_empty: bool


class Sheet(NamedTuple):
    """A sheet that was cut.

    Attributes:
        upright: The sheet, turned so that its lines are level.
        cells: Row by row.
        has_grid: Whether lines say where the cells are; else each symbol is one.
    """

    upright: Pixels
    cells: list[Cell]
    has_grid: bool


def cut_sheet(pixels: Pixels, *, grid: bool = True) -> Sheet:
    """Find the cells of a sheet, between its lines or else round its symbols, and cut them out.

    Args:
        pixels: uint8 (H, W) or (H, W, 3), as `read_picture` gives them.
        grid: Whether lines may say where the cells are; else each symbol is one, as on squared
            paper whose squares mean nothing.

    Raises:
        PictureSizeError: There are thousands of symbols, as in a pattern.
    """
    upright, ruling = _turned_upright(as_page(pixels, _SIDE))
    if ruling is None:
        clean, (drawn, paper) = upright, find_drawn(upright)
    else:
        clean, drawn, paper = paint_over(upright, ruling), ruling.strokes, ruling.paper
    boxes, rows, columns = _between_lines(ruling if grid else None)
    has_grid = len(boxes) > 0
    if not has_grid:
        boxes, rows, columns = _round_symbols(clean)
    around = _regions(boxes, has_grid, upright.shape)
    owners = _owners(drawn, boxes)
    cells = []
    for number, (box, (top, bottom, left, right)) in enumerate(
        zip(boxes.tolist(), around.tolist(), strict=True)
    ):
        place = slice(top, bottom), slice(left, right)
        own = owners[place] == number
        picture = _without_others(clean[place], own, drawn[place], paper[:, place[0], place[1]])
        height, width = box[1] - box[0], box[3] - box[2]
        is_empty = has_grid and not _is_long(
            own, max(_LEAST_PIXELS, min(height, width) // _SMALLEST)
        )
        cells.append(Cell(int(rows[number]), int(columns[number]), tuple(box), picture, is_empty))
    return Sheet(upright, cells, has_grid)


def _turned_upright(pixels: Pixels) -> tuple[Pixels, Ruling | None]:
    """A sheet turned so that its lines, or those of its symbols, are level, and its ruling."""
    ruling = find_ruling(pixels)
    if ruling is not None:
        slope = (
            (ruling.slopes[0] - ruling.slopes[1]) / 2 if ruling.upright.any() else ruling.slopes[0]
        )
    else:
        slope = find_lines(_boxes_of_symbols(pixels))[1]
    if abs(slope) < _LEVEL:
        return pixels, ruling
    edge = np.concatenate([pixels[0], pixels[-1]])
    ground = np.median(edge, axis=0).astype(int).tolist()
    image = Image.fromarray(pixels).rotate(
        math.degrees(math.atan(slope)),
        Image.Resampling.BICUBIC,
        fillcolor=tuple(ground) if pixels.ndim == 3 else ground,
    )
    upright = np.asarray(image)
    return upright, find_ruling(upright)


def _between_lines(ruling: Ruling | None) -> tuple[_Boxes, _Boxes, _Boxes]:
    """The boxes between lines in both directions, if there are any, and their rows and columns."""
    none = np.zeros(0, np.int64)
    if ruling is None:
        return none.reshape(0, 4), none, none
    height, width = _extent(ruling.level), _extent(ruling.upright.T)
    down, across = _spaces(ruling.level, width), _spaces(ruling.upright.T, height)
    if not len(down) or not len(across):
        return none.reshape(0, 4), none, none
    within = ruling.strokes[down[0, 0] : down[-1, 1], across[0, 0] : across[-1, 1]]
    if within.sum() < _WITHIN * ruling.strokes.sum():  # a box beside what is written
        return none.reshape(0, 4), none, none
    rows, columns = np.indices((len(down), len(across))).reshape(2, -1)
    return np.hstack([down[rows], across[columns]]), rows, columns


def _extent(lines: Mask) -> int:
    """How far it is from the first line to the last."""
    rows = np.flatnonzero(lines.any(axis=1))
    return int(rows[-1] - rows[0]) if len(rows) else 0


def _spaces(lines: Mask, length: int) -> _Boxes:
    """The first and the last row between two lines, (spaces, 2), without narrow ones.

    A line has a share of the length that a grid's would have.
    """
    is_line = lines.sum(axis=1) >= max(1, _LINE * length)
    changes = np.diff(np.pad(is_line, 1).astype(np.int8))
    starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    if len(starts) < 2:
        return np.zeros((0, 2), np.int64)
    spaces = np.stack([ends[:-1], starts[1:]], axis=1)
    sizes = spaces[:, 1] - spaces[:, 0]
    wide: _Boxes = spaces[sizes >= _NARROW * np.percentile(sizes, 75)]
    return wide


def _boxes_of_symbols(pixels: Pixels) -> _Boxes:
    """The boxes of all symbols, in the order of reading."""
    height, width = pixels.shape[:2]
    shares = [one.box for one in split_page(pixels, _SYMBOL)]
    boxes = np.array(shares).reshape(-1, 4)[:, [0, 2, 1, 3]] * (height, height, width, width)
    whole: _Boxes = np.rint(boxes).astype(np.int64)
    return whole


def _round_symbols(pixels: Pixels) -> tuple[_Boxes, _Boxes, _Boxes]:
    """The boxes of all symbols, and the row and the column of each.

    A column is where symbols stand in the rows of the usual length.
    """
    boxes = _boxes_of_symbols(pixels)
    lines, _ = find_lines(boxes)
    order = np.array([one for line in lines for one in line], np.int64)
    rows = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    boxes = boxes[order]
    if not len(boxes):
        return boxes, rows, rows
    middles = boxes[:, 2] + boxes[:, 3]
    lengths = np.bincount(rows)
    usual = int(np.bincount(lengths).argmax())
    full = np.stack([middles[rows == row] for row in np.flatnonzero(lengths == usual)])
    columns = np.abs(middles[:, None] - np.median(full, axis=0)).argmin(axis=1)
    return boxes, rows, columns


def _regions(boxes: _Boxes, has_grid: bool, shape: tuple[int, ...]) -> _Boxes:
    """What is cut out for each box: more on all sides."""
    heights, widths = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    down, across = _AROUND * heights, _AROUND * widths
    if not has_grid:
        most = max(shape[:2]) / _MOST_MARGIN
        down = across = np.minimum(_MARGIN * np.maximum(heights, widths), most)
    grown = boxes + np.stack([-down, down, -across, across], axis=1).round().astype(np.int64)
    within: _Boxes = grown.clip(0, [shape[0], shape[0], shape[1], shape[1]])
    return within


def _owners(drawn: Mask, boxes: _Boxes) -> _Boxes:
    """Which box each pixel of ink (H, W) belongs to, -1 for none: its part has most of it there.

    Parts that are nearly as much in other boxes, as symbols that touch, are divided.
    """
    inside = np.full(drawn.shape, -1, np.int64)
    for number, (top, bottom, left, right) in enumerate(boxes.tolist()):
        inside[top:bottom, left:right] = number
    parts, _ = find_parts(drawn)
    pixels = np.flatnonzero(drawn & (inside >= 0))
    pairs, counts = np.unique(
        parts.ravel()[pixels] * (len(boxes) + 1) + inside.ravel()[pixels], return_counts=True
    )
    part_of, box_of = np.divmod(pairs, len(boxes) + 1)
    order = np.argsort(counts, kind="stable")
    most = np.zeros(parts.max(initial=0) + 1, np.int64)
    owner = np.full(len(most), -1)
    owner[part_of[order]] = box_of[order]  # the last one is that of most
    most[part_of[order]] = counts[order]
    total = np.bincount(part_of, counts, len(most))
    is_divided = total - most > _NARROW * most
    owners: _Boxes = np.where(is_divided[parts], inside, owner[parts])
    owners[~drawn] = -1
    return owners


def _without_others(
    picture: Pixels, own: Mask, ink: Mask, paper: npt.NDArray[np.float32]
) -> Pixels:
    """A picture with paper where the ink of others is."""
    gone = grow(ink & ~own, _EDGE) & ~grow(own, _EDGE)
    clean: Pixels = picture.copy()
    colours = np.rint(paper[:, gone].T.clip(0, 255)).astype(np.uint8)
    clean[gone] = colours.reshape(-1, *picture.shape[2:])
    return clean


def _is_long(mask: Mask, least: int) -> bool:
    """Whether some part is as long."""
    _, boxes = find_parts(mask)
    return bool((boxes[:, 1::2] - boxes[:, ::2]).max(initial=0) >= least)
