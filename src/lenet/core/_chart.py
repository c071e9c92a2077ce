"""What a chart shows, whoever draws it: a page as SVG, a file by matplotlib, a terminal in dots."""

from dataclasses import dataclass
from typing import Literal

_PAGE_COLOURS = 10  # of the stylesheet
_MARKS = 4  # shapes


@dataclass(frozen=True)
class Series:
    """What is drawn in a chart in one colour.

    Attributes:
        name: What the legend calls it.
        points: Horizontal and vertical values.
        kind: `line` joins the points; `marks` sets a mark at each, whose shape differs from series
            to series; `marked-line` does both; `bars` stand on the axis.
        colour: Which of the stylesheet's ten, or of a file's seven, from 1; counted on if there are
            more series.
        ranges: From where to where each value may lie, as many as there are points: a band along a
            line, else whiskers.
        bar_width: Of bars, in the horizontal axis's unit.
        notes: What each mark tells when it is pointed at, as many as there are points, all of which
            are finite then; its values where nothing is given.
        mark_size: The radius of a mark in pixels.
        dashes: Which of four a file's line has, from 0; on a page they follow from the colour.
        is_chosen: Whether it is what a person chose: yellow with an edge, as no other series is.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    kind: Literal["line", "marks", "marked-line", "bars"] = "line"
    colour: int = 1
    ranges: tuple[tuple[float, float], ...] = ()
    bar_width: float = 1.0
    notes: tuple[str, ...] = ()
    mark_size: float = 3.2
    dashes: int = 0
    is_chosen: bool = False

    @property
    def style(self) -> int:
        """Which of the stylesheet's colours, and which dashes go with it, from 0."""
        return (self.colour - 1) % _PAGE_COLOURS

    @property
    def mark(self) -> int:
        """Which mark goes with it, from 0; colours that come again have another one."""
        return (self.colour - 1 + (self.colour - 1) // _PAGE_COLOURS) % _MARKS

    @property
    def has_line(self) -> bool:
        """Whether the points are joined."""
        return self.kind in ("line", "marked-line")
