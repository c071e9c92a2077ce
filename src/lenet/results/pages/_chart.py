"""Charts as SVG, in colours of the page's stylesheet, so that they suit light and dark."""

from collections.abc import Sequence

from lenet.results.pages._chart_frame import Axis, Frame, draw_axes, draw_diagonal
from lenet.results.pages._chart_series import Series, draw_sample, draw_series
from lenet.results.pages._element import Element, element


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
    frame = Frame(x, y, width, height)
    drawing = element(
        "svg",
        *draw_axes(frame),
        *(draw_series(one, frame) for one in series),
        *([draw_diagonal(frame)] if diagonal else []),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=alt,
    )
    legend = [_legend(series)] if len(series) > 1 else []
    return element("div", *legend, drawing, class_="chart")


def _legend(series: Sequence[Series]) -> Element:
    """Each series' sample and name."""
    return element(
        "ul",
        *(element("li", draw_sample(one), one.name) for one in series if one.name),
        class_="legend",
    )
