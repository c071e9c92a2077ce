"""What is shown to a network to see what happens: examples, averages, noise, pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets import Dataset, Split
from lenet.errors import ModelError, SettingError, UnknownNameError
from lenet.models import ModelCard
from lenet.pictures import prepare, read_picture
from lenet.results._networks import Images

Pixels = npt.NDArray[np.uint8]
_FORMS = (
    "the path of a picture, `class:NAME` for the average image of a class, `all:NAME` for all its "
    "images, `test:17` or `train:17` for an example, or `noise`"
)
_NEEDS_DATA = ("class", "all", "test", "train")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is shown to a network.

    Attributes:
        name: What it was asked for as, such as `test:17`.
        title: What it is, for a person.
        images: uint8 (N, C, H, W): one image, or several over whose activations is averaged.
        label: The class that it belongs to, if it belongs to one.
    """

    name: str
    title: str
    images: Images
    label: int | None = None

    @property
    def image(self) -> Images:
        """The image, or the average of the images, uint8 (C, H, W)."""
        return average_image(self.images)


def average_image(images: Images) -> Images:
    """The mean of images (N, C, H, W) in whole numbers, uint8 (C, H, W)."""
    total = np.zeros(images.shape[1:])
    for start in range(0, len(images), 1024):  # not all as floats at once
        total += images[start : start + 1024].sum(axis=0, dtype=np.float64)
    average: Images = np.rint(total / len(images)).astype(np.uint8)
    return average


def needs_data(one: str | Path | Images) -> bool:
    """Whether an input is made from a dataset's images."""
    return isinstance(one, str) and _parts(one)[0] in _NEEDS_DATA


def make_subject(one: str | Path | Images, card: ModelCard, data: Dataset | None = None) -> Subject:
    """What is meant by an input.

    Args:
        one: The path of a picture; `class:NAME` for the average image of a class, `all:NAME` for
            all its images, over whose activations is averaged; `test:17` or `train:17` for an
            example, counted from 0; `noise`, or `noise:3` for other noise; or an image itself,
            uint8 of shape (C, H, W) or (H, W). Classes are called by name or index.
        card: What the network's file says about it.
        data: The images for the forms that need a dataset; classes are of its test images, or of
            its training images where it has no others.

    Raises:
        SettingError: The input has none of these forms, or there is no such class or example.
        ModelError: An array is not an image of the network's shape.
        DatasetError: There is no dataset, or a picture can't be read.

    >>> from lenet.models import Normalisation
    >>> from lenet.pictures import Preparation
    >>> shape = (1, 28, 28)
    >>> card = ModelCard("lenet", {}, ("cat", "dog"), shape, Preparation.plain(shape))
    >>> make_subject("noise", card).images.shape
    (1, 1, 28, 28)
    """
    if isinstance(one, np.ndarray):
        return _from_array(one, card)
    word, value = _parts(one) if isinstance(one, str) else ("", "")
    if word == "noise":
        return _noise(str(one), value, card)
    if word in _NEEDS_DATA:
        if data is None:
            message = f"`{one}` needs the dataset, and there is none."
            raise SettingError(message)
        make: Callable[[str, str, Dataset], Subject] = (
            _example if word in ("test", "train") else _class_images
        )
        return make(word, value, data)
    return _from_file(one, card)


def one_of_each_class(data: Dataset, most: int) -> list[Subject]:
    """The first example of each class, of up to `most` classes."""
    split, place = usual_split(data)
    first = (np.flatnonzero(split.labels == index) for index in range(len(data.class_names)))
    numbers = [found[0] for found in first if len(found)]
    return [_example(place, str(number), data) for number in numbers[:most]]


def usual_split(data: Dataset) -> tuple[Split, str]:
    """The images that averages and maps are made of."""
    return (data.train, "train") if data.test is None else (data.test, "test")


def _parts(one: str) -> tuple[str, str]:
    """What stands before and after the colon."""
    word, _, value = one.partition(":")
    return word.lower(), value


def _from_array(image: Images, card: ModelCard) -> Subject:
    pixels = image[None] if image.ndim == 2 else image
    if pixels.dtype != np.uint8 or pixels.shape != card.input_shape:
        message = (
            f"The network takes uint8 images of shape {card.input_shape}, not {image.dtype} of "
            f"shape {image.shape}."
        )
        raise ModelError(message)
    return Subject("image", "an image", pixels[None])


def _from_file(path: str | Path, card: ModelCard) -> Subject:
    if not Path(path).exists():
        message = f"`{path}` is neither a file nor a run. Inputs are {_FORMS}."
        raise SettingError(message)
    pixels = read_picture(path, pixel_range=card.preparation.pixel_range)
    image = prepare(pixels, card.preparation)
    return Subject(str(path), Path(path).name, image[None])


def _noise(name: str, value: str, card: ModelCard) -> Subject:
    """Every pixel drawn on its own, all brightnesses alike."""
    seed = _number(name, value or "0")
    pixels = np.random.default_rng(seed).integers(256, size=(1, *card.input_shape), dtype=np.uint8)
    return Subject(name, f"noise {seed}" if seed else "noise", pixels)


def _example(place: str, value: str, data: Dataset) -> Subject:
    split = data.require_test() if place == "test" else data.train
    name = f"{place}:{value}"
    number = _number(name, value)
    if number >= len(split):
        message = f"`{name}`: `{data.name}` has {len(split):,} {place} images, counted from 0."
        raise SettingError(message)
    label = int(split.labels[number])
    return Subject(
        name, f"{data.class_names[label]} ({name})", split.images[number : number + 1], label
    )


def _class_images(word: str, value: str, data: Dataset) -> Subject:
    """A class as its average image, or as all its images."""
    label = _find_class(value, data.class_names)
    split, place = usual_split(data)
    images = split.images[split.labels == label]
    class_name = data.class_names[label]
    if not len(images):
        message = f"`{data.name}` has no {place} images of class `{class_name}`."
        raise SettingError(message)
    name = f"{word}:{class_name}"
    if word == "all":
        title = f"{class_name} (all {len(images):,} {place} images)"
        return Subject(name, title, images, label)
    return Subject(name, f"{class_name} (average image)", average_image(images)[None], label)


def _find_class(value: str, names: Sequence[str]) -> int:
    """The index of a class, by its name in any case, or by its number."""
    lowered = [name.lower() for name in names]
    if value.lower() in lowered:
        return lowered.index(value.lower())
    if value.isdecimal() and int(value) < len(names):
        return int(value)
    raise UnknownNameError("class", value, names)


def _number(name: str, value: str) -> int:
    """A whole number from 0 on."""
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        message = f"`{name}` needs a whole number after the colon, not `{value}`."
        raise SettingError(message)
    return int(value)
