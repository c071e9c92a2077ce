from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lenet.core import check_range, escape_name
from lenet.datasets._dataset import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAP = 2  # pixels between images, before they are enlarged
_LEAST_SIDE = 56  # pixels that an image has on the sheet
_DOTS = 100  # an inch
_GROUND = (222, 222, 226)  # on which black and white images stand out
_MARGIN = 15  # dots around all


def draw_contact_sheet(dataset: Dataset, per_class: int = 10, seed: int = 0) -> Figure:
    """Draw training images of every class, a row a class.

    Args:
        dataset: The images.
        per_class: How many images a row has at most, from 1 to 100.
        seed: Decides which are drawn from a class.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        SettingError: `per_class` is out of range.
    """
    check_range("per_class", per_class, 1, 100)
    sheet = _compose(dataset, per_class, np.random.default_rng(seed))
    from lenet.core import Drawing

    row_height = dataset.image_shape[1] + _GAP
    factor = max(1, round(_LEAST_SIDE / dataset.image_shape[1]))
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    names = [
        f"{_shortened(escape_name(name))} ({count:,})"
        for name, count in zip(dataset.class_names, counts.tolist(), strict=True)
    ]
    sheet = sheet.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = sheet.shape[:2]
    figure = Drawing(figsize=(width / _DOTS, height / _DOTS), dpi=_DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_frame_on(False)
    axes.set_xticks([])
    middles = (np.arange(len(names)) + 0.5) * row_height * factor
    axes.set_yticks(middles, names, fontsize=9, parse_math=False)
    axes.tick_params(length=0)
    title = f"{escape_name(dataset.name)}: training images"
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    words = figure.get_tightbbox()
    # In whole dots, so that no pixel of an image is wider than another.
    left, below = (math.ceil(_MARGIN - _DOTS * end) for end in words.min)
    right, above = (math.ceil(_MARGIN + _DOTS * end) for end in words.max)
    whole = left + right, below + above
    figure.set_size_inches(whole[0] / _DOTS, whole[1] / _DOTS)
    axes.set_position((left / whole[0], below / whole[1], width / whole[0], height / whole[1]))
    return figure


def _compose(
    dataset: Dataset, per_class: int, generator: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The images on their ground, uint8 (H, W, 3)."""
    _, height, width = dataset.image_shape
    labels = dataset.train.labels
    columns = min(per_class, int(np.bincount(labels).max()))
    cell = height + _GAP, width + _GAP
    shape = (len(dataset.class_names) * cell[0], columns * cell[1], 3)
    sheet = np.full(shape, _GROUND, np.uint8)
    for row in range(len(dataset.class_names)):
        members = np.flatnonzero(labels == row)
        chosen = np.sort(generator.permutation(members)[:columns])
        for column, index in enumerate(chosen):
            image = dataset.train.images[index].transpose(1, 2, 0)
            top, left = row * cell[0] + _GAP // 2, column * cell[1] + _GAP // 2
            sheet[top : top + height, left : left + width] = image
    return sheet


def _shortened(name: str) -> str:
    """A name that leaves room for the images."""
    return name if len(name) <= 24 else f"{name[:23]}…"
