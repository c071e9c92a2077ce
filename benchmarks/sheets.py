"""How many digits of a scanned sheet are cut out and answered rightly.

    python benchmarks/sheets.py [--only ruled] [--show FOLDER]

Writes MNIST's test digits on sheets of noisy paper, seeded: with and without lines as dark as the
ink, in boxes, turned by some degrees, in a shadow, small beside large ones, touching the lines.
Prints for each kind how many of the digits `lenet predict --many` cuts out rightly (the box that is
found and the true one share 60 % of what they cover), how many of all it reads as what they are,
how many symbols it finds that are none, how often the next digit is the next to be read, and the
seconds for a sheet. Then how many of the cells hold in their place, once `lenet data cut` has cut
them out, what is read as the right digit, and the seconds for that.
"""

import argparse
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

import lenet
from lenet.pictures import Pixels, cut_sheet
from lenet.serving import TrainedModel

Random = np.random.Generator
Boxes = npt.NDArray[np.float64]  # top, left, bottom and right of each, in pixels

_SHARED = 0.6  # of what two boxes cover: they are the same


@dataclass(frozen=True)
class Kind:
    """A kind of sheet.

    Attributes:
        rows: Of cells.
        columns: Of cells.
        lines: What is drawn round them: `none`, `ruled`, `grid`, `boxes` apart, or a `comb` of
            boxes in a row.
        width: Of the sheet, in pixels.
        height: Of the sheet, in pixels.
        turned: By how many degrees, counter-clockwise.
        digit: Height of a digit as a share of its cell's.
        strays: How far from the cell's middle it may be, as a share of the cell.
        line: Thickness of the lines in pixels.
        tone: How dark the lines are; the ink is 40.
        shadow: How much darker the right edge is.
        large: The share of digits that are four times as large, in cells of their own.
    """

    rows: int
    columns: int
    lines: str = "none"
    width: int = 1240
    height: int = 1754
    turned: float = 0.0
    digit: float = 0.6
    strays: float = 0.08
    line: int = 3
    tone: int = 60
    shadow: float = 0.0
    large: bool = False


_FULL = Kind(46, 25, line=2)
_TWELVE = Kind(4, 3, width=900, height=1100)
KINDS = {
    "1,150 on plain paper": _FULL,
    "1,150 on plain paper, turned 2°": replace(_FULL, turned=2.0),
    "1,150 in a grid": replace(_FULL, lines="grid"),
    "1,150 in a grid, turned 2°": replace(_FULL, lines="grid", turned=2.0),
    "1,150 in a grid, turned -1°, shadow": replace(_FULL, lines="grid", turned=-1.0, shadow=0.4),
    "12 in a grid": replace(_TWELVE, lines="grid"),
    "12 in a grid, turned 3°": replace(_TWELVE, lines="grid", turned=3.0),
    "12 in a grid, touching": replace(_TWELVE, lines="grid", digit=0.85, strays=0.15),
    "300 in a grid, 300 dpi, turned -2°": Kind(
        20, 15, "grid", 2480, 3508, -2.0, line=5, shadow=0.2
    ),
    "300 in a grid, touching": Kind(20, 15, "grid", digit=0.8, strays=0.15),
    "300 in a grid, faint": Kind(20, 15, "grid", tone=170, turned=1.0),
    "300 on ruled lines": Kind(20, 15, "ruled", turned=0.7),
    "300 on ruled lines, touching": Kind(20, 15, "ruled", turned=-1.0, digit=0.8, strays=0.2),
    "60 in boxes": Kind(10, 6, "boxes", turned=1.5),
    "60 in boxes, touching": Kind(10, 6, "boxes", digit=0.75, strays=0.15, turned=-1.0),
    "120 in combs of boxes": Kind(12, 10, "comb", turned=1.0),
    "120 on plain paper, large and small": Kind(12, 10, large=True, turned=-1.0, shadow=0.3),
    "120 in a grid, large and small": Kind(12, 10, "grid", large=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="kinds whose names hold this")
    parser.add_argument("--sheets", type=int, default=1, help="of each kind")
    parser.add_argument("--show", type=Path, help="write the sheets into this folder, too")
    arguments = parser.parse_args()
    model = lenet.open_model("digits")
    many = f"{'cut':>8}{'read':>8}{'others':>8}{'order':>8}{'s':>7}"
    print(f"{'':<42}{'digits':>8}{many}{'cells read':>12}{'s':>7}")
    for number, (name, kind) in enumerate(KINDS.items()):
        if arguments.only and arguments.only not in name:
            continue
        counts = np.zeros(8)
        for seed in range(arguments.sheets):
            sheet, labels, boxes = draw_sheet(kind, np.random.default_rng([number, seed]))
            if arguments.show:
                arguments.show.mkdir(exist_ok=True)
                Image.fromarray(sheet).save(arguments.show / f"{number:02}-{seed}.png")
            counts[:6] += score_many(model, sheet, labels, boxes)
            counts[6:] += score_cells(model, sheet, np.reshape(labels, (kind.rows, kind.columns)))
        digits, cut, read, others, order, seconds, cells, cutting = counts
        shares = f"{cut / digits:8.3f}{read / digits:8.3f}{others:8.0f}{order / digits:8.3f}"
        in_cells = f"{cells / digits:12.3f}{cutting / arguments.sheets:7.2f}"
        print(
            f"{name:<42}{digits:8.0f}{shares}{seconds / arguments.sheets:7.2f}{in_cells}",
            flush=True,
        )


def score_many(
    model: TrainedModel, sheet: Pixels, labels: list[int], boxes: Boxes
) -> tuple[float, ...]:
    """How many digits there are, are cut, are read, how many others, in order, and seconds."""
    start = time.perf_counter()
    try:
        answers = lenet.predict(model, sheet, many=True)
    except lenet.LenetError as error:
        print(error)
        answers = []
    seconds = time.perf_counter() - start
    height, width = sheet.shape
    found = np.array([one.seen.box for one in answers]).reshape(-1, 4)
    matched = match(boxes, found * (height, width, height, width))
    cut = sum(place is not None for place in matched)
    read = sum(
        place is not None and answers[place].class_name == str(label)
        for place, label in zip(matched, labels, strict=True)
    )
    in_order = sum(one is not None and other == one + 1 for one, other in pairwise(matched))
    return len(labels), cut, read, len(answers) - cut, in_order + (cut == len(labels)), seconds


def score_cells(
    model: TrainedModel, sheet: Pixels, labels: npt.NDArray[np.int64]
) -> tuple[int, float]:
    """How many digits are read in the cells that they stand in, and the seconds to cut."""
    start = time.perf_counter()
    cells = [
        cell
        for cell in cut_sheet(sheet).cells
        if not cell.is_empty and cell.row < len(labels) and cell.column < len(labels[0])
    ]
    seconds = time.perf_counter() - start
    answers = lenet.predict(model, [cell.picture for cell in cells], threshold=0)
    right = {
        (cell.row, cell.column)
        for cell, answer in zip(cells, answers, strict=True)
        if answer.class_name == str(labels[cell.row, cell.column])
    }
    return len(right), seconds


def match(boxes: Boxes, found: Boxes) -> list[int | None]:
    """Which of what was found is each box, if any."""
    matched: list[int | None] = []
    for box in boxes:
        sides = np.minimum(box[2:], found[:, 2:]) - np.maximum(box[:2], found[:, :2])
        shared = sides.clip(0).prod(axis=1)
        sizes = (found[:, 2:] - found[:, :2]).prod(axis=1)
        share = shared / (sizes + (box[2:] - box[:2]).prod() - shared)
        best = int(share.argmax()) if len(share) else 0
        matched.append(best if len(share) and share[best] >= _SHARED else None)
    return matched


def draw_sheet(kind: Kind, random: Random) -> tuple[Pixels, list[int], Boxes]:
    """A sheet, the labels of its digits row by row, and where each one's ink is."""
    test = lenet.load_dataset("mnist").require_test()
    edge = kind.width // 20
    high, wide = (kind.height - 2 * edge) / kind.rows, (kind.width - 2 * edge) / kind.columns
    ink = np.zeros((kind.height, kind.width), np.float32)
    labels, corners = [], []
    for row, column in np.ndindex(kind.rows, kind.columns):
        index = int(random.integers(len(test.labels)))
        share = kind.digit
        if kind.large and random.random() < 0.7:
            share /= 4
        drawn = cropped_digit(test.images[index, 0], share * min(high, wide * 1.3))
        room = np.array([high, wide])
        stray = random.uniform(-1, 1, 2) * kind.strays * room
        middle = edge + room * (np.array([row, column]) + 0.5) + stray
        top, left = np.rint(middle - np.array(drawn.shape) / 2).astype(int)
        place = ink[top : top + drawn.shape[0], left : left + drawn.shape[1]]
        np.maximum(place, drawn, out=place)
        labels.append(int(test.labels[index]))
        rows, columns = np.nonzero(drawn > 0.5)
        corners.append(
            (top + rows.min(), left + columns.min(), top + rows.max() + 1, left + columns.max() + 1)
        )
    lines = draw_lines(kind, edge, high, wide)
    paper = np.full(ink.shape, 225.0)
    paper += (kind.tone - paper) * lines
    paper += (40 - paper) * ink
    turned = Image.fromarray(paper.astype(np.float32)).rotate(
        kind.turned, Image.Resampling.BICUBIC, fillcolor=225.0
    )
    light = (
        np.linspace(1, 1 - kind.shadow, kind.width)
        * np.linspace(1, 1 - kind.shadow / 3, kind.height)[:, None]
    )
    noisy = np.asarray(turned) * light + random.normal(0, 4, ink.shape)
    return noisy.clip(0, 255).round().astype(np.uint8), labels, turned_boxes(kind, corners)


def cropped_digit(image: Pixels, height: float) -> npt.NDArray[np.float32]:
    """A digit's ink, as high as wanted, 0 to 1."""
    rows, columns = np.nonzero(image > 60)
    cut = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    size = max(1, round(cut.shape[1] * height / cut.shape[0])), max(1, round(height))
    large = Image.fromarray(np.pad(cut, 1).astype(np.float32)).resize(
        (size[0] + 4, size[1] + 4), Image.Resampling.BICUBIC
    )
    return ((np.asarray(large) - 60) / 130).clip(0, 1).astype(np.float32)


def draw_lines(kind: Kind, edge: int, high: float, wide: float) -> npt.NDArray[np.float32]:
    """Where lines are drawn, 0 to 1."""
    image = Image.new("L", (kind.width, kind.height))
    pen = ImageDraw.Draw(image)
    right, foot = kind.width - edge, kind.height - edge
    downs = [round(edge + high * row) for row in range(kind.rows + 1)]
    acrosses = [round(edge + wide * column) for column in range(kind.columns + 1)]
    if kind.lines in ("grid", "ruled"):
        for down in downs:
            pen.line((edge, down, right, down), 255, kind.line)
    if kind.lines == "grid":
        for across in acrosses:
            pen.line((across, edge, across, foot), 255, kind.line)
    if kind.lines in ("boxes", "comb"):
        gap = (round(high * 0.08), round(wide * 0.08) if kind.lines == "boxes" else 0)
        for down in downs[:-1]:
            for across in acrosses[:-1]:
                box = (across + gap[1], down + gap[0])
                pen.rectangle(
                    (*box, round(across + wide) - gap[1], round(down + high) - gap[0]),
                    outline=255,
                    width=kind.line,
                )
    return np.asarray(image).astype(np.float32) / 255


def turned_boxes(kind: Kind, corners: list[tuple[int, ...]]) -> Boxes:
    """Where boxes are once the sheet is turned: what is round the turned box, a little smaller."""
    boxes = np.array(corners, float)
    angle = np.radians(kind.turned)
    middle = np.array([kind.height, kind.width]) / 2
    sizes = boxes[:, 2:] - boxes[:, :2]
    y, x = ((boxes[:, :2] + boxes[:, 2:]) / 2 - middle).T
    centres = middle + np.stack(
        [y * np.cos(angle) - x * np.sin(angle), x * np.cos(angle) + y * np.sin(angle)], axis=1
    )
    return np.hstack([centres - sizes / 2, centres + sizes / 2])


if __name__ == "__main__":
    main()
