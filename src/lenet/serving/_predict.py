"""What pictures show, and the answers drawn."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lenet.core import check_range, escape_name
from lenet.datasets import Look, PictureHolder, each_picture, is_content, looks_of
from lenet.errors import DatasetError, SettingError
from lenet.pictures import (
    Pixels,
    PreparedPicture,
)
from lenet.runs import Run
from lenet.serving._models import TrainedModel, is_model, open_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BATCH = 256  # images that are classified at once
_SHADES = " .:-=+*#%@"
_COLUMNS = 4  # of answers in a picture
_LONGEST_NAME = 24  # characters above a picture

Doubt = Literal["blank", "unsure", "far"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a picture, or a symbol in it, shows.

    Attributes:
        source: The picture's file, or what else it is called.
        class_name: What it shows; `None` for none of the classes.
        probability: How likely the likeliest class is, 0 to 1; 0 where there is nothing to be seen.
        top: The likeliest classes with their probabilities, from the likeliest on; none where there
            is nothing to be seen. `_none` is no such class.
        doubt: Why it is none of the classes: there is nothing in it (`blank`), unless the model
            knows empty pictures; no class is likely enough (`unsure`); or one is, and the picture
            is unlike all that it learnt (`far`).
        seen: The image that the network got, and where it lies in the picture.
        row: What a table, an archive or a dataset calls the picture, by its number where it has no
            other name; `None` for a picture that is a file of its own.
        threshold: The least probability of an answer that was asked for, 0 to 1.
        none_probability: How likely it is that it is none of the classes, where the network was
            taught what is none, by counter-examples; 0 otherwise. No less likely class is answered.
        distance: How far the picture lies from the nearest class, where the model knows distances;
            0 otherwise.
        reach: At which distance an answer is given at most, unless the threshold is 0.
    """

    source: str
    class_name: str | None
    probability: float
    top: tuple[tuple[str, float], ...]
    doubt: Doubt | None
    seen: PreparedPicture
    row: str | None = None
    threshold: float = 0.0
    none_probability: float = 0.0
    distance: float = 0.0
    reach: float = 0.0


def predict(
    model: TrainedModel | Run | Path | str,
    pictures: PictureHolder | Iterable[PictureHolder],
    *,
    top: int = 3,
    threshold: float | None = None,
    many: bool = False,
    pixel_range: tuple[float, ...] | None = None,
    runs_folder: Path | str = "runs",
) -> list[Prediction]:
    """Say what pictures show.

    Each picture is read, brought into the form that the network was taught on, and classified. An
    answer that is less likely than the model's threshold, or than `_none` where the network was
    taught counter-examples, is none of the classes, and so is what lies too far from all of them.

    Args:
        model: `digits` or `fashion`, which are bundled; a model file; a run, its folder or name, or
            `latest`; or what `open_model` gave.
        pictures: One picture or several: paths, bytes of files, open files, Pillow's images,
            arrays, tensors or lists of numbers; paths of tables, archives and datasets as
            `load_dataset` takes them, with labels or without, and of folders of pictures; or what
            `lenet.pictures.look_at` saw. An array is one picture, (H, W), (1, H, W), (H, W, C) or a
            row of its pixels, or a batch, (N, H, W), (N, C, H, W) or (N, H, W, C), with 1, 3 or 4
            channels; a data frame has one in each row. Labels beside them, as a `DataLoader` gives
            them, are left aside. uint8 goes from 0 to 255, and so do other whole numbers; uint16
            from 0 to 65535; floats from 0 to 1, or from 0 to 255 where one of the array is above
            16; booleans are black and white. A network that was taught on pictures of more than 8
            bits takes all but uint8 and booleans in the unit of those.
        top: How many classes to give, at least 1.
        threshold: The least probability of an answer, 0 to 1, and 0 to answer always; where none is
            given, the one that was measured on the model's validation images.
        many: Whether a picture holds several symbols, which are cut out and answered one by one:
            line by line, each from the left.
        pixel_range: Which values of pictures of more than 8 bits are black and white, where these
            are not those that the network was taught on.
        runs_folder: Where names of runs are looked for.

    Returns:
        The answers in the order of the pictures, one each, also for one picture; with `many`, as
        many as there are symbols.

    Raises:
        PictureError: A picture can't be read.
        ArrayError: An array is no picture, its shape can be read in two ways, or its values are
            negative, not finite or of another range.
        RunError, ModelError: The model can't be had or used.
        SettingError: A setting is out of range, symbols are to be cut where that is not possible,
            or the pictures stand before the model.

    >>> strokes = np.full((90, 90), 255, np.uint8)
    >>> strokes[15:75, 42:48] = 0
    >>> [answer.class_name for answer in predict("digits", strokes)]
    ['1']
    """
    _check_order(model, pictures, runs_folder)
    opened = (
        model if isinstance(model, TrainedModel) else open_model(model, runs_folder=runs_folder)
    )
    answers = predict_each(
        each_picture(pictures),
        opened,
        top=top,
        threshold=threshold,
        many=many,
        pixel_range=pixel_range,
    )
    return list(answers)


def _check_order(model: object, pictures: object, runs_folder: Path | str) -> None:
    """Raise the `SettingError` for pictures in the place of the model, where they once stood."""
    is_swapped = isinstance(model, (list, tuple)) or is_content(model)
    if isinstance(model, (str, Path)):
        is_swapped = isinstance(pictures, (TrainedModel, Run)) or (
            isinstance(pictures, (str, Path))
            and is_model(str(pictures), runs_folder)
            and not is_model(str(model), runs_folder)
        )
    if is_swapped:
        message = 'The model comes first, as in `lenet.predict("latest", pictures)`.'
        raise SettingError(message)


def predict_each(
    pictures: Iterable[PictureHolder],
    model: TrainedModel,
    *,
    top: int = 3,
    threshold: float | None = None,
    many: bool = False,
    pixel_range: tuple[float, ...] | None = None,
    label_column: str = "",
    on_error: Callable[[DatasetError], None] | None = None,
) -> Iterator[Prediction]:
    """Say what any number of pictures show; they are read as the answers are asked for.

    Args:
        pictures: Anything that `predict` takes, and what `find_pictures` finds.
        model: What `open_model` gave.
        top: How many classes to give, at least 1.
        threshold: The least probability of an answer, 0 to 1; the model's own where none is given.
        many: Whether a picture holds several symbols, which are cut out and answered one by one.
        pixel_range: Which values of pictures of more than 8 bits are black and white, where these
            are not those that the network was taught on.
        label_column: Which column of a table holds labels, where it is not found by itself.
        on_error: Is told of each picture that can't be read, and the others go on; where none is
            given, the first one is an error.

    Raises:
        PictureError, ArrayError: A picture can't be read.
        DownloadError: A picture can't be fetched.
        SettingError: A setting is out of range, or symbols are to be cut where that is not
            possible.
    """
    check_range("top", top, 1, 10**6)
    is_number = isinstance(threshold, (int, float))
    if threshold is not None and not (is_number and 0 <= threshold <= 1):
        message = f"`threshold` must be from 0 to 1, not {threshold!r}."
        raise SettingError(message)
    preparation = model.card.preparation
    if pixel_range is not None:
        preparation = preparation.replace(pixel_range=pixel_range)
    waiting: list[Look] = []
    for source, row, see in looks_of(pictures, preparation, many, label_column):
        try:
            seen = see()
        except DatasetError as error:
            if on_error is None:
                raise
            on_error(error)
            continue
        waiting += [Look(source, row, one) for one in seen]
        if len(waiting) >= _BATCH:
            yield from _answers(waiting, model, top, threshold)
            waiting = []
    if waiting:
        yield from _answers(waiting, model, top, threshold)


def _answers(
    looks: list[Look], model: TrainedModel, top: int, threshold: float | None
) -> Iterator[Prediction]:
    """What a model makes of a batch."""
    decided = model.decide(np.stack([look.seen.image for look in looks]), threshold)
    calibration, names = model.card.calibration, model.card.classes
    least = calibration.threshold if threshold is None else threshold
    for number, (source, row, seen) in enumerate(looks):
        if seen.is_blank and not model.card.answers_blank:
            yield Prediction(
                source, None, 0.0, (), "blank", seen, row, least, reach=calibration.reach
            )
            continue
        shares, is_sure = decided.probabilities[number], bool(decided.is_sure[number])
        likeliest = np.argsort(-shares[: len(names)], kind="stable")[:top]
        yield Prediction(
            source,
            names[likeliest[0]] if is_sure else None,
            float(decided.probability[number]),
            tuple((names[index], float(shares[index])) for index in likeliest),
            None if is_sure else "far" if decided.is_far[number] else "unsure",
            seen,
            row,
            least,
            float(decided.none_probability[number]),
            float(decided.distance[number]),
            calibration.reach,
        )


def doubt_in_words(answer: Prediction) -> str:
    """Why an answer is none of the classes, in figures; empty where it is one of them.

    >>> blank = np.full((40, 40), 255, np.uint8)
    >>> [doubt_in_words(answer) for answer in predict("digits", blank)]
    ['nothing to be seen']
    """
    if answer.doubt is None:
        return ""
    if answer.doubt == "blank":
        return "nothing to be seen"
    if answer.doubt == "far":  # rounded away from each other, so that it looks so
        distance, reach = math.ceil(10 * answer.distance) / 10, math.floor(10 * answer.reach) / 10
        return f"unlike anything it learnt: distance {distance:.1f}, at most {reach:.1f}"
    if answer.none_probability > answer.probability or answer.probability >= answer.threshold:
        return f"rather none of these: {answer.none_probability:.1%}"
    share, needed = f"{answer.probability:.1%}", f"{answer.threshold:.1%}"
    if share == needed:  # cut off then, so that what is not enough does not look as if it were
        share = f"{math.floor(1000 * answer.probability) / 1000:.1%}"
    return f"not sure enough: {share}, {needed} needed"


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
    name = escape_name(os.path.basename(answer.source))
    shown = name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"
    original.set_title(shown, fontsize=8)  # the end of a long name, where files differ
    given = escape_name(answer.class_name or "none of these")
    words.text(0, 0.92, given, fontsize=15, weight="bold", va="top")
    rows = [f"{share:6.1%}  {escape_name(name)}" for name, share in answer.top]
    reason = ["", *doubt_in_words(answer).split(": ")] if answer.doubt else []
    lines = "\n".join([*rows, *reason])
    words.text(0, 0.6, lines, fontsize=8, va="top", family="monospace")
