"""matplotlib as the tutorial uses it, and the picture that grows while a network learns."""

from __future__ import annotations

import atexit
import itertools
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.live import Live

from lenet.core import Drawing, Series
from lenet.training import NotebookCell, draw_terminal_curves, in_notebook

import matplotlib.pyplot as plt  # isort: skip  # behind `Drawing`, which says if it is missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Over ssh there is no window, and `plt.show()` in a tutorial's program is then no mistake.
warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")

__all__ = ["Animator", "plot", "plt", "set_axes", "set_figsize", "show_images", "use_svg_display"]

_PLOT_SIZE = (70, 10)  # columns and lines in a terminal
_SHARE = 0.2  # of the time between two points that drawing may take


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


class Animator:
    """A picture whose lines grow point by point. Section 3.6.

    In a notebook it is drawn in the cell, with a window system in a window, in a terminal out of
    characters. Where there is none of these, nothing is drawn by itself and `d2l.plt.savefig`
    still writes the picture.

    Args:
        xlabel: Label of the x axis.
        ylabel: Label of the y axis.
        legend: A name for each line.
        xlim: Range of the x axis.
        ylim: Range of the y axis.
        xscale: `linear` or `log`.
        yscale: `linear` or `log`.
        fmts: A style for each line, in matplotlib's letters.
        nrows: Rows of pictures; the lines are in the first.
        ncols: Columns of pictures.
        figsize: Width and height in inches.
    """

    fig: Figure
    axes: list[Any]
    legend: list[str]
    xlim: Sequence[float] | None
    fmts: Sequence[str]

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Sequence[str] | None = None,
        xlim: Sequence[float] | None = None,
        ylim: Sequence[float] | None = None,
        xscale: str = "linear",
        yscale: str = "linear",
        fmts: Sequence[str] = ("-", "m--", "g-.", "r:"),
        nrows: int = 1,
        ncols: int = 1,
        figsize: tuple[float, float] = (3.5, 2.5),
    ):
        use_svg_display()
        self.fig, axes = plt.subplots(
            nrows, ncols, figsize=figsize, squeeze=False, FigureClass=Drawing
        )
        self.axes = list(axes.flat)
        self.legend, self.xlim, self.fmts = list(legend or ()), xlim, fmts
        self._axes_settings = (xlabel, ylabel, xlim, ylim, xscale, yscale, self.legend)
        self.X: list[list[float]] = []
        self.Y: list[list[float]] = []
        self._show = self._pick_screen()
        self._not_before = 0.0

    def add(self, x: Any, y: Any) -> None:
        """Add a point to each line.

        Args:
            x: Where, one number for all lines or one for each.
            y: How high, one number for each line; `None` leaves a line as it is.
        """
        ys = list(y) if hasattr(y, "__len__") else [y]
        xs = list(x) if hasattr(x, "__len__") else [x] * len(ys)
        while len(self.X) < len(ys):
            self.X.append([])
            self.Y.append([])
        for index, (x_value, y_value) in enumerate(zip(xs, ys, strict=True)):
            if x_value is not None and y_value is not None:
                self.X[index].append(float(x_value))
                self.Y[index].append(float(y_value))
        started = time.monotonic()
        if self.is_complete or started >= self._not_before:
            self._draw()
            self._show()
            ended = time.monotonic()
            self._not_before = ended + (ended - started) * (1 / _SHARE - 1)

    @property
    def is_complete(self) -> bool:
        """Whether every line has reached the end of the x axis."""
        if self.xlim is None or len(self.X) < len(self.legend):
            return False
        end = self.xlim[1]
        return all(x and x[-1] >= end for x in self.X)

    def _draw(self) -> None:
        axes = self.axes[0]
        axes.cla()
        for x, y, style in zip(self.X, self.Y, self.fmts, strict=False):
            axes.plot(x, y, style)
        set_axes(axes, *self._axes_settings)

    def _pick_screen(self) -> Any:
        """How to show the figure: in a cell, in a window, in the terminal, or not at all."""
        if in_notebook():
            plt.close(self.fig)  # else the notebook shows it once more at the end of the cell
            return partial(NotebookCell().show, self.fig)
        if getattr(self.fig.canvas, "required_interactive_framework", None):
            return lambda: plt.pause(0.001)
        console = Console()
        if console.is_terminal and console.encoding.lower().startswith("utf"):
            return _Terminal(self, console)
        return lambda: None

    def curves(self) -> list[Series]:
        """The lines with their names, for a terminal."""
        names = self.legend + [""] * (len(self.X) - len(self.legend))
        lines = zip(names, self.X, self.Y, strict=False)
        return [Series(name, tuple(zip(x, y, strict=True))) for name, x, y in lines]


class _Terminal:
    """The lower part of a terminal; what the program prints scrolls by above it."""

    _current: _Terminal | None = None

    def __init__(self, animator: Animator, console: Console):
        self._animator = animator
        self._live = Live(console=console, auto_refresh=False)

    def __call__(self) -> None:
        if _Terminal._current is not self:
            if _Terminal._current:
                _Terminal._current.close()
            _Terminal._current = self
            self._live.start()
            atexit.register(self.close)
        animator = self._animator
        end = animator.xlim[1] if animator.xlim else max(max(x, default=1.0) for x in animator.X)
        picture = draw_terminal_curves(animator.curves(), end, *_PLOT_SIZE)
        self._live.update(picture, refresh=True)
        if animator.is_complete:
            self.close()

    def close(self) -> None:
        self._live.stop()
