"""What the network saw, for a person to look at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lenet.pictures import Pixels
from lenet.serving.prediction._predict import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHADES = " .:-=+*#%@"
_COLUMNS = 4  # of answers in a picture


def image_text(image: Pixels, colour: bool) -> str:
    """An image as text for a terminal.

    Args:
        image: uint8 (C, H, W).
        colour: Whether the terminal shows colours: then a character is two pixels, one above the
            other; else it is one pixel in one of ten shades, and every second row is left out.

    >>> print(image_text(np.array([[[0, 255], [0, 255]]], np.uint8), colour=False))
     @
    """
    pixels = np.broadcast_to(image, (3, *image.shape[1:])) if len(image) == 1 else image
    if not colour:
        grey = pixels.mean(axis=0)[::2]
        shades = (grey * (len(_SHADES) - 1) / 255).round().astype(int)
        return "\n".join("".join(_SHADES[shade] for shade in row).rstrip() for row in shades)
    if pixels.shape[1] % 2:
        pixels = np.pad(pixels, ((0, 0), (0, 1), (0, 0)))
    lines = []
    for upper, lower in zip(
        pixels[:, ::2].swapaxes(0, 1), pixels[:, 1::2].swapaxes(0, 1), strict=True
    ):
        pairs = np.concatenate([upper, lower]).T
        cells = ("\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*pair) for pair in pairs)
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


def draw_predictions(answers: Sequence[Prediction], pictures: Sequence[Pixels]) -> Figure:
    """Draw each picture with what the network saw of it and the likeliest classes.

    Args:
        answers: At least one.
        pictures: The picture of each, uint8 (H, W) or (H, W, 3).

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from lenet.core import Drawing

    columns = min(_COLUMNS, len(answers))
    rows = -(-len(answers) // columns)
    figure = Drawing(figsize=(4.4 * columns, 1.9 * rows + 0.2), layout="constrained")
    axes = figure.subplots(rows, 3 * columns, squeeze=False, width_ratios=[1, 1, 0.9] * columns)
    for place in axes.flat:
        place.set_axis_off()
    for number, (answer, picture) in enumerate(zip(answers, pictures, strict=True)):
        row, column = divmod(number, columns)
        original, seen, words = axes[row, 3 * column : 3 * column + 3]
        _draw_one(original, seen, words, answer, picture)
    return figure


def _draw_one(original: Axes, seen: Axes, words: Axes, answer: Prediction, picture: Pixels) -> None:
    """A picture, what was seen of it, and the answer."""
    from matplotlib.patches import Rectangle

    original.imshow(picture, cmap="gray", vmin=0, vmax=255)
    height, width = picture.shape[:2]
    top, left, bottom, right = np.array(answer.seen.box) * (height, width, height, width)
    corner = left - 0.5, top - 0.5
    box = Rectangle(corner, right - left, bottom - top, fill=False, edgecolor="tab:orange", lw=1.5)
    original.add_patch(box)
    image = answer.seen.image.transpose(1, 2, 0)
    seen.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
    seen.set_title("what the network sees", fontsize=8)
    original.set_title(_shortened(os.path.basename(answer.source)), fontsize=8)
    words.text(0, 0.92, answer.class_name or "none of these", fontsize=15, weight="bold", va="top")
    likeliest = "\n".join(f"{share:6.1%}  {name}" for name, share in answer.top)
    words.text(0, 0.6, likeliest, fontsize=8, va="top", family="monospace")


def _shortened(name: str, most: int = 24) -> str:
    """The end of a long name, where files differ."""
    return name if len(name) <= most else f"…{name[1 - most :]}"
