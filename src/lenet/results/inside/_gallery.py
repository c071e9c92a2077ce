"""Numbers as colours, and rows of pictures: described once, shown on pages and drawn in files."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import escape_name
from lenet.results._wording import number
from lenet.results.page._page import Element, Node, element
from lenet.results.page._parts import Column, figure, picture, picture_grid, remark, row, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Numbers = npt.NDArray[np.float32]
Colours = npt.NDArray[np.uint8]  # (4, H, W): red, green, blue, opacity
_LEAST_SIDE = 28  # smaller pictures are enlarged, so that gaps between them look alike
_GAP = 2
Pixels = npt.NDArray[np.uint8]  # (C, H, W): grey, colours, or colours with an opacity
WIDTH = 12.8  # inches of a drawing, at 100 dots each: 1280 pixels
MARGIN = 0.25
HEAD = 0.75  # what a drawing's title takes
MUTED, OTHER = "#55606b", "#9aa4ae"
VERDICTS = {True: "#0b7a55", False: "#b84d00", None: "#1463b8"}
_LINE, _SPACE = 0.2, 0.14  # from one line of words to the next, from one row to the next
_TITLE, _MOST_CHARACTERS = 80, 145  # in the line of a title, and in one of words
_CHARACTERS = 11.5, 13.5  # an inch, of bold words and of small ones
_MOST_ROWS = 4  # more stand beside each other, where they are narrow enough
_MOST_LARGE = 3  # pictures in a row of a page
_SHORT = 24  # characters that stay in one line


def _colours(digits: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(-1, 3)


# matplotlib's `RdBu_r` (of ColorBrewer) and every fifth colour of its `inferno`, evenly apart; what
# lies between is mixed.
_FROM_BLUE_TO_RED = _colours("0530612166ac4393c392c5ded1e5f0f7f7f7fddbc7f4a582d6604db2182b67001f")
_FROM_BLACK_TO_YELLOW = _colours(
    "00000301010b0403160906210f092d160b391d0c45260b502e0a5a370961400966480b6a500d6c"
    "58106d60136e68166e70196e781c6d801f6b88216a902468982765a02a62a72d5faf315bb73456"
    "be3852c53d4dcc4148d24742d94d3dde5337e45a31e8612bed6825f0701ef37918f68111f88a0b"
    "fa9306fb9d06fba60bfbb014fbb91ef9c32af8cd37f5d745f3e056f1e968f1f27df5f891fcfea4"
)


@dataclass(frozen=True)
class ColourScale:
    """Which colours numbers have.

    Attributes:
        low: The number that has the first colour.
        high: The number that has the last one.
        is_signed: Whether colours diverge from white at 0, blue below and red above; otherwise they
            go from black to pale yellow.
    """

    low: float
    high: float
    is_signed: bool

    @classmethod
    def of(cls, arrays: Iterable[Numbers], *, is_signed: bool, most: float = 100) -> ColourScale:
        """One scale for all that is to be compared.

        Args:
            arrays: All of it.
            is_signed: Whether colours diverge at 0.
            most: Per cent of the numbers that the scale reaches to, so that a few large ones don't
                leave the others in the dark; those have its last colour.

        >>> ColourScale.of([np.array([-1, 3])], is_signed=True)
        ColourScale(low=-3.0, high=3.0, is_signed=True)
        """
        numbers = np.concatenate([array.ravel() for array in arrays])
        if is_signed:
            high = float(np.percentile(np.abs(numbers), most)) or float(np.abs(numbers).max())
            return cls(-high, high, is_signed)
        high = float(np.percentile(numbers, most))
        low, highest = float(numbers.min()), float(numbers.max())
        return cls(low, high if high > low else highest, is_signed)

    def colour(self, numbers: Numbers) -> Colours:
        """Numbers (H, W) as colours; what is not a number is transparent."""
        colours = _FROM_BLUE_TO_RED if self.is_signed else _FROM_BLACK_TO_YELLOW
        missing = np.isnan(numbers)
        width = self.high - self.low or 1.0
        shares = (np.where(missing, self.low, numbers) - self.low) / width
        places = np.linspace(0, 1, len(colours))
        channels = [np.rint(np.interp(shares, places, channel)) for channel in colours.T]
        return np.stack([*channels, np.full(shares.shape, 255)]).astype(np.uint8) * ~missing

    @property
    def ends(self) -> str:
        """The numbers of the first and the last colour."""
        low, high = (number(end) for end in (self.low, self.high))
        return f"blue {low}, red {high}" if self.is_signed else f"black {low}, yellow {high}"

    def __str__(self) -> str:
        return self.ends.replace(", ", ", white 0, ") if self.is_signed else self.ends


def mosaic(pictures: Numbers, columns: int) -> Numbers:
    """Pictures (N, H, W), or single numbers (N,), as one, with gaps that are not numbers.

    The room of those that are missing in the last row stays empty.
    """
    if pictures.ndim == 1:
        pictures = pictures[:, None, None]
    count, height, width = pictures.shape
    factor = max(1, round(_LEAST_SIDE / max(height, width)))
    rows = -(-count // columns)
    tall, wide = height * factor + _GAP, width * factor + _GAP
    whole = np.full((rows * tall - _GAP, columns * wide - _GAP), np.nan, np.float32)
    for index, one in enumerate(pictures):
        top, left = index // columns * tall, index % columns * wide
        enlarged = one.repeat(factor, axis=0).repeat(factor, axis=1)
        whole[top : top + tall - _GAP, left : left + wide - _GAP] = enlarged
    return whole


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture and what is said of it.

    Attributes:
        pixels: The picture.
        alt: What is to be seen, for those who don't see it.
        title: Its name.
        remark: Its figures, in small type.
        is_right: Whether its name is the right one, if that is a question.
    """

    pixels: Pixels
    alt: str
    title: str = ""
    remark: str = ""
    is_right: bool | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """Pictures that belong together.

    Attributes:
        words: What they are of, the name first.
        pictures: The pictures.
        image: What was shown to the network, if it stands before them.
        is_right: Whether the name is the right one, if that is a question.
    """

    words: tuple[str, ...]
    pictures: tuple[Shown, ...]
    image: Shown | None = None
    is_right: bool | None = None


@dataclass(frozen=True, eq=False)
class Gallery:
    """Rows of pictures that are compared.

    Attributes:
        rows: The rows.
        title: What they show, if a drawing holds several galleries.
        said: How they are read.
        columns: What the pictures of each row are; numbers are not drawn.
        image: Inches of a drawing for what was shown to the network; 0 if that is not there.
        words: Inches for the words of a row; 0 if these are not drawn.
        width: Inches of a picture's width, at most.
    """

    rows: tuple[Row, ...]
    title: str = ""
    said: str = ""
    columns: tuple[str, ...] = ()
    image: float = 0.0
    words: float = 0.0
    width: float = WIDTH


def gallery_table(gallery: Gallery, image: int, size: int | None = None) -> Element:
    """A gallery with images as a table of a page, for many rows.

    Sizes are pixels of the screen, of the image and of each picture, which is twice as large as it
    is where none is given.
    """
    cells: list[list[Node]] = []
    for one in gallery.rows:
        assert one.image is not None
        name, *more = map(_unbroken, one.words)
        words = [element("strong", name)]
        words += [element("span", element("br"), remark(line)) for line in more]
        pictures = (_cell(shown, size) for shown in one.pictures)
        cells.append([_cell(one.image, image), *pictures, element("span", *words)])
    numbers = [str(index + 1) for index in range(len(cells[0]) - 2)]
    columns = ["input", *(gallery.columns or numbers), "taken for"]
    return table([*map(Column, columns)], cells, gallery.said)


def open_row(shown: Row, size: int | None = None) -> Node:
    """A row of a page's own: large pictures beside each other, more than a few as a grid.

    Each has so many pixels of the screen, or is twice as large as it is.
    """
    pictures = list(shown.pictures)
    if shown.image:
        title, *more = shown.words
        pictures.insert(0, replace(shown.image, title=title, remark="; ".join(more)))
    if len(pictures) > _MOST_LARGE:
        return picture_grid(
            (
                _picture(one, size),
                element("span", element("strong", one.title), element("br"), remark(one.remark)),
            )
            for one in pictures
        )
    figures = [figure(_picture(one, size), one.remark, one.title) for one in pictures]
    return row(figures, narrow=len(figures) == _MOST_LARGE)


def _picture(one: Shown, size: int | None) -> Element:
    return picture(one.pixels, one.alt, size=size or 2 * max(one.pixels.shape[1:]))


def _unbroken(line: str) -> str:
    return line.replace(" ", "\N{NO-BREAK SPACE}") if len(line) <= _SHORT else line


def _cell(one: Shown, size: int | None) -> Element:
    name = [element("br"), remark(one.title)] if one.title else []
    return element("span", _picture(one, size), *name)


class Sheet:
    """A drawing whose parts are placed in inches from its upper left corner.

    Args:
        title: What is to be seen.
    """

    def __init__(self, title: str):
        self.bottom = HEAD  # where it ends as yet
        self._parts: list[Callable[[Figure], object]] = []
        self._pictures: list[tuple[Pixels, tuple[float, float, float, float]]] = []
        self.write(MARGIN, 0.4, shorten(title, _TITLE), fontsize=18, fontweight="bold")

    def place(
        self, left: float, top: float, size: tuple[float, float], draw: Callable[[Axes], object]
    ) -> None:
        """Keep room for a part, of a width and height."""

        def add(figure: Figure) -> None:
            width, height = figure.get_size_inches()
            bottom = height - top - size[1]
            corner = left / width, bottom / height
            draw(figure.add_axes((*corner, size[0] / width, size[1] / height)))

        self._parts.append(add)

    def write(self, left: float, middle: float, text: str, **settings: Any) -> None:
        """Words, by their left end and their middle."""
        settings = {"fontsize": 11, "ha": "left", "va": "center", **settings}

        def add(figure: Figure) -> None:
            width, height = figure.get_size_inches()
            figure.text(left / width, 1 - middle / height, text, **settings)

        self._parts.append(add)

    def show(self, pixels: Pixels, left: float, top: float, size: tuple[float, float]) -> None:
        """A picture with its pixels to be seen; images have a frame."""
        self._pictures.append((pixels, (left, left + size[0], top + size[1], top)))

    def finish(self) -> Figure:
        """All of it, with a margin below."""
        from lenet.core import Drawing

        size = WIDTH, self.bottom + MARGIN
        figure = Drawing(figsize=size, dpi=100, facecolor="white")
        for add in self._parts:
            add(figure)
        # All pictures on one ground: axes for each would take most of the time.
        ground = figure.add_axes((0, 0, 1, 1), zorder=-1)
        for pixels, extent in self._pictures:
            shown = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
            ground.imshow(shown, "gray", vmin=0, vmax=255, interpolation="nearest", extent=extent)
            if len(pixels) != 4:
                left, right, bottom, top = extent
                ground.plot(
                    [left, right, right, left, left], [top, top, bottom, bottom, top],
                    color=OTHER, linewidth=0.8, clip_on=False, solid_joinstyle="miter",
                )  # fmt: skip
        ground.set(xlim=(0, size[0]), ylim=(size[1], 0), aspect="auto")
        ground.axis("off")
        return figure


def draw_gallery(sheet: Sheet, gallery: Gallery) -> None:
    """Draw a gallery below what is there: title, words, and the rows in one column or two."""
    top = sheet.bottom
    if gallery.title:
        sheet.write(MARGIN, top + 0.1, gallery.title, fontweight="bold", fontsize=13)
        top += 0.27
    lines = textwrap.wrap(gallery.said, _MOST_CHARACTERS)
    for index, line in enumerate(lines):
        sheet.write(MARGIN, top + 0.09 + _LINE * index, line, color=MUTED)
    top += _LINE * len(lines) + (0.13 if lines else 0)
    halves = 1 + (0 < len(gallery.columns) <= 2 and len(gallery.rows) > _MOST_ROWS)
    down = -(-len(gallery.rows) // halves)
    lead = gallery.words + (gallery.image + 0.1 if gallery.image else 0)
    most = max((len(one.pictures) for one in gallery.rows), default=1)
    step = (WIDTH / halves - 2 * MARGIN - lead) / most
    for half in range(halves):
        left, at = MARGIN + half * WIDTH / 2, top
        if len(gallery.columns) > 1:
            for index, name in enumerate(gallery.columns):
                name = shorten(name, int(step * _CHARACTERS[0]))
                sheet.write(left + lead + index * step, at + 0.08, name, fontweight="bold")
            at += 0.27
        for one in gallery.rows[half * down : (half + 1) * down]:
            at += _draw_row(sheet, gallery, one, (left, at), lead, step) + _SPACE
        sheet.bottom = max(sheet.bottom, at + 0.1)


def _draw_row(
    sheet: Sheet, gallery: Gallery, one: Row, corner: tuple[float, float], lead: float, step: float
) -> float:
    """Draw the image, the words, the pictures with their captions; gives the height of it all."""
    left, top = corner
    heights = [0.0]
    if one.image:
        size = fit(one.image.pixels, gallery.image, gallery.image)
        sheet.show(one.image.pixels, left, top, size)
        heights.append(size[1])
    if gallery.words:
        colour = VERDICTS[one.is_right] if one.image else "black"
        at = left + lead - gallery.words
        _write_lines(sheet, at, top + 0.1, gallery.words, one.words, colour)
        heights.append(_LINE * len(one.words))
    for index, shown in enumerate(one.pictures):
        at = left + lead + index * step
        size = fit(shown.pixels, min(gallery.width, step - (0.3 if step > 4 else 0.1)))
        sheet.show(shown.pixels, at, top, size)
        colour = "black" if shown.is_right is None else VERDICTS[shown.is_right]
        lines = [shown.title, *(shown.remark.split("\n") if shown.remark else [])]
        lines = lines if any(lines) else []
        _write_lines(sheet, at, top + size[1] + 0.12, step, lines, colour)
        heights.append(size[1] + _LINE * len(lines))
    return max(heights)


def _write_lines(
    sheet: Sheet, left: float, top: float, width: float, lines: Sequence[str], colour: str
) -> None:
    """A name, and what is said below it in small type."""
    for index, line in enumerate(lines):
        room = int(width * _CHARACTERS[index > 0])
        style = {"color": MUTED, "fontsize": 9.5} if index else {"color": colour, "weight": "bold"}
        sheet.write(left, top + _LINE * index, shorten(line, room), **style)


def fit(pixels: Pixels, width: float, height: float = np.inf) -> tuple[float, float]:
    """The width and height that a picture has in a room."""
    tall, wide = pixels.shape[1:]
    scale = min(width / wide, height / tall)
    return wide * scale, tall * scale


def shorten(name: str, most: int) -> str:
    """A name that may be long, for where there is little room."""
    name = escape_name(name)
    return name if len(name) <= most else f"{name[: max(1, most - 1)]}…"


def draw_galleries(title: str, galleries: Sequence[Gallery]) -> Figure:
    """Draw galleries below each other."""
    sheet = Sheet(title)
    for gallery in galleries:
        draw_gallery(sheet, gallery)
    return sheet.finish()
