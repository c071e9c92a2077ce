"""Charts as SVG, in colours of the page's stylesheet, so that they suit light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lenet.pages._element import Element, element

SERIES_COLOURS = 8  # that the stylesheet has
_LEFT, _LABEL, _RIGHT, _TOP, _BOTTOM = 53, 14, 22, 12, 42
_DASHES = ("", "7 4", "2 4", "9 3 2 3")
_CHARACTER = 8.0  # the width of one, about
_MARK = 3.2  # the radius of a mark


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
class Series:
    """What is drawn in a chart in one colour.

    Attributes:
        name: What the legend calls it.
        points: Horizontal and vertical values.
        kind: `line` joins the points; `marks` sets a mark at each, whose shape differs from series
            to series; `marked-line` does both; `bars` stand on the axis.
        colour: Which of the stylesheet's eight, from 1; counted on if there are more series.
        ranges: From where to where each value may lie, drawn as a band or as whiskers.
        bar_width: Of bars, in the horizontal axis's unit.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    kind: Literal["line", "marks", "marked-line", "bars"] = "line"
    colour: int = 1
    ranges: tuple[tuple[float, float], ...] = ()
    bar_width: float = 1.0


@dataclass(frozen=True)
class _Frame:
    """Where values lie on the drawing."""

    x: Axis
    y: Axis
    width: int
    height: int

    def across(self, value: float) -> float:
        left = _LEFT + (_LABEL if self.y.label else 0)
        share = (value - self.x.low) / (self.x.high - self.x.low)
        return round(left + share * (self.width - left - _RIGHT), 2)

    def down(self, value: float) -> float:
        share = (value - self.y.low) / (self.y.high - self.y.low)
        return round(self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM), 2)


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
    drawing = element(
        "svg",
        *_axes(frame),
        *(part for one in series for part in _draw(one, frame)),
        *([_diagonal(frame)] if diagonal else []),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=alt,
    )
    legend = [_legend(series)] if len(series) > 1 else []
    return element("div", *legend, drawing, class_="chart")


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


def _axes(frame: _Frame) -> list[Element]:
    """Grid lines, ticks and labels."""
    x, y = frame.x, frame.y
    left, right = frame.across(x.low), frame.across(x.high)
    bottom, top = frame.down(y.low), frame.down(y.high)
    drawn = []
    for value in y.ticks or round_ticks(y.low, y.high):
        at = frame.down(value)
        drawn.append(element("line", x1=left, x2=right, y1=at, y2=at, class_="grid"))
        drawn.append(
            element("text", y.write(value), x=left - 6, y=at + 4, text_anchor="end", class_="tick")
        )
    for value in _spaced([*(x.ticks or round_ticks(x.low, x.high))], frame):
        at = frame.across(value)
        drawn.append(element("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis"))
        drawn.append(
            element(
                "text", x.write(value), x=at, y=bottom + 17, text_anchor="middle", class_="tick"
            )
        )
    drawn.append(element("line", x1=left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    middle = (left + right) / 2
    drawn.append(
        element("text", x.label, x=middle, y=frame.height - 6, text_anchor="middle", class_="label")
    )
    if y.label:
        middle = (bottom + top) / 2
        turned = f"translate(13 {middle:g}) rotate(-90)"
        drawn.append(
            element("text", y.label, transform=turned, text_anchor="middle", class_="label")
        )
    return drawn


def _spaced(values: list[float], frame: _Frame) -> list[float]:
    """Those horizontal values whose texts don't run into each other."""
    kept: list[float] = []
    for value in values:
        text = frame.x.write(value)
        if not kept or frame.across(value) - frame.across(kept[-1]) > _CHARACTER * (len(text) + 1):
            kept.append(value)
    return kept


def _diagonal(frame: _Frame) -> Element:
    """From the lower left to the upper right."""
    x, y = frame.x, frame.y
    return element(
        "line",
        x1=frame.across(x.low),
        y1=frame.down(y.low),
        x2=frame.across(x.high),
        y2=frame.down(y.high),
        class_="diagonal",
    )


def _draw(series: Series, frame: _Frame) -> list[Element]:
    """A series' bands, lines, bars and marks."""
    index = (series.colour - 1) % SERIES_COLOURS
    drawn = []
    points = [point for point in series.points if all(map(math.isfinite, point))]
    places = [(frame.across(x), frame.down(y)) for x, y in points]
    if series.ranges and series.kind != "bars":
        drawn.append(_band(series, frame))
    if series.kind == "bars":
        drawn += [_bar(series, frame, x, y) for x, y in points]
        drawn += _whiskers(series, frame)
    elif "line" in series.kind and places:
        path = " ".join(f"{x:g},{y:g}" for x, y in places)
        dashes = _DASHES[index % len(_DASHES)] or None
        drawn.append(element("polyline", points=path, stroke_dasharray=dashes, class_="line"))
    if "mark" in series.kind or ("line" in series.kind and len(places) == 1):
        for (x, y), point in zip(places, points, strict=True):
            told = f"{series.name}: {frame.y.write(point[1])} at {frame.x.write(point[0])}"
            drawn.append(_mark(index, x, y, told))
    return [element("g", *drawn, class_=f"series-{index + 1}")]


def _bar(series: Series, frame: _Frame, x: float, y: float) -> Element:
    """One bar."""
    left, right = (frame.across(x + side * series.bar_width / 2) for side in (-1, 1))
    top, bottom = frame.down(y), frame.down(frame.y.low)
    told = f"{series.name}: {frame.y.write(y)} at {frame.x.write(x)}"
    return element(
        "rect",
        element("title", told),
        x=left + 1,
        y=top,
        width=max(round(right - left - 2, 2), 1.0),
        height=max(round(bottom - top, 2), 0.0),
        class_="bar",
    )


def _whiskers(series: Series, frame: _Frame) -> list[Element]:
    """From where to where the value of each bar may lie."""
    return [
        element(
            "line",
            x1=frame.across(x),
            x2=frame.across(x),
            y1=frame.down(low),
            y2=frame.down(high),
            class_="whisker",
        )
        for (x, _), (low, high) in zip(series.points, series.ranges, strict=bool(series.ranges))
    ]


def _band(series: Series, frame: _Frame) -> Element:
    """From where to where the values of a line may lie."""
    corners = [*zip(series.points, series.ranges, strict=True)]
    upper = [(frame.across(x), frame.down(high)) for (x, _), (_, high) in corners]
    lower = [(frame.across(x), frame.down(low)) for (x, _), (low, _) in reversed(corners)]
    path = " ".join(f"{x:g},{y:g}" for x, y in [*upper, *lower])
    return element("polygon", points=path, class_="band")


def _mark(index: int, x: float, y: float, told: str) -> Element:
    """A mark whose shape differs from series to series: colour alone tells nothing apart."""
    title = [element("title", told)] if told else []
    if index % 4 == 0:
        return element("circle", *title, cx=x, cy=y, r=_MARK, class_="mark")
    if index % 4 == 1:
        side = 2 * _MARK - 0.8
        return element(
            "rect",
            *title,
            x=round(x - side / 2, 2),
            y=round(y - side / 2, 2),
            width=side,
            height=side,
            class_="mark",
        )
    reach = _MARK + 0.8
    corners = [(0, -reach), (reach, 0), (0, reach), (-reach, 0)]
    if index % 4 == 3:
        corners = [(0, -reach), (reach, reach * 0.8), (-reach, reach * 0.8)]
    path = " ".join(f"{round(x + right, 2):g},{round(y + down, 2):g}" for right, down in corners)
    return element("polygon", *title, points=path, class_="mark")


def _legend(series: Sequence[Series]) -> Element:
    """Each series' sample and name."""
    return element(
        "ul",
        *(element("li", _sample(one), one.name) for one in series if one.name),
        class_="legend",
    )


def _sample(series: Series) -> Element:
    """A piece of what a series looks like."""
    index = (series.colour - 1) % SERIES_COLOURS
    drawn = []
    if series.kind == "bars":
        drawn.append(element("rect", x=6, y=1, width=14, height=10, class_="bar"))
    if "line" in series.kind:
        dashes = _DASHES[index % len(_DASHES)] or None
        path = "0,6 26,6"
        drawn.append(element("polyline", points=path, stroke_dasharray=dashes, class_="line"))
    if "mark" in series.kind:
        drawn.append(_mark(index, 13, 6, ""))
    return element(
        "svg",
        element("g", *drawn, class_=f"series-{index + 1}"),
        viewBox="0 0 26 12",
        width=26,
        height=12,
        aria_hidden="true",
    )
