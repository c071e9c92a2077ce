"""The part of a chart that is there before anything is drawn in it: axes, ticks, labels."""

import math
from dataclasses import dataclass

from lenet.results.pages._element import Element, element

_LEFT, _LABEL, _RIGHT, _TOP, _BOTTOM = 53, 14, 22, 12, 42
_CHARACTER = 8.0  # the width of one, about


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
class Frame:
    """Where values lie on a drawing.

    Attributes:
        x: The horizontal axis.
        y: The vertical axis.
        width: Of the drawing, in pixels.
        height: Of the drawing, in pixels.
    """

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


def draw_axes(frame: Frame) -> list[Element]:
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


def _spaced(values: list[float], frame: Frame) -> list[float]:
    """Those horizontal values whose texts don't run into each other."""
    kept: list[float] = []
    for value in values:
        text = frame.x.write(value)
        if not kept or frame.across(value) - frame.across(kept[-1]) > _CHARACTER * (len(text) + 1):
            kept.append(value)
    return kept


def draw_diagonal(frame: Frame) -> Element:
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
