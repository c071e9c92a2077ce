"""What the sections of a page are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lenet.results.pages._element import Element, Node, element


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
    """The few figures that matter most, in large type.

    Args:
        values: Of each its name, the figure, and a remark that may be empty.
    """
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
    """Something that may be wider than the page; it scrolls in a box of its own.

    Args:
        content: What is wide.
        label: What it is, for those who hear the page.
    """
    return element("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[Node]], caption: str, *, class_: str = ""
) -> Element:
    """A table whose first column names the rows.

    Args:
        columns: The columns.
        rows: The cells; as many in each row as there are columns.
        caption: What it shows.
        class_: A class of the stylesheet.
    """
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
    """A picture or chart with a title above it and a caption below.

    Args:
        content: The picture or chart.
        caption: What is to be seen in it.
        title: Its name.
    """
    parts: list[Node] = [element("p", title, class_="title")] if title else []
    parts.append(content)
    if caption:
        parts.append(element("figcaption", caption))
    return element("figure", *parts)


def row(items: Iterable[Node], *, narrow: bool = False) -> Element:
    """Figures beside each other where there is room, else below each other.

    Args:
        items: The figures.
        narrow: Whether they need little room, so that more fit beside each other.
    """
    return element("div", *items, class_="row narrow-row" if narrow else "row")
