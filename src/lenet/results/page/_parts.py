"""What the sections of a page are made of."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from lenet.results.page._page import Element, Node, element

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        is_number: Whether it holds numbers, which are aligned to the right.
    """

    title: str
    is_number: bool = False


def paragraph(*content: Node) -> Element:
    """A paragraph."""
    return element("p", *content)


def note(*content: Node) -> Element:
    """A paragraph that stands out: something is missing, or must be known."""
    return element("p", *content, class_="note")


def bullets(items: Iterable[Node]) -> Element:
    """A list."""
    return element("ul", *(element("li", item) for item in items))


def remark(*content: Node) -> Element:
    """Something less important, in small type."""
    return element("span", *content, class_="remark")


def beside(left: Node, right: Node) -> Element:
    """Two things beside each other on wide screens, else below each other."""
    return element("div", left, right, class_="beside")


def code_block(text: str) -> Element:
    """Commands or other text to copy, in lines as they are."""
    return element("pre", element("code", text), tabindex="0")


def tiles(values: Iterable[tuple[str, Node, str]]) -> Element:
    """The few figures that matter most, in large type: name, figure, and a remark or nothing."""
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", name),
                element("dd", value),
                *([element("dd", remark, class_="remark")] if remark else []),
            )
            for name, value, remark in values
        ),
        class_="tiles",
    )


def facts(values: Iterable[tuple[str, Node]]) -> Element:
    """Names with their values, a line each."""
    pairs = (element("div", element("dt", name), element("dd", value)) for name, value in values)
    return element("dl", *pairs, class_="facts")


def scroll_box(content: Node, label: str) -> Element:
    """Something that may be wider than the page, in a box that scrolls; a label says what it is."""
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Node]], caption: str, *, class_: str = ""
) -> Element:
    """A table whose first column names the rows, which have as many cells as there are columns."""
    headings = (
        element("th", column.title, scope="col", class_="number" if column.is_number else None)
        for column in columns
    )
    body = (
        element(
            "tr",
            *(
                element("td", cell, class_="number" if column.is_number else None)
                if index
                else element("th", cell, scope="row")
                for index, (column, cell) in enumerate(zip(columns, cells, strict=True))
            ),
        )
        for cells in rows
    )
    content = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *headings)),
        element("tbody", *body),
        class_=class_ or None,
    )
    return scroll_box(content, caption)


def figure(content: Node, caption: Node = "", title: str = "") -> Element:
    """A picture or chart with a title above it and a caption below."""
    parts: list[Node] = [element("p", title, class_="title")] if title else []
    parts.append(content)
    if caption:
        parts.append(element("figcaption", caption))
    return element("figure", *parts)


def row(items: Iterable[Node], *, narrow: bool = False) -> Element:
    """Figures beside each other where there is room, of narrow ones more; else below each other."""
    return element("div", *items, class_="row narrow-row" if narrow else "row")


def picture(pixels: npt.NDArray[np.uint8], alt: str, *, size: int = 64) -> Element:
    """An image as it is, enlarged without smoothing and held by the page itself.

    Args:
        pixels: Grey or coloured, uint8 of shape (H, W), (1, H, W) or (3, H, W), or coloured with
            an opacity, (4, H, W).
        alt: What is to be seen, for those who don't see it.
        size: Pixels of the screen that its longer side may take; it is enlarged by a whole number.

    Raises:
        ValueError: The shape is none of these.

    >>> import numpy as np
    >>> dict(picture(np.zeros((28, 28), np.uint8), "nothing").attributes)["width"]
    '56'
    """
    from PIL import Image

    shown = pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels
    if shown.ndim == 3 and len(shown) in (3, 4):
        shown = shown.transpose(1, 2, 0)
    elif shown.ndim != 2:
        message = f"Pictures are grey or red, green and blue, not of shape {pixels.shape}."
        raise ValueError(message)
    height, width = shown.shape[:2]
    file = BytesIO()
    Image.fromarray(shown.copy(order="C")).save(file, format="PNG", optimize=True)
    longer = max(height, width)
    scale = size // longer if longer <= size else size / longer
    return element(
        "img",
        src=f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}",
        alt=alt,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        class_="pixels" if longer <= size else None,
    )


def picture_grid(items: Iterable[tuple[Element, Node]]) -> Element:
    """Pictures in rows, each with what stands below it."""
    entries = (
        element("li", element("figure", image, element("figcaption", caption)))
        for image, caption in items
    )
    return element("ul", *entries, class_="pictures")
