"""The lab as one page that holds all it needs: a network learns in it, before one's eyes."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lenet.datasets import Dataset, Split
from lenet.errors import SettingError
from lenet.kernels import WebCore, web_core
from lenet.pictures import Preparation
from lenet.playground._packing import compress_planes, pack_grid, pack_letters
from lenet.playground._page import fill_page
from lenet.playground._playground import PlaygroundModel, describe_examples

_FOLDER = Path(__file__).parent
_BUNDLES = _FOLDER / "bundles"
_MOST_CLASSES = 256  # a label is a byte there


@dataclass(frozen=True)
class LabSet:
    """Images that the page holds to learn from.

    Attributes:
        dataset: Those images, and others to test on, uint8 (N, C, H, W).
        source: What `lenet train --data` takes for the same, or for all of them.
        url: Where the page's own server has the pixels, `URL/train` and `URL/test`, uint8 one after
            the other; without it the page holds them.
    """

    dataset: Dataset
    source: str
    url: str | None = None

    @property
    def splits(self) -> dict[str, Split]:
        """What is learnt from and what is tested on."""
        return {"train": self.dataset.train, "test": self.dataset.require_test()}


def build_lab(
    sets: Sequence[LabSet],
    models: Sequence[PlaygroundModel] = (),
    *,
    examples: Mapping[str, Split] | None = None,
) -> str:
    """Make the page in which a network learns, with the images of some datasets.

    It is one file. Nothing is fetched, bar images that have an address on its own server; a policy
    in it forbids all else.

    Args:
        sets: Those to choose from; the first is shown first.
        models: Networks to look into besides the one that is trained, with their contents.
        examples: Images to show them, by the model's name, as for `build_playground`.

    Returns:
        The text of an HTML file.

    Raises:
        SettingError: There is no set, one has no test images or too many classes, or is packed,
            or a model has no examples.

    >>> import lenet
    >>> page = build_lab([LabSet(lenet.load_dataset("digits"), "digits")])
    >>> page.startswith("<!doctype html>")
    True
    """
    if not sets:
        message = "A lab needs at least one dataset."
        raise SettingError(message)
    is_served = any(one.url is not None for one in sets)
    data = {
        "core": _packed_core("simd"),
        # Faster where a browser has it; a file has no room for both.
        "relaxed_core": _packed_core("relaxed_simd") if is_served else None,
        "sets": [_describe_set(one) for one in sets],
        "models": [
            {
                "name": model.name,
                "packed": pack_letters(compress_planes(model.content or b"")),
                "examples": describe_examples(model.name, split),
            }
            for model, split in _with_examples(models, examples or {})
        ],
        "worker": (_BUNDLES / "training.js").read_text(encoding="utf-8"),
    }
    return fill_page(
        (_FOLDER / "lab.html").read_text(encoding="utf-8"),
        script=(_BUNDLES / "lab.js").read_text(encoding="utf-8"),
        style=(_BUNDLES / "lab.css").read_text(encoding="utf-8"),
        data=data,
        rules={"worker-src": "blob:", "connect-src": "'self'" if is_served else "'none'"},
    )


@cache
def _packed_core(kind: WebCore) -> str:
    """The native core in letters, compressed the same whenever that is done."""
    return pack_letters(gzip.compress(web_core(kind), 9, mtime=0))


def tenth_of(dataset: Dataset) -> Dataset:
    """Every tenth image of a dataset, of those to learn from and those to test on."""
    return Dataset(
        dataset.name,
        dataset.class_names,
        _every_tenth(dataset.train),
        test=_every_tenth(dataset.require_test()),
        preparation=dataset.preparation,
    )


def _every_tenth(split: Split) -> Split:
    return split.take(np.arange(0, len(split), 10))


def _describe_set(given: LabSet) -> dict[str, object]:
    """A dataset as the page reads it."""
    dataset = given.dataset
    if len(dataset.class_names) > _MOST_CLASSES:
        message = f"`{dataset.name}` has more than {_MOST_CLASSES} classes."
        raise SettingError(message)
    if dataset.train.packed is not None:
        message = f"`{dataset.name}` is packed, too large for a page to learn from."
        raise SettingError(message)
    return {
        "name": dataset.name,
        "source": given.source,
        "class_names": dataset.class_names,
        "shape": dataset.image_shape,
        "preparation": _describe_preparation(dataset),
        **{name: _describe_images(split, name, given.url) for name, split in given.splits.items()},
    }


def _describe_preparation(dataset: Dataset) -> dict[str, object]:
    """How pictures become images, as far as their shape does not say it."""
    preparation = dataset.preparation or Preparation.plain(dataset.image_shape)
    names = ("method", "polarity", "margin")
    return {name: getattr(preparation, name) for name in names}


def _with_examples(
    models: Sequence[PlaygroundModel], examples: Mapping[str, Split]
) -> list[tuple[PlaygroundModel, Split]]:
    if lacking := [model.name for model in models if model.name not in examples]:
        message = f"There are no examples for `{lacking[0]}`."
        raise SettingError(message)
    return [(model, examples[model.name]) for model in models]


def _describe_images(split: Split, name: str, url: str | None) -> dict[str, object]:
    pixels = {"picture": pack_grid(split.images)} if url is None else {"url": f"{url}/{name}"}
    return {**pixels, "labels": pack_letters(split.labels.astype(np.uint8).tobytes())}
