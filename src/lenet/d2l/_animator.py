from __future__ import annotations

import atexit
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from lenet.core import Drawing
from lenet.d2l._plotting import plt, set_axes, use_svg_display
from lenet.training import Curve, draw_terminal_curves, in_notebook

_COLOURS = ("cyan", "magenta", "green", "red")
_PLOT_SIZE = (70, 10)  # columns and lines in a terminal
_SHARE = 0.2  # of the time between two points that drawing may take

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        """Draw all lines anew into the figure."""
        axes = self.axes[0]
        axes.cla()
        for x, y, style in zip(self.X, self.Y, self.fmts, strict=False):
            axes.plot(x, y, style)
        set_axes(axes, *self._axes_settings)

    def _pick_screen(self) -> Any:
        """How to show the figure: in a cell, in a window, in the terminal, or not at all."""
        if in_notebook():
            return _Cell(self)
        if getattr(self.fig.canvas, "required_interactive_framework", None):
            return lambda: plt.pause(0.001)
        console = Console()
        if console.is_terminal and console.encoding.lower().startswith("utf"):
            return _Terminal(self, console)
        return lambda: None

    def curves(self) -> list[Curve]:
        """The lines with their names and colours, for a terminal."""
        names = self.legend + [""] * (len(self.X) - len(self.legend))
        lines = zip(names, self.X, self.Y, strict=False)
        return [
            Curve(name, _COLOURS[index % len(_COLOURS)], list(zip(x, y, strict=True)))
            for index, (name, x, y) in enumerate(lines)
        ]


class _Cell:
    """A notebook's output cell, whose picture is replaced."""

    def __init__(self, animator: Animator):
        self._figure = animator.fig
        self._handle: Any = None
        plt.close(self._figure)  # else the notebook shows it once more at the end of the cell

    def __call__(self) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(self._figure, display_id=True)
        else:
            self._handle.update(self._figure)


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
        """Leave the picture standing."""
        self._live.stop()
