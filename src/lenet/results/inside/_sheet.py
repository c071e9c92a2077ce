"""A drawing whose parts are placed in inches, and the parts that all drawings have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lenet.results.inside._colours import Colours, ColourScale, Numbers
from lenet.results.inside._inspection import Observation
from lenet.results.inside._trace import Images
from lenet.results.inside._wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 12.8  # inches, at 100 dots each: 1280 pixels
MARGIN = 0.25
HEAD = 0.75  # what the title takes
MUTED = "#55606b"
RIGHT, WRONG, NEUTRAL, OTHER = "#0b7a55", "#b84d00", "#1463b8", "#9aa4ae"
_SHOWN_CLASSES = 5


class Sheet:
    """A figure that belongs to no window.

    Args:
        height: In inches, with the title and the margins.
        title: What is to be seen.
    """

    def __init__(self, height: float, title: str):
        from lenet.core import Drawing

        self.height = height
        self.figure = Drawing(figsize=(WIDTH, height), dpi=100, facecolor="white")
        self.write(MARGIN, 0.4, title, fontsize=18, fontweight="bold")

    def place(self, left: float, top: float, width: float, height: float) -> Axes:
        """Room for a part, in inches from the upper left corner."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        )

    def write(self, left: float, middle: float, text: str, **settings: Any) -> None:
        """Words, in inches from the upper left corner to their left end and their middle."""
        settings = {"fontsize": 11, "ha": "left", "va": "center", **settings}
        self.figure.text(left / WIDTH, 1 - middle / self.height, text, **settings)

    def show_image(self, image: Images, left: float, top: float, size: float) -> None:
        """An image (C, H, W) as it is, with its pixels to be seen; its longer side has the size."""
        height, width = (size * side / max(image.shape[1:]) for side in image.shape[1:])
        axes = self.place(left, top, width, height)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(OTHER)
        if len(image) == 3:
            axes.imshow(image.transpose(1, 2, 0), interpolation="nearest")
        else:
            axes.imshow(image[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")

    def show_numbers(
        self, numbers: Numbers, scale: ColourScale, left: float, top: float, width: float
    ) -> float:
        """Numbers (H, W) as colours; returns the height that they take."""
        return self.show_colours(scale.colour(numbers), left, top, width)

    def show_colours(self, colours: Colours, left: float, top: float, width: float) -> float:
        """A picture (4, H, W); returns the height that it takes."""
        height: float = width * colours.shape[1] / colours.shape[2]
        axes = self.place(left, top, width, height)
        axes.set_axis_off()
        axes.imshow(colours.transpose(1, 2, 0), interpolation="nearest")
        return height

    def show_probabilities(
        self,
        observation: Observation,
        names: tuple[str, ...],
        left: float,
        top: float,
        size: tuple[float, float],
    ) -> None:
        """The likeliest classes as bars; the label's is green, and a wrong answer's orange."""
        axes = self.place(left, top, *size)
        axes.set_facecolor("none")
        best = observation.probabilities.argsort()[::-1][:_SHOWN_CLASSES]
        label = observation.subject.label
        for place, index in enumerate(best):
            share = float(observation.probabilities[index])
            colour = NEUTRAL if label is None else WRONG if place == 0 else OTHER
            colour = RIGHT if index == label else colour
            axes.barh(place, share, color=colour, height=0.72)
            axes.text(share + 0.02, place, percent(share), va="center", fontsize=11)
        axes.set_yticks(range(len(best)), [shorten(names[index]) for index in best], fontsize=11)
        axes.set(xlim=(0, 1.3), ylim=(_SHOWN_CLASSES - 0.5, -0.5), xticks=[])
        axes.tick_params(axis="y", length=0)
        axes.spines[:].set_visible(False)


def shorten(name: str, most: int = 14) -> str:
    """A name that may be long, for where there is little room."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
