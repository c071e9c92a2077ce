"""A page as a tree, so that no text reaches it unescaped, and nothing comes from elsewhere."""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, Union

Node: TypeAlias = Union["Element", str]
AttributeValue: TypeAlias = str | float | bool | None

_TAGS = frozenset(
    """a abbr article aside bdi body br caption code dd details div dl dt em figcaption figure
    footer h1 h2 h3 h4 header hr html img kbd li main nav ol p pre section small span strong sub
    summary sup table tbody td th thead tr ul
    svg g circle line path polygon polyline rect text title""".split()
)
_EMPTY = frozenset({"br", "hr", "img"})
_ATTRIBUTE = re.compile(r"(?!on)[a-z][a-zA-Z0-9-]*")
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What an attribute that names another place may begin with: nothing is fetched from elsewhere.
_ADDRESSES = {"href": "#", "src": "data:image/"}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Element:
    """An element with its attributes and what stands in it; texts in it are escaped when rendered.

    Attributes:
        tag: Its name, one of those that a page without scripts needs.
        attributes: Names and values.
        children: Elements and texts.

    Raises:
        ValueError: The tag, an attribute or an address has no place in a self-contained page.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        if self.tag not in _TAGS:
            message = f"`{self.tag}` is no element of our pages."
            raise ValueError(message)
        for name, value in self.attributes:
            if not _ATTRIBUTE.fullmatch(name):
                message = f"`{name}` is no attribute of our pages."
                raise ValueError(message)
            if not value.startswith(_ADDRESSES.get(name, "")):
                message = f"`{name}` must begin with `{_ADDRESSES[name]}`, not lead elsewhere."
                raise ValueError(message)


def element(tag: str, *children: Node, **attributes: AttributeValue) -> Element:
    """Make an element.

    Args:
        tag: Its name.
        children: Elements and texts; texts are escaped.
        attributes: `class_` stands for `class` and `aria_label` for `aria-label`; those that are
            None or False are left out, and True is written without a value.

    Raises:
        ValueError: The tag, an attribute or an address has no place in a self-contained page.

    >>> render(element("p", "2 < 3, said ", element("em", "<script>"), class_="note"))
    '<p class="note">2 &lt; 3, said <em>&lt;script&gt;</em></p>'
    """
    written = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        text = "" if value is True else f"{value:.6g}" if isinstance(value, float) else str(value)
        written.append((name.rstrip("_").replace("_", "-"), text))
    return Element(tag, tuple(written), children)


def render(node: Node) -> str:
    """A tree as HTML."""
    if isinstance(node, str):
        return _escape(node)
    attributes = "".join(f' {name}="{_escape(value)}"' for name, value in node.attributes)
    opening = f"<{node.tag}{attributes}>"
    if node.tag in _EMPTY:
        return opening
    return f"{opening}{''.join(map(render, node.children))}</{node.tag}>"


def _escape(text: str) -> str:
    """A text as HTML; what can't be shown or encoded becomes the replacement character."""
    return html.escape(_UNSHOWABLE.sub("\ufffd", text))


def stylesheet() -> str:
    """How every page looks."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Section:
    """A part of a page, with an entry in the table of contents.

    Attributes:
        title: Its heading.
        anchor: Its name in addresses, such as `calibration`.
        content: What stands in it.
    """

    title: str
    anchor: str
    content: tuple[Node, ...]


@dataclass(frozen=True)
class Page:
    """A page that holds all that it shows: one file, no request to elsewhere, no script.

    It suits light and dark, phones and projectors, and paper.

    Attributes:
        title: The heading, and the name of the browser's tab.
        subtitle: A line under the heading.
        lead: What stands before the first section.
        sections: The parts, in order.
        footer: What stands at the end.

    >>> page = Page("Two < three", sections=(Section("Why", "why", ("Because.",)),))
    >>> page.to_html().splitlines()[4]
    '<title>Two &lt; three</title>'
    """

    title: str
    subtitle: str = ""
    lead: tuple[Node, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: tuple[Node, ...] = ()

    def to_html(self) -> str:
        """The page as the text of an HTML file."""
        head = [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{render(self.title)}</title>",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">',  # else browsers ask for /favicon.ico
            f"<style>\n{stylesheet()}</style>",
        ]
        return "\n".join([*head, render(self._body()), "</html>", ""])

    def _body(self) -> Node:
        heading = [element("h1", self.title)]
        if self.subtitle:
            heading.append(element("p", self.subtitle, class_="subtitle"))
        entries = (
            element("li", element("a", section.title, href=f"#{section.anchor}"))
            for section in self.sections
        )
        contents = element("nav", element("ol", *entries), aria_label="Contents")
        sections = (
            element("section", element("h2", section.title), *section.content, id=section.anchor)
            for section in self.sections
        )
        return element(
            "body",
            element("header", *heading),
            *([contents] if self.sections else []),
            element("main", *self.lead, *sections),
            *([element("footer", *self.footer)] if self.footer else []),
        )
