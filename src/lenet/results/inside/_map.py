"""The map of what the last layer sees: its marks, and the images at their places."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lenet.errors import ModelError
from lenet.results._wording import whole_percent
from lenet.results.inside._gallery import HEAD, MARGIN, MUTED, Colours, Sheet, fit, shorten
from lenet.results.inside._inspection import Inspection, Sample
from lenet.results.inside._neighbours import Projection
from lenet.results.inside._pictures import MOST_TOLD
from lenet.results.page._chart import Axis, Series, series_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 900, 780  # pixels of the map of images
_LONGEST = 28  # pixels of an image's longer side; larger ones are made smaller
_FRAME = _SPACE = 2
_CHOSEN = "#ffd33d"  # as in the stylesheet; with an edge, as no class has it
_MANY = 400  # marks, which are smaller then
_SMALL, _LARGE, _INPUT = 2.6, 3.6, 8.0  # the radius of a mark, and of an input's


def draw_map(inspection: Inspection) -> Figure:
    """Draw the map of what the last layer sees: marks coloured by class, and images beside them.

    Args:
        inspection: With its map.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        ModelError: There is no map, as there are no images for it.
    """
    sheet = Sheet("How the network arranges images")
    sheet.write(MARGIN, HEAD + 0.02, describe_map(inspection), color=MUTED)
    sheet.place(0.55, HEAD + 0.3, (5.3, 5.5), partial(_draw_marks, inspection))
    images, _ = map_of_images(inspection)
    sheet.show(images, 6.2, HEAD + 0.3, fit(images, 6.35))
    sheet.bottom += 6.75
    return sheet.finish()


def _draw_marks(inspection: Inspection, axes: Axes) -> None:
    for one in map_series(inspection):
        axes.scatter(
            [x for x, _ in one.points],
            [y for _, y in one.points],
            s=(1.44 * one.mark_size) ** 2,
            color=_CHOSEN if one.is_chosen else series_colours()[one.style],
            marker="osD^"[one.mark],
            linewidths=1.5 if one.is_chosen else 0,
            edgecolors="black",
            alpha=1 if one.is_chosen else 0.8,
            label=shorten(one.name, 28 if one.is_chosen else 12),
        )
    across, down = map_axes(inspection)
    axes.set(xticks=[], yticks=[], xlabel=across.label, ylabel=down.label)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=5, frameon=False, fontsize=9.5,
        handletextpad=0.1, columnspacing=0.9,
    )  # fmt: skip


def _mapped(inspection: Inspection) -> tuple[Projection, Sample]:
    """The map and the images on it."""
    if inspection.map is None or inspection.sample is None:
        message = "There is no map: it needs the dataset's images."
        raise ModelError(message)
    return inspection.map, inspection.sample


def describe_map(inspection: Inspection) -> str:
    """What is on the map, and what its directions are."""
    projection, sample = _mapped(inspection)
    said = f"{len(sample.examples):,} {sample.place} images as the last layer"
    said += " sees them: "
    if projection.shares is None:
        return said + "t-SNE, which keeps neighbours together"
    across, down = map(whole_percent, projection.shares)
    return said + f"the two directions of most variance (PCA, {across} and {down} of it)"


def map_series(inspection: Inspection) -> list[Series]:
    """A mark for each image, by class, and a large one for each input if there are few."""
    projection, sample = _mapped(inspection)
    points, names = projection.points, inspection.card.class_names
    labels = sample.examples.labels
    size = _SMALL if len(labels) > _MANY else _LARGE
    series = []
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        notes = tuple(
            f"{names[label]}, {sample.place}:{number}" for number in sample.numbers[chosen]
        )
        places = tuple((float(x), float(y)) for x, y in points[chosen])
        colour = int(label) + 1
        series.append(Series(names[label], places, "marks", colour, notes=notes, mark_size=size))
    if len(inspection.observations) <= MOST_TOLD:
        for number, one in enumerate(inspection.observations, 1):
            x, y = points[len(labels) + number - 1]
            mark = Series(
                one.subject.title,
                ((float(x), float(y)),),
                "marks",
                number,
                notes=(one.subject.title,),
                mark_size=_INPUT,
                is_chosen=True,
            )
            series.append(mark)
    return series


def map_axes(inspection: Inspection) -> tuple[Axis, Axis]:
    """The map's directions, with some room at their ends."""
    projection, _ = _mapped(inspection)
    axes = []
    for direction, order in enumerate(("first", "second")):
        values = projection.points[:, direction]
        low, high = float(values.min()), float(values.max())
        room = 0.03 * (high - low) or 1.0
        label = f"{order} direction"
        if projection.shares is not None:
            label += f", {whole_percent(projection.shares[direction])} of variance"
        axes.append(Axis(label if projection.shares else "", low - room, high + room))
    return axes[0], axes[1]


def map_of_images(inspection: Inspection) -> tuple[Colours, int]:
    """Put the sample's images on the map, framed in their class's colour, where there is room.

    Returns:
        The map, (4, H, W), transparent where nothing is, and how many images are on it.
    """
    projection, sample = _mapped(inspection)
    images, labels = sample.examples.images, sample.examples.labels
    points = projection.points[: len(images)]
    palette = np.array([tuple(bytes.fromhex(one[1:])) for one in series_colours()], np.uint8)
    factor = max(1, -(-max(images.shape[2:]) // _LONGEST))
    small = images[:, :, ::factor, ::factor]
    height, width = small.shape[2] + 2 * _FRAME, small.shape[3] + 2 * _FRAME
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    shares = (points - low) / np.where(size, size, 1)
    lefts = np.rint(shares[:, 0] * (_WIDTH - width)).astype(int)
    tops = np.rint((1 - shares[:, 1]) * (_HEIGHT - height)).astype(int)
    whole = np.zeros((4, _HEIGHT, _WIDTH), np.uint8)
    placed = 0
    for index in np.random.default_rng(0).permutation(len(images)):  # no class goes before others
        left, top = lefts[index], tops[index]
        around = (
            slice(max(0, top - _SPACE), top + height + _SPACE),
            slice(max(0, left - _SPACE), left + width + _SPACE),
        )
        if whole[3][around].any():
            continue
        place = whole[:, top : top + height, left : left + width]
        place[3] = 255
        place[:3] = palette[labels[index] % len(palette)][:, None, None]
        place[:3, _FRAME:-_FRAME, _FRAME:-_FRAME] = small[index]  # grey fills all three colours
        placed += 1
    return whole, placed
