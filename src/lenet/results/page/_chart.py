"""Charts as SVG, in colours of the page's stylesheet, so that they suit light and dark."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from lenet.core import Series as Series
from lenet.results.page._page import Element, element, stylesheet

_LEFT, _LABEL, _RIGHT, _TOP, _BOTTOM = 53, 14, 22, 12, 42
_CHARACTER = 8.0  # the width of one, about
_DASHES = ("", "7 4", "2 4", "9 3 2 3")


@dataclass(frozen=True)
class Axis:
    """One direction of a chart.

    Attributes:
        label: What is measured.
        low: Where it begins.
        high: Where it ends, above `low`.
        ticks: The values that are written beside it; round ones if there are none here.
        is_share: Whether values are shares, which are written in per cent.
    """

    label: str
    low: float
    high: float
    ticks: tuple[float, ...] = ()
    is_share: bool = False

    def write(self, value: float) -> str:
        """A value as it stands beside the axis."""
        if self.is_share:
            return f"{100 * value:.4g} %"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


@dataclass(frozen=True)
class _Frame:
    """Where values lie on a drawing of some pixels."""

    x: Axis
    y: Axis
    width: int
    height: int

    def across(self, value: float) -> float:
        """How far from the left a horizontal value is drawn."""
        left = _LEFT + (_LABEL if self.y.label else 0)
        share = (value - self.x.low) / (self.x.high - self.x.low)
        return round(left + share * (self.width - left - _RIGHT), 2)

    def down(self, value: float) -> float:
        """How far from the top a vertical value is drawn."""
        share = (value - self.y.low) / (self.y.high - self.y.low)
        return round(self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM), 2)

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        x, y = self.x, self.y
        return self.across(x.low), self.across(x.high), self.down(y.low), self.down(y.high)


def _draw_axes(frame: _Frame) -> list[Element]:
    """Grid lines, ticks and labels."""
    x, y = frame.x, frame.y
    left, right, bottom, top = frame.sides
    drawn = []
    for value in y.ticks or round_ticks(y.low, y.high):
        at = frame.down(value)
        drawn.append(element("line", x1=left, x2=right, y1=at, y2=at, class_="grid"))
        drawn.append(_words(y.write(value), "tick", anchor="end", x=left - 6, y=at + 4))
    for value in _spaced([*(x.ticks or round_ticks(x.low, x.high))], frame):
        at = frame.across(value)
        drawn.append(element("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis"))
        drawn.append(_words(x.write(value), "tick", x=at, y=bottom + 17))
    drawn.append(element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    drawn.append(_words(x.label, "label", x=(left + right) / 2, y=frame.height - 6))
    if y.label:
        turned = f"translate(13 {(bottom + top) / 2:g}) rotate(-90)"
        drawn.append(_words(y.label, "label", transform=turned))
    return drawn


def _words(text: str, class_: str, anchor: str = "middle", **place: float | str) -> Element:
    return element("text", text, **place, text_anchor=anchor, class_=class_)


def _spaced(values: list[float], frame: _Frame) -> list[float]:
    """Those horizontal values whose texts don't run into each other."""
    kept: list[float] = []
    for value in values:
        text = frame.x.write(value)
        if not kept or frame.across(value) - frame.across(kept[-1]) > _CHARACTER * (len(text) + 1):
            kept.append(value)
    return kept


def round_ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Round values from `low` to `high`, about `count` of them.

    >>> round_ticks(0, 1)
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


@cache
def series_colours() -> tuple[str, ...]:
    """The stylesheet's colours for series, in light."""
    return tuple(re.findall(r"--series: light-dark\((#\w+),", stylesheet()))


def _draw_series(series: Series, frame: _Frame) -> Element:
    """A series' bands, lines, bars and marks; values that are not finite are left out."""
    drawn = []
    points = [point for point in series.points if all(map(math.isfinite, point))]
    places = [(frame.across(x), frame.down(y)) for x, y in points]
    if series.has_line and series.ranges:
        drawn.append(_band(series, frame))
    if series.has_line:
        drawn.append(_line(series, places))
    if series.kind == "bars":
        drawn += [_bar(series, frame, x, y) for x, y in points]
    if series.kind in ("marks", "marked-line") or (series.has_line and len(points) == 1):
        notes = series.notes or [_told(series, frame, *point) for point in points]
        drawn += [_mark(series, *at, told) for at, told in zip(places, notes, strict=True)]
    if series.ranges and not series.has_line:
        drawn += [
            element("line", x1=x, x2=x, y1=low, y2=high, class_="whisker")
            for x, low, high in _reaches(series, frame)
        ]
    return element("g", *drawn, class_=_class_of(series))


def _class_of(series: Series) -> str:
    return "series-chosen" if series.is_chosen else f"series-{series.style + 1}"


def _draw_sample(series: Series) -> Element:
    """A piece of what a series looks like, for a legend."""
    drawn = []
    if series.kind == "bars":
        drawn.append(element("rect", x=6, y=1, width=14, height=10, class_="bar"))
    if series.has_line:
        drawn.append(_line(series, [(0, 6), (26, 6)]))
    if series.kind in ("marks", "marked-line"):
        drawn.append(_mark(replace(series, mark_size=Series.mark_size), 13, 6, ""))
    return element(
        "svg",
        element("g", *drawn, class_=_class_of(series)),
        viewBox="0 0 26 12",
        width=26,
        height=12,
        aria_hidden="true",
    )


def _line(series: Series, places: list[tuple[float, float]]) -> Element:
    dashes = _DASHES[series.style % len(_DASHES)] or None
    return element("polyline", points=_path(places), stroke_dasharray=dashes, class_="line")


def _bar(series: Series, frame: _Frame, x: float, y: float) -> Element:
    left, right = (frame.across(x + side * series.bar_width / 2) for side in (-1, 1))
    top, bottom = frame.down(y), frame.down(frame.y.low)
    return element(
        "rect",
        element("title", _told(series, frame, x, y)),
        x=left + 1,
        y=top,
        width=max(round(right - left - 2, 2), 1.0),
        height=max(round(bottom - top, 2), 0.0),
        class_="bar",
    )


def _reaches(series: Series, frame: _Frame) -> list[tuple[float, float, float]]:
    """Where each range lies on the drawing: across, lower end, upper end."""
    return [
        (frame.across(x), frame.down(low), frame.down(high))
        for (x, _), (low, high) in zip(series.points, series.ranges, strict=True)
        if all(map(math.isfinite, (x, low, high)))
    ]


def _band(series: Series, frame: _Frame) -> Element:
    reaches = _reaches(series, frame)
    corners = [(x, high) for x, _, high in reaches] + [(x, low) for x, low, _ in reversed(reaches)]
    return element("polygon", points=_path(corners), class_="band")


def _told(series: Series, frame: _Frame, x: float, y: float) -> str:
    return f"{series.name}: {frame.y.write(y)} at {frame.x.write(x)}"


def _mark(series: Series, x: float, y: float, told: str) -> Element:
    """A mark whose shape differs from series to series: colour alone tells nothing apart."""
    title = [element("title", told)] if told else []
    size = series.mark_size
    if series.mark == 0:
        return element("circle", *title, cx=x, cy=y, r=size, class_="mark")
    if series.mark == 1:
        side = 2 * size - 0.8
        corner = {"x": round(x - side / 2, 2), "y": round(y - side / 2, 2)}
        return element("rect", *title, **corner, width=side, height=side, class_="mark")
    reach = size + 0.8
    corners = [(0, -reach), (reach, 0), (0, reach), (-reach, 0)]
    if series.mark == 3:
        corners = [(0, -reach), (reach, reach * 0.8), (-reach, reach * 0.8)]
    places = [(round(x + right, 2), round(y + down, 2)) for right, down in corners]
    return element("polygon", *title, points=_path(places), class_="mark")


def _path(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def draw_chart(
    series: Sequence[Series],
    x: Axis,
    y: Axis,
    alt: str,
    *,
    width: int = 400,
    height: int = 260,
    diagonal: bool = False,
) -> Element:
    """Draw a chart, with a legend where there is more than one series.

    Args:
        series: What to draw; later ones lie above earlier ones. Values that are not finite are
            left out.
        x: The horizontal axis.
        y: The vertical axis.
        alt: What is to be seen, for those who don't see it.
        width: In pixels, where the page is that wide.
        height: In pixels.
        diagonal: Whether a line leads from the lower left to the upper right.

    >>> falling = Series("loss", ((0, 2.3), (1, 0.5)))
    >>> chart = draw_chart([falling], Axis("epoch", 0, 1), Axis("loss", 0, 3), "The loss falls.")
    >>> chart.tag, chart.children[0].tag
    ('div', 'svg')
    """
    frame = _Frame(x, y, width, height)
    left, right, bottom, top = frame.sides
    drawing = element(
        "svg",
        *_draw_axes(frame),
        *(_draw_series(one, frame) for one in series),
        *([element("line", x1=left, y1=bottom, x2=right, y2=top, class_="diagonal")] * diagonal),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=alt,
    )
    samples = (element("li", _draw_sample(one), one.name) for one in series if one.name)
    legend = [element("ul", *samples, class_="legend")] if len(series) > 1 else []
    return element("div", *legend, drawing, class_="chart")
