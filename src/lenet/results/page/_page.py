from dataclasses import dataclass
from pathlib import Path

from lenet.results.page._element import Node, element, render

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


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
