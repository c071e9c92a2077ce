"""Which strangers are shown to a network: pictures of none of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.datasets import CATALOG, PictureHolder, Split
from lenet.errors import PictureError
from lenet.models import ModelCard
from lenet.pictures import Preparation, prepare

_MOST = 1000  # images of a kind
_DRAWN = 300  # which take longer to draw than to answer
_SEED = 0
_DIGITS = frozenset(CATALOG["mnist"].class_names)
_GARMENTS = frozenset(CATALOG["fashion-mnist"].class_names)
_CALLED = {"digits": "digits", "mnist": "digits", "fashion-mnist": "garments"}


def pick_strangers(
    card: ModelCard, own: PictureHolder | Iterable[PictureHolder] | None = None
) -> dict[str, Split]:
    """Pictures of none of a network's classes, as it takes them; the same at each call.

    They are noise; test images of another dataset, as far as it is on this machine: garments for
    digits, digits for all others, unless its classes are among the network's; for digits drawn
    strangers of held-out kinds; and pictures of one's own. Up to 1,000 of a kind, 300 drawn ones
    and all of one's own.

    Args:
        card: What the network's file says.
        own: Pictures of one's own, prepared as the file says: a folder, a file, a pattern, or what
            `predict` takes for pictures.

    Returns:
        The images of each kind, whose labels mean nothing.

    Raises:
        PictureError, ArrayError: A picture of one's own can't be read, or there is none.
    """
    pictures = None if own is None else _read(own, card.preparation)
    found: dict[str, Split] = {}
    if card.input_shape[0] in (1, 3):
        found |= _of_another_dataset(card)
        if set(card.classes) == _DIGITS:
            found["drawn signs"] = _draw(card.preparation)[:]  # a copy
    random = np.random.default_rng(_SEED)
    noise = random.integers(256, size=(_MOST, *card.input_shape), dtype=np.uint8)
    found["noise images"] = _label(noise, [f"noise no. {number}" for number in range(_MOST)])
    if pictures is not None:
        found["own pictures"] = pictures
    return found


def _of_another_dataset(card: ModelCard) -> Iterator[tuple[str, Split]]:
    """The first that is here and has none of the network's classes."""
    from lenet.datasets import load_cached_test

    classes = set(card.classes)
    for name in ("mnist", "digits") if classes == _GARMENTS else ("digits", "fashion-mnist"):
        known = _GARMENTS if name == "fashion-mnist" else _DIGITS
        split = None if known & classes else load_cached_test(name)
        if split is None:
            continue
        places = np.arange(len(split))
        if len(split) > _MOST:
            drawn = np.random.default_rng(_SEED).choice(len(split), _MOST, replace=False)
            places = np.sort(drawn)
        images = split.images[places]
        if images.shape[1:] != card.input_shape:
            plain = Preparation.plain(card.input_shape)
            images = np.stack([prepare(image[0], plain) for image in images])
        yield _CALLED[name], _label(images, [f"{name} test no. {place}" for place in places])
        return


@lru_cache(maxsize=1)  # of what takes most of the time of all this
def _draw(preparation: Preparation) -> Split:
    from lenet.datasets import draw_strangers

    drawn = draw_strangers(_DRAWN, _SEED, part="held-out", preparation=preparation)
    return _label(drawn.images, drawn.names or ())


def _read(own: PictureHolder | Iterable[PictureHolder], preparation: Preparation) -> Split | None:
    """Pictures of one's own; `None` where there is none."""
    from lenet.datasets import each_picture, find_pictures, looks_of

    pictures: Iterable[PictureHolder] = (
        find_pictures([str(own)]) if isinstance(own, (str, Path)) else each_picture(own)
    )
    images, names = [], []
    for source, row, see in looks_of(pictures, preparation, False, ""):
        for seen in see():
            images.append(seen.image)
            names.append(source if row is None else f"{source} {row}")
    if isinstance(own, (str, Path)) and not images:
        message = f"There is no picture in `{own}`."
        raise PictureError(message)
    return _label(np.stack(images), names) if images else None


def _label(images: npt.NDArray[np.uint8], names: Sequence[str]) -> Split:
    return Split(images, np.zeros(len(images), np.int64), names)
