"""What people hold in memory as a dataset: arrays, tensors, data sets of other libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._held import (
    IMAGE_NAMES,
    LABEL_NAMES,
    HeldExamples,
    are_labels_of,
    as_numbers,
    examples_of,
    first_key,
    make_examples,
    shape_of,
)
from lenet.datasets._load import load_dataset
from lenet.datasets._own import read_own, require_trainable
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._arrays import pair_arrays, to_pictures
from lenet.datasets.readers._contents import (
    Classes,
    Contents,
    RawExamples,
    SplitName,
    natural_key,
    split_of,
)
from lenet.errors import DatasetError, SettingError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lenet.datasets._reading import ReadingOptions

_NAME = "own"
_PLACE = "the data"  # what errors call it
_LEAST_SIDE = 12  # pixels that the networks of this family need
_PARTS: tuple[tuple[SplitName | None, ...], ...] = (
    (),
    (None,),
    ("train", "test"),
    ("train", "validation", "test"),
)


class _Indexed(Protocol):
    def __getitem__(self, key: Any, /) -> Any: ...


ImageHolder: TypeAlias = Dataset | Iterable[Any] | _Indexed  # what `as_dataset` takes beside paths


def as_dataset(
    data: str | Path | DataSource | ImageHolder,
    *,
    class_names: Sequence[str] | None = None,
    for_training: bool = True,
    **reading: Unpack[ReadingOptions],
) -> Dataset:
    """Make a dataset of whatever holds images with labels.

    That is a name or a path, as for `load_dataset`; arrays, tensors or lists `(X, y)`, or
    `((X_train, y_train), (X_test, y_test))`; a dictionary of such, as scikit-learn's; a table of
    pixels (pandas); a dataset of PyTorch's or torchvision's, or a `DataLoader` of one; a dataset of
    Hugging Face's `datasets`; or any sequence of pairs of an image and a label. Images are arrays
    or tensors, (H, W), (C, H, W), (H, W, C) or a row of pixels, of bytes or numbers of any range;
    or Pillow's images, or paths.

    Args:
        data: What holds the images. A `Dataset` is given back as it is.
        class_names: The names of the classes, in the order of the labels' numbers.
        for_training: Whether there must be two classes or more, and training images of each.
        reading: How the images are read, the fields of `Reading`, as for `load_dataset`. Without
            `size` and `colour`, images of one size keep it, if it is 12×12 pixels or more, and
            their colours; others become grey and 28×28, as files do. A fifth is kept for testing
            where there is no such part.

    Returns:
        The dataset: images uint8 (N, C, H, W), labels int64 (N,).

    Raises:
        DatasetError: It is nothing of this kind, or can't be used.
        SettingError: An option is out of range, or does not belong to what is a dataset already.

    >>> images = np.random.default_rng(0).random((20, 16, 16))
    >>> data = as_dataset((images, np.arange(20) % 2), test_share=0.5)
    >>> data.train.images.shape, data.class_names
    ((10, 1, 16, 16), ('0', '1'))
    """
    if isinstance(data, (str, Path, DataSource)):
        return load_dataset(data, for_training=for_training, **reading)
    if isinstance(data, Dataset):
        if reading or class_names is not None:
            message = "A `Dataset` is taken as it is; leave out how images are read."
            raise SettingError(message)
        return data
    _refuse_options_of_files(reading)
    if isinstance(data, Split) or (isinstance(data, (tuple, list)) and _are_splits(data)):
        return _of_splits(data, class_names, reading)
    parts = _parts_of(data)
    if not any(len(examples.labels) for examples in parts.values()):
        message = f"A `{type(data).__name__}` without images is no dataset."
        raise DatasetError(message)
    classes = _classes_of(parts, class_names)
    wanted = {name: value for name, value in reading.items() if value is not None}
    source = DataSource.from_dict({"path": _PLACE, **_form_of(parts), **wanted})
    object.__setattr__(source, "path", _PLACE)  # which lies in no folder
    contents = Contents("images in memory", (), partial(_read, parts), classes)
    dataset = read_own(source, _NAME, contents)
    if for_training:
        require_trainable(dataset)
    return replace(dataset, origin=None)


def _refuse_options_of_files(reading: Mapping[str, Any]) -> None:
    for name in ("label_column", "label_from", "group_column", "group_from", "skip_bad"):
        if reading.get(name):
            message = f"`{name}` is for folders and files; images in memory come with their labels."
            raise SettingError(message)


def _are_splits(data: Sequence[Any]) -> bool:
    return 0 < len(data) < len(_PARTS) and all(isinstance(part, Split) for part in data)


def _of_splits(
    data: Split | Sequence[Split], class_names: Sequence[str] | None, reading: Mapping[str, Any]
) -> Dataset:
    """Splits as they are, with their groups and weights; their labels are numbers of classes."""
    share = reading.get("test_share")
    for name, value in reading.items():
        if value is not None and name != "test_share":
            message = f"A `Split` is taken as it is; leave out `{name}`."
            raise SettingError(message)
    parts = [data] if isinstance(data, Split) else list(data)
    splits: dict[str, Any] = {
        name or "train": split for name, split in zip(_PARTS[len(parts)], parts, strict=True)
    }
    highest = max(int(split.labels.max()) for split in parts)
    names = tuple(class_names or map(str, range(highest + 1)))
    share = DataSource(_PLACE).test_share if share is None else share
    if len(parts) == 1 and share:
        kept, drawn = splits["train"].halves(share, 0)
        if len(kept) and len(drawn):
            splits = {"train": parts[0].take(kept), "test": parts[0].take(drawn)}
    return Dataset(_NAME, names, **splits)


def holds_images(value: object) -> bool:
    """Whether something that stands in the place of a network holds images instead.

    >>> holds_images("lenet"), holds_images(None), holds_images((np.zeros((2, 28, 28)), [0, 1]))
    (False, False, True)
    """
    if value is None or isinstance(value, (str, Path)):
        return False
    if hasattr(value, "parameters") or hasattr(value, "layers"):
        return False
    is_listed = hasattr(value, "__getitem__") or hasattr(value, "__iter__")
    return is_listed or isinstance(value, (Dataset, DataSource))


def _parts_of(data: Any) -> dict[SplitName | None, HeldExamples]:
    """The examples in some data, by what they are for."""
    if isinstance(data, (tuple, list)) and data:
        found = _parts_of_sequence(data)
        if found is not None:
            return found
    if isinstance(data, Mapping):
        return _parts_of_mapping(data)
    return {None: examples_of(data)}


def _parts_of_sequence(data: Sequence[Any]) -> dict[SplitName | None, HeldExamples] | None:
    if len(data) == 2 and are_labels_of(data[1], data[0]):
        return {None: make_examples(data[0], data[1])}
    if len(data) < len(_PARTS) and all(_is_part(part) for part in data):
        return {
            split: examples_of(part) for split, part in zip(_PARTS[len(data)], data, strict=True)
        }
    if len(data) == 4 and all(hasattr(array, "shape") for array in data):
        arrays = {f"arr_{number}": as_numbers(array) for number, array in enumerate(data)}
        return _parts_of_arrays(arrays)
    return None


def _parts_of_arrays(
    arrays: Mapping[str, npt.NDArray[Any]],
) -> dict[SplitName | None, HeldExamples]:
    pairs = pair_arrays({name: array.shape for name, array in arrays.items()}, _PLACE)
    return {pair.split: make_examples(arrays[pair.images], arrays[pair.labels]) for pair in pairs}


def _parts_of_mapping(data: Mapping[Any, Any]) -> dict[SplitName | None, HeldExamples]:
    image, label = (first_key(data, names) for names in (IMAGE_NAMES, LABEL_NAMES))
    if image is not None and label is not None:
        return {None: examples_of(data)}
    arrays = {str(key): value for key, value in data.items() if hasattr(value, "shape")}
    if len(arrays) == len(data):
        return _parts_of_arrays({key: as_numbers(value) for key, value in arrays.items()})
    parts = {split_of(str(key)): value for key, value in data.items()}
    if len(parts) < len(data) or None in parts:
        named = ", ".join(f"`{key}`" for key in data)
        message = (
            f"A dictionary of {named} is no dataset; call its parts `train`, `validation` and "
            "`test`, or its arrays `images` and `labels`."
        )
        raise DatasetError(message)
    return {split: examples_of(part) for split, part in parts.items()}


def _is_part(value: Any) -> bool:
    """Whether something holds examples by itself, rather than being the images or the labels."""
    if isinstance(value, (tuple, list)):
        return len(value) == 2 and are_labels_of(value[1], value[0])
    return isinstance(value, (Split, Mapping)) or not hasattr(value, "shape")


def _classes_of(
    parts: Mapping[SplitName | None, HeldExamples], names: Sequence[str] | None
) -> Classes:
    """A class for every label; by its name, where it is a number and the names are known."""
    labels = {label for examples in parts.values() for label in examples.labels}
    held = next((one.class_names for one in parts.values() if one.class_names), None)
    if any(isinstance(label, str) for label in labels):
        texts = list(names or sorted(map(str, labels), key=natural_key))
        if names and not labels <= set(texts):
            missing = min(map(str, labels - set(texts)), key=natural_key)
            message = f"The label `{missing}` is none of the {len(texts)} names of classes."
            raise DatasetError(message)
        by_text = {str(label): label for label in labels}
        return tuple((by_text.get(text, text), text) for text in texts)
    numbers = sorted(int(label) for label in labels)
    are_enough = held is not None and numbers[0] >= 0 and numbers[-1] < len(held)
    if names is None:  # what scikit-learn calls `target_names` may name something else
        names = held if are_enough else None
    if names is None:
        return tuple((number, str(number)) for number in numbers)
    if numbers[0] < 0 or numbers[-1] >= len(names):
        message = f"There are {len(names)} names of classes, but the label {numbers[-1]}."
        raise DatasetError(message)
    return tuple(enumerate(names))


def _form_of(parts: Mapping[SplitName | None, HeldExamples]) -> dict[str, Any]:
    """Size and colour of images that all have the same; nothing where they have not."""
    shapes = {
        examples.pictures.shape[1:] if isinstance(examples.pictures, np.ndarray) else None
        for examples in parts.values()
    }
    shape = shapes.pop()
    if shapes or shape is None:
        return {}
    size = {"height": shape[0], "width": shape[1]} if min(shape[:2]) >= _LEAST_SIDE else {}
    return {"colour": len(shape) == 3, **size}


def _read(parts: Mapping[SplitName | None, HeldExamples]) -> Iterator[RawExamples]:
    """The examples as those of files: pictures of one form together."""
    for split, examples in parts.items():
        place = f"The {split or 'given'} images"
        if isinstance(examples.pictures, np.ndarray):
            yield RawExamples(split, examples.labels, examples.pictures, [place])
            continue
        number = 0
        for _, group in groupby(examples.pictures, key=shape_of):
            some = list(group)
            labels = examples.labels[number : number + len(some)]
            if isinstance(some[0], np.ndarray):
                pictures = to_pictures(np.stack(some), place)
                yield RawExamples(split, labels, pictures, [place])
            else:
                numbers = range(number, number + len(some))
                places = [
                    f"`{one}`" if isinstance(one, Path) else f"image {no}"
                    for one, no in zip(some, numbers, strict=True)
                ]
                yield RawExamples(split, labels, some, places)
            number += len(some)
