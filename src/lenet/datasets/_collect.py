"""From what files hold to images of one size with their labels."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.datasets._contents import Contents, Label, Piece
from lenet.datasets._parts import Part
from lenet.errors import ArrayError, DataFileError
from lenet.pictures import (
    Numbers,
    Preparation,
    Spread,
    is_deep,
    pick_range,
    prepare,
    read_values,
    spread_of,
    to_pixels,
)

_NAMED = 5  # unreadable pictures in an error
_TOGETHER = 8  # pictures that a thread reads in one go
_MOST_THREADS = 4  # a picture may take 400 MB while it is decoded
_OTHER_UNIT = 100  # times the range of the training pictures, or a share of it

# What is done with pictures of more than 8 bits, if any are met: raise an `UnknownRangeError`; cut
# off what lies outside of the range; refuse what lies far outside, as for pictures to be answered.
Deep = Literal["raise", "clip", "check"]
Keep = Callable[[Part | None, npt.NDArray[np.uint8], Sequence[Label]], None]


@dataclass
class PartImages:
    """The examples of a part.

    Attributes:
        images: uint8 (n, C, H, W) each.
        labels: One an example, as the files have them.
    """

    images: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass
class Collected:
    """All examples, by part.

    Attributes:
        parts: Those that hold examples.
        sizes: How many pictures had which height and width.
        skipped: Why which pictures were passed over.
    """

    parts: dict[Part | None, PartImages] = field(default_factory=dict)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)


class UnknownRangeError(Exception):
    """There are pictures of more than 8 bits, and what is black and white is not known yet."""


class _Prepared(NamedTuple):
    """A picture that was read: its image and its size; or why it could not be."""

    image: npt.NDArray[np.uint8] | None
    size: tuple[int, int]
    failure: str = ""


def collect(
    contents: Contents,
    preparation: Preparation,
    *,
    deep: Deep = "raise",
    skip_bad: bool = False,
    progress: Callable[[int], None] | None = None,
    keep: Keep | None = None,
) -> Collected:
    """Read and prepare everything, a piece at a time.

    Args:
        contents: Where the examples come from.
        preparation: How pictures become images.
        deep: What is done with pictures of more than 8 bits.
        skip_bad: Pass over pictures that can't be read.
        progress: Is told how many examples more were read.
        keep: Takes the examples of each piece: part, images and labels. Without it they are all
            kept in memory.

    Raises:
        DataFileError: A file can't be read, or pictures can't and are not to be skipped.
        UnknownRangeError: There are pictures of more than 8 bits, and `deep` is `raise`.
    """
    collected = Collected()
    keep = keep or partial(_keep_in_memory, collected)
    with _threads() as pool:
        for piece in contents.read():
            if not len(piece.labels):
                continue
            _add(collected, keep, piece, preparation, deep, pool)
            if progress:
                progress(len(piece.labels))
    if collected.skipped and not skip_bad:
        raise DataFileError(_unreadable(collected.skipped))
    return collected


def measure_range(
    contents: Contents, progress: Callable[[int], None] | None = None
) -> tuple[float, ...]:
    """Find the one range for all pictures of more than 8 bits, by those that are for training.

    Args:
        contents: Where they come from. What can't be read is passed over.
        progress: As for `collect`.

    Raises:
        DataFileError: A file can't be read, or the other parts are plainly in another unit.
    """
    spreads: dict[Part, list[Spread]] = {}
    with _threads() as pool:
        for piece in contents.read():
            found = (
                [spread_of(piece.pictures)]
                if isinstance(piece.pictures, np.ndarray)
                else pool.map(_spread_in_file, piece.pictures)
            )
            known = spreads.setdefault(piece.part or "train", [])
            known += [spread for spread in found if spread is not None]
            if progress:
                progress(len(piece.labels))
    ranges = {part: pick_range(known) for part, known in spreads.items() if known}
    if not ranges:
        return ()
    main = "train" if "train" in ranges else next(iter(ranges))
    low, high = ranges[main]
    for part, (lowest, highest) in ranges.items():
        ratio = max(abs(lowest), abs(highest)) / max(abs(low), abs(high))
        if not 1 / _OTHER_UNIT < ratio < _OTHER_UNIT:
            message = (
                f"The {part} pictures hold values from {lowest:g} to {highest:g}, the {main} "
                f"pictures from {low:g} to {high:g}; bring them to the same unit."
            )
            raise DataFileError(message)
    return low, high


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))


def _spread_in_file(picture: Path | bytes) -> Spread | None:
    """Which values a picture of more than 8 bits holds; nothing if it has 8 or can't be read."""
    try:
        return spread_of(read_values(picture))
    except DataFileError:  # which is told when it is prepared
        return None


def _keep_in_memory(
    collected: Collected,
    part: Part | None,
    images: npt.NDArray[np.uint8],
    labels: Sequence[Label],
) -> None:
    """Add the examples of a piece to those before."""
    examples = collected.parts.setdefault(part, PartImages())
    examples.images.append(images)
    examples.labels += labels


def _add(
    collected: Collected,
    keep: Keep,
    piece: Piece,
    preparation: Preparation,
    deep: Deep,
    pool: ThreadPoolExecutor,
) -> None:
    """Prepare a piece."""
    labels = list(piece.labels)
    if isinstance(piece.pictures, np.ndarray):
        place = piece.places[0] if piece.places else "The data"
        images = _prepare_array(_pixels(piece.pictures, preparation, deep, place), preparation)
        collected.sizes[piece.pictures.shape[1:3]] += len(labels)
    else:
        prepared = _prepare_encoded(piece.pictures, piece.places, preparation, deep, pool)
        for one in prepared:
            if one.image is None:
                collected.skipped.append(one.failure)
            else:
                collected.sizes[one.size] += 1
        readable = [
            (one.image, label)
            for one, label in zip(prepared, labels, strict=True)
            if one.image is not None
        ]
        if not readable:
            return
        images = np.stack([image for image, _ in readable])
        labels = [label for _, label in readable]
    keep(piece.part, images, labels)


def _prepare_array(
    pictures: npt.NDArray[np.uint8], preparation: Preparation
) -> npt.NDArray[np.uint8]:
    """Images that have one size already; those of the wished size are taken as they are."""
    as_wished = (preparation.channels, preparation.height, preparation.width)
    shape = (1, *pictures.shape[1:]) if pictures.ndim == 3 else (3, *pictures.shape[1:3])
    if shape == as_wished and preparation.method == "plain":
        return pictures[:, None] if pictures.ndim == 3 else pictures.transpose(0, 3, 1, 2)
    return np.stack([prepare(picture, preparation) for picture in pictures])


def _prepare_encoded(
    pictures: Sequence[Path | bytes],
    places: Sequence[str],
    preparation: Preparation,
    deep: Deep,
    pool: ThreadPoolExecutor,
) -> list[_Prepared]:
    """Decode and prepare pictures; decoders let other threads work meanwhile."""

    def work(start: int) -> list[_Prepared]:
        span = slice(start, start + _TOGETHER)
        return [
            _prepare_one(*one, preparation, deep)
            for one in zip(pictures[span], places[span], strict=True)
        ]

    return list(chain.from_iterable(pool.map(work, range(0, len(pictures), _TOGETHER))))


def _pixels(
    values: Numbers, preparation: Preparation, deep: Deep, place: str
) -> npt.NDArray[np.uint8]:
    """Numbers as they were read as pixels."""
    if deep == "raise" and is_deep(values):
        raise UnknownRangeError
    try:
        return to_pixels(values, preparation.pixel_range, place, clip=deep == "clip")
    except ArrayError as error:
        raise DataFileError(str(error)) from error


def _prepare_one(
    picture: Path | bytes, place: str, preparation: Preparation, deep: Deep
) -> _Prepared:
    """Decode and prepare a picture, or say why it can't be."""
    try:
        pixels = _pixels(read_values(picture), preparation, deep, place)
        return _Prepared(prepare(pixels, preparation), (pixels.shape[0], pixels.shape[1]))
    except DataFileError as error:
        reason = str(error)
        return _Prepared(None, (0, 0), reason if place in reason else f"{place}: {reason}")


def _unreadable(failures: list[str]) -> str:
    """The error that names what can't be read."""
    first = "\n".join(f"  {failure}" for failure in failures[:_NAMED])
    more = f"\n  and {len(failures) - _NAMED:,} more" if len(failures) > _NAMED else ""
    count = "1 picture" if len(failures) == 1 else f"{len(failures):,} pictures"
    return (
        f"{count} can't be read:\n{first}{more}\n"
        "Mend or remove them, or pass over them with `--skip-bad` (`skip_bad=True`)."
    )
