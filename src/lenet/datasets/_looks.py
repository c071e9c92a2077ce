"""What is seen of everything that may be given as a picture, or holds many."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenet.datasets._sources import find_pictures, holds_many, read_many
from lenet.errors import DatasetError
from lenet.pictures import (
    SUFFIXES,
    PictureSource,
    Pixels,
    Preparation,
    PreparedPicture,
    is_array,
    look_at,
    look_at_each,
    notice_several,
    pictures_in,
    read_picture,
    refuse_0_and_1,
    to_pixels,
)

if TYPE_CHECKING:
    from lenet.datasets.readers._contents import RawPictures

PictureHolder = PictureSource | PreparedPicture | npt.ArrayLike  # what `predict` takes


class Look(NamedTuple):
    """What was seen of a picture, or of a symbol in it."""

    source: str
    row: str | None
    seen: PreparedPicture


def each_picture(pictures: PictureHolder | Iterable[PictureHolder]) -> Iterable[PictureHolder]:
    """The pictures one after the other, also of one alone; a batch and a folder are one here."""
    if isinstance(pictures, tuple):
        pictures = without_label(pictures)
    if isinstance(pictures, Sized) and not isinstance(pictures, Iterable):
        # A `Dataset` of PyTorch counts its examples and gives each, and is not gone through.
        count = len(pictures)
        pictures = map(cast("Sequence[PictureHolder]", pictures).__getitem__, range(count))
    is_one = (
        isinstance(pictures, (str, Path))
        or is_content(pictures)
        or not isinstance(pictures, Iterable)
    )
    return [pictures] if is_one else pictures  # type: ignore[list-item,return-value]


def is_content(thing: object) -> bool:
    """Whether it is a picture, or a batch of them, rather than where one lies."""
    is_known = isinstance(thing, (bytes, Image.Image, PreparedPicture))
    return is_known or hasattr(thing, "read") or is_array(thing)


def looks_of(
    pictures: Iterable[PictureHolder], preparation: Preparation, many: bool, label_column: str
) -> Iterator[tuple[str, str | None, Callable[[], list[PreparedPicture]]]]:
    """How each picture is called, and what sees it."""
    for source in map(without_label, pictures):
        if not isinstance(source, (str, Path)) or _is_one(source):
            yield _name(source), None, partial(_see, source, preparation, many)
            continue
        try:
            for inner in find_pictures([str(source)]) if os.path.isdir(source) else [source]:
                if inner is not source and inner != str(source):
                    yield _name(inner), None, partial(_see, inner, preparation, many)
                elif os.path.isdir(source) or holds_many(source):  # of a folder that is known
                    for part in read_many(source, label_column):
                        for row, see in _looks_at(part, f"`{source}`", preparation, many):
                            yield str(source), row, see
                else:
                    yield _name(source), None, partial(_see, source, preparation, many)
        except DatasetError as error:
            yield str(source), None, partial(_fail, error)


def without_label(source: Any) -> Any:
    """A picture or a batch by itself where it stands in a pair with what it shows."""
    if not isinstance(source, (tuple, list)) or len(source) != 2 or is_array(source):
        return source
    picture, label = source
    is_label = isinstance(label, (int, np.integer)) or (is_array(label) and np.shape(label) == ())
    if is_array(picture) and len(np.shape(picture)) > 2 and not is_label:
        is_label = is_array(label) and np.shape(label) == np.shape(picture)[:1]
    is_picture = is_array(picture) or isinstance(picture, (Image.Image, bytes, Path))
    return picture if is_picture and is_label else source


def _is_one(path: Path | str) -> bool:
    """Whether a path is quickly known to be that of one picture."""
    return os.path.splitext(path)[1].lower() in SUFFIXES and not os.path.isdir(path)


def _looks_at(
    part: RawPictures, place: str, preparation: Preparation, many: bool
) -> Iterator[tuple[str, Callable[[], list[PreparedPicture]]]]:
    """The same for some pictures of a table or dataset, which are on one scale."""
    values = part.pictures
    if not isinstance(values, np.ndarray):
        for row, picture in zip(part.names, values, strict=True):
            yield row, partial(_see, picture, preparation, many)
        return
    refuse_0_and_1(values, place, preparation.pixel_range)
    images = to_pixels(values, preparation.pixel_range, place)
    for row, image in zip(part.names, images, strict=True):
        yield row, partial(_look, image, preparation, many)


def _fail(error: DatasetError) -> list[PreparedPicture]:
    raise error


def _see(source: PictureHolder, preparation: Preparation, many: bool) -> list[PreparedPicture]:
    """What is seen of a picture or a batch, once or of each symbol in it."""
    if isinstance(source, PreparedPicture):
        return [source]
    if is_array(source):
        pictures = pictures_in(source, preparation)
    else:
        pictures = [read_picture(source, pixel_range=preparation.pixel_range)]  # type: ignore[arg-type]
    if many:
        return [seen for pixels in pictures for seen in look_at_each(pixels, preparation)]
    return [notice_several(one, look_at(one, preparation), preparation) for one in pictures]


def _look(image: Pixels, preparation: Preparation, many: bool) -> list[PreparedPicture]:
    """The same for an image of a dataset, in which nobody wonders whether there are several."""
    return look_at_each(image, preparation) if many else [look_at(image, preparation)]


def _name(source: PictureHolder) -> str:
    if isinstance(source, (str, Path)):
        return str(source)
    if is_array(source):
        return "picture"
    return str(getattr(source, "name", None) or getattr(source, "filename", None) or "picture")
