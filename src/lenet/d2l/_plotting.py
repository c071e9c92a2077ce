"""matplotlib as the tutorial uses it."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from lenet.core import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Over ssh there is no window, and `plt.show()` in a tutorial's program is then no mistake.
warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")

__all__ = ["plot", "plt", "set_axes", "set_figsize", "show_images", "use_svg_display"]


def use_svg_display() -> None:
    """Let a notebook draw pictures as SVG; elsewhere there is nothing to do. Section 2.4."""
    if "IPython" in sys.modules:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size of new figures, in inches. Section 2.4."""
    use_svg_display()
    plt.rcParams["figure.figsize"] = figsize


def set_axes(
    axes: Axes,
    xlabel: str | None,
    ylabel: str | None,
    xlim: Sequence[float] | None,
    ylim: Sequence[float] | None,
    xscale: str,
    yscale: str,
    legend: Sequence[str] | None,
) -> None:
    """Set labels, ranges, scales and legend of a picture, and a grid. Section 2.4."""
    axes.set_xlabel(xlabel or "")
    axes.set_ylabel(ylabel or "")
    axes.set_xscale(xscale)
    axes.set_yscale(yscale)
    if xlim is not None and xlim[0] != xlim[1]:  # a training of one epoch goes from 1 to 1
        axes.set_xlim(xlim[0], xlim[1])
    if ylim is not None:
        axes.set_ylim(ylim[0], ylim[1])
    if legend:
        axes.legend(legend)
    axes.grid()


def plot(
    X: Any,
    Y: Any = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    legend: Sequence[str] | None = None,
    xlim: Sequence[float] | None = None,
    ylim: Sequence[float] | None = None,
    xscale: str = "linear",
    yscale: str = "linear",
    fmts: Sequence[str] = ("-", "m--", "g-.", "r:"),
    figsize: tuple[float, float] = (3.5, 2.5),
    axes: Axes | None = None,
) -> None:
    """Draw lines through points. Section 2.4.

    Args:
        X: Where the points are: numbers for all lines, or a list of such, one for each line.
        Y: How high, in the same form; without it, X is how high, and points are counted from 0.
        xlabel: Label of the x axis.
        ylabel: Label of the y axis.
        legend: A name for each line.
        xlim: Range of the x axis.
        ylim: Range of the y axis.
        xscale: `linear` or `log`.
        yscale: `linear` or `log`.
        fmts: Styles in matplotlib's letters, one for each line in turn.
        figsize: Width and height in inches of a new figure.
        axes: Where to draw in place of what is there; by default in the current figure.
    """
    heights = _lines(X if Y is None else Y)
    places = [range(len(line)) for line in heights] if Y is None else _lines(X)
    if len(places) == 1:
        places *= len(heights)
    set_figsize(figsize)
    if axes is None:
        figure = plt.gcf() if plt.get_fignums() else plt.figure(FigureClass=Drawing)
        axes = figure.gca()
    axes.cla()
    lines = zip(places, heights, strict=True)
    for (x, y), style in zip(lines, itertools.cycle(fmts), strict=False):
        axes.plot(x, y, style)
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)


def _lines(values: Any) -> list[Any]:
    """The numbers of each line, from those of one line or of several."""
    values = _numbers(values)
    return list(values) if len(values) and np.ndim(values[0]) else [values]


def _numbers(values: Any) -> Any:
    """Tensors and tables as arrays, also those with a gradient or on a GPU."""
    if isinstance(values, (list, tuple)):
        return [_numbers(value) for value in values]
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values) if hasattr(values, "ndim") else values


def show_images(
    imgs: Iterable[Any],
    num_rows: int,
    num_cols: int,
    titles: Sequence[str] | None = None,
    scale: float = 1.5,
) -> np.ndarray[Any, Any]:
    """Draw images in rows. Section 3.5.

    Args:
        imgs: Tensors or arrays of shape (H, W), (1, H, W), (H, W, 3) or (H, W, 4), or Pillow's
            images.
        num_rows: Rows of images.
        num_cols: Images in a row.
        titles: A title for each image.
        scale: Width and height of an image in inches.

    Returns:
        The axes, one for each image, of shape (num_rows * num_cols,).
    """
    figsize = (num_cols * scale, num_rows * scale)
    figure = plt.figure(figsize=figsize, FigureClass=Drawing)
    axes = figure.subplots(num_rows, num_cols, squeeze=False).flatten()
    for index, (axis, image) in enumerate(zip(axes, imgs, strict=False)):
        pixels = np.asarray(_numbers(image))
        axis.imshow(pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels)
        axis.xaxis.set_visible(False)
        axis.yaxis.set_visible(False)
        if titles:
            axis.set_title(titles[index])
    return axes
