from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.errors import ModelError
from lenet.results.inside._inspection import Inspection
from lenet.results.inside._picture_map import picture_map
from lenet.results.inside._sheet import HEAD, MARGIN, MUTED, Sheet, shorten
from lenet.results.inside._wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = "os^Dv*PX<>p"
_HEIGHT = 6.1  # inches
_INK = 5000  # square points of all marks; few are large


def draw_map(inspection: Inspection) -> Figure:
    """Draw the map of what the last layer sees: marks coloured by class, and images beside them.

    Args:
        inspection: With its map.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        ModelError: There is no map, as there are no images for it.
    """
    if inspection.map is None or inspection.sample is None:
        message = "There is no map: it needs the dataset's images."
        raise ModelError(message)
    sheet = Sheet(HEAD + _HEIGHT + 0.9, "How the network arranges images")
    sheet.write(MARGIN, HEAD + 0.02, describe_map(inspection), color=MUTED)
    axes = sheet.place(0.55, HEAD + 0.3, 5.3, _HEIGHT - 0.6)
    _draw_marks(axes, inspection)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=5, frameon=False, fontsize=9.5,
        handletextpad=0.1, columnspacing=0.9, markerscale=1.6,
    )  # fmt: skip
    picture, _ = picture_map(inspection, class_colours(len(inspection.card.class_names)))
    sheet.show_colours(picture, 6.2, HEAD + 0.3, 6.35)
    return sheet.figure


def describe_map(inspection: Inspection) -> str:
    """What is on the map, and what its directions are."""
    assert inspection.map is not None
    assert inspection.sample is not None
    said = f"{len(inspection.sample.examples):,} {inspection.sample.place} images as the last layer"
    said += " sees them: "
    if inspection.map.shares is None:
        return said + "t-SNE, which keeps neighbours together"
    across, down = map(percent, inspection.map.shares)
    return said + f"the two directions of most variance (PCA, {across} and {down} of it)"


def class_colours(classes: int) -> npt.NDArray[np.uint8]:
    """A colour for each class, (classes, 3); they come again after twenty."""
    import matplotlib

    colours = matplotlib.colormaps["tab10" if classes <= 10 else "tab20"]
    indices = np.arange(classes) % colours.N
    return np.array(colours(indices, bytes=True)[:, :3], np.uint8)


def _draw_marks(axes: Axes, inspection: Inspection) -> None:
    """A mark for each image, and a star for each input."""
    assert inspection.map is not None
    assert inspection.sample is not None
    labels = inspection.sample.examples.labels
    points = inspection.map.points
    colours = class_colours(len(inspection.card.class_names)) / 255
    for label in np.unique(labels):
        of_class = points[: len(labels)][labels == label]
        axes.scatter(
            of_class[:, 0],
            of_class[:, 1],
            s=float(np.clip(_INK / len(labels), 11, 50)),
            color=colours[label],
            marker=_MARKS[label % len(_MARKS)],
            linewidths=0,
            alpha=0.8,
            label=shorten(inspection.card.class_names[label], 12),
        )
    axes.set(xticks=[], yticks=[])
    if len(inspection.observations) <= 2:
        for one, (x, y) in zip(inspection.observations, points[len(labels) :], strict=True):
            axes.scatter(x, y, s=260, marker="*", color="black", edgecolors="white", zorder=3)
            axes.annotate(
                shorten(one.subject.title, 28),
                (x, y),
                (9, 9),
                textcoords="offset points",
                fontsize=10,
                fontweight="bold",
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.5},
            )
