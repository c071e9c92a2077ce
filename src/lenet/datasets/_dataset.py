"""Images with their labels and the names of their classes."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, SupportsIndex, cast, overload

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, none_index, to_numpy
from lenet.datasets._dividing import find_units, stratified_halves
from lenet.datasets._names import Names
from lenet.datasets._reading import DataSource
from lenet.datasets.packed._images import PackedImages
from lenet.datasets.readers._contents import SPLIT_NAMES, Label, SplitName
from lenet.errors import DatasetError, ModelError, SettingError
from lenet.pictures import Preparation, are_blank

_LOOKED_AT = 200  # images of a class, to see whether it holds empty ones
_BLANK = 0.1  # of them


@dataclass(frozen=True)
class Origin:
    """Where a dataset of one's own came from and what was found there.

    Attributes:
        source: The folder or file and how it was read.
        format: What it is, in words.
        labels: The label that each class has in the files.
        sizes: Height and width of the pictures before they were prepared, with how many had them,
            the most frequent first.
        skipped: What could not be read and was passed over, a sentence each.
        notes: What else a person should know, a sentence each.
    """

    source: DataSource
    format: str
    labels: tuple[Label, ...]
    sizes: tuple[tuple[int, int, int], ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {**asdict(self), "source": self.source.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Origin":
        """Read the values back.

        Raises:
            LenetError, KeyError, TypeError, ValueError: A value is missing, unknown or ill-typed.
        """
        return cls(
            source=DataSource.from_dict(values["source"]),
            format=str(values["format"]),
            labels=tuple(values["labels"]),
            sizes=tuple((int(h), int(w), int(count)) for h, w, count in values["sizes"]),
            skipped=tuple(values["skipped"]),
            notes=tuple(values["notes"]),
        )


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels; a sequence of pairs of the one and the other.

    Arrays of another shape or type and tensors are accepted where nothing about them is to be
    decided; `lenet.as_dataset` reads all others.

    Attributes:
        images: uint8 of shape (N, C, H, W), 0 to 255; what is passed may be (N, H, W). Of a large
            packed set they are `PackedImages`, which are indexed in the same way.
        labels: int64 of shape (N,), each the index of a class; what is passed may be of any type
            of whole numbers.
        names: What each is called where it came from, as `cat/17.png`; `None` where that is not
            known.
        groups: The group that each belongs to, int64 of shape (N,), as the person who wrote it; the
            members of a group stay on one side when images are held out. `None` without groups.
        weights: How much each counts in the loss of a training, float32 of shape (N,), 0 or more;
            what counts is a weight's share of their mean. `None` where all count alike.

    Raises:
        DatasetError: They do not go together, or the weights are none.

    >>> split = Split(np.zeros((2, 28, 28), np.uint8), np.array([3, 1], np.int32))
    >>> image, label = split[0]
    >>> image.shape, label, len(split[1:])
    ((1, 28, 28), 3, 1)
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    names: Sequence[str] | None = None
    groups: npt.NDArray[np.int64] | None = None
    weights: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.packed is None:
            images, labels = to_numpy(self.images), to_numpy(self.labels)
            if images.ndim == 3:
                images = images[:, None]
            if labels.dtype.kind in "iu":
                labels = labels.astype(np.int64, copy=False)
            object.__setattr__(self, "images", images)
            object.__setattr__(self, "labels", labels)
        images, labels, message = self.images, self.labels, ""
        if images.dtype != np.uint8 or images.ndim != 4:
            message = "Images must be uint8 of shape (N, C, H, W), not "
            message += f"{images.dtype} of shape {images.shape}; `lenet.as_dataset` reads others."
        elif labels.dtype != np.int64 or labels.ndim != 1:
            message = f"Labels must be int64 of shape (N,), not {labels.dtype} of shape "
            message += f"{labels.shape}; `lenet.as_dataset` reads others."
        elif len(images) != len(labels):
            message = f"There are {len(images)} images but {len(labels)} labels."
        elif len(images) == 0:
            message = "There are no images."
        beside = (("names", self.names), ("groups", self.groups), ("weights", self.weights))
        for what, values in beside:
            if values is not None and len(values) != len(labels):
                message = f"There are {len(images)} images but {len(values)} {what}."
        if not message and self.weights is not None and not _are_weights(self.weights):
            message = "Weights must be finite, 0 or more, and not all 0."
        if message:
            raise DatasetError(message)
        if self.names is not None and not isinstance(self.names, Names):
            object.__setattr__(self, "names", Names(self.names))

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: slice) -> "Split": ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> tuple[npt.NDArray[np.uint8], int]: ...
    def __getitem__(
        self, index: SupportsIndex | slice
    ) -> "tuple[npt.NDArray[np.uint8], int] | Split":
        """An image, uint8 (C, H, W), and its label; or the examples of a slice."""
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return self.take(np.array(chosen, np.int64))
        packed = self.packed
        image = self.images[chosen] if packed is None else packed.read(np.array([chosen]))[0]
        return image, int(self.labels[chosen])

    @property
    def packed(self) -> PackedImages | None:
        """What stands in the place of an array of images, if these are read a part at a time."""
        images: object = self.images
        return images if isinstance(images, PackedImages) else None

    def take(self, indices: npt.NDArray[np.int64]) -> "Split":
        """The examples at some indices, in their order."""
        taken = self.images[indices] if self.packed is None else self.packed.take(indices)
        return Split(
            cast("npt.NDArray[np.uint8]", taken),
            self.labels[indices],
            self.names.take(indices) if isinstance(self.names, Names) else None,
            None if self.groups is None else self.groups[indices],
            None if self.weights is None else self.weights[indices],
        )

    def joined(self, *others: "Split") -> "Split":
        """These examples and then others; names, groups and weights where all of them have some.

        >>> one = Split(np.zeros((2, 28, 28), np.uint8), np.array([3, 1]), names=["a", "b"])
        >>> joined = one.joined(Split(one.images[:1], np.array([7])), one)
        >>> joined.labels.tolist(), joined.names
        ([3, 1, 7, 3, 1], None)
        """
        splits = (self, *others)

        def join(values: list[Any]) -> Any:
            return None if any(one is None for one in values) else np.concatenate(values)

        named = all(one.names is not None for one in splits)
        return Split(
            np.concatenate([one.images for one in splits]),
            np.concatenate([one.labels for one in splits]),
            [name for one in splits for name in one.names or ()] if named else None,
            join([one.groups for one in splits]),
            join([one.weights for one in splits]),
        )

    def name_of(self, index: int, split: str = "train") -> str:
        """What an example is called; where that is not known, its number, counted from 0."""
        return f"{split} no. {index:,}" if self.names is None else self.names[index]

    def halves(
        self, fraction: float, seed: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The indices that stay and that are held out, with copies and groups on one side.

        In packed images that are not in memory no copies are looked for.
        """
        return stratified_halves(self.labels, fraction, seed, self._units)

    @cached_property
    def _units(self) -> npt.NDArray[np.int64] | None:
        return self.groups if self.packed else find_units(self.images, self.groups)


def _are_weights(weights: npt.NDArray[np.float32]) -> bool:
    return bool(np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images to train on and images to test on, with the names of their classes.

    Attributes:
        name: What the dataset is called in run folders and pictures.
        class_names: The classes; a label is an index into them. One called `_none` is the last and
            holds counter-examples, what is none of the others; it is learnt, and never answered.
        train: The examples to train on.
        test: The examples that give the final score; none where there is no such score.
        validation: The examples to choose on, held out from training; none until
            `with_validation` made them.
        preparation: How pictures became the images; `None` where that is not known.
        origin: Where images of one's own were read from and what was found there; `None` for
            other data.

    Raises:
        DatasetError: A label is outside the classes, two classes have one name, `_none` stands
            before another one, or the splits' images differ in shape.
    """

    name: str
    class_names: tuple[str, ...]
    train: Split = field(repr=False)
    test: Split | None = field(default=None, repr=False)
    validation: Split | None = field(default=None, repr=False)
    preparation: Preparation | None = field(default=None, repr=False)
    origin: Origin | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if odd := [name for name in self.class_names if not isinstance(name, str)]:
            message = f"`{self.name}` has a class called {odd[0]!r}, which is no text."
            raise DatasetError(message)
        if twice := [name for name, count in Counter(self.class_names).items() if count > 1]:
            message = f"`{self.name}` has more than one class called `{twice[0]}`."
            raise DatasetError(message)
        if self.none_index not in (None, len(self.class_names) - 1):
            message = f"`{NONE_CLASS}` must be the last of the classes of `{self.name}`."
            raise DatasetError(message)
        for name, split in self.splits.items():
            lowest, highest = int(split.labels.min()), int(split.labels.max())
            classes = len(self.class_names)
            if lowest < 0 or highest >= classes:
                message = (
                    f"The {name} labels of `{self.name}` hold {lowest if lowest < 0 else highest}, "
                    f"outside its {classes} classes (0 to {classes - 1})."
                )
                raise DatasetError(message)
            if split.images.shape[1:] != self.image_shape:
                message = (
                    f"The {name} images of `{self.name}` have shape {split.images.shape[1:]}, "
                    f"its training images {self.image_shape}."
                )
                raise DatasetError(message)

    @property
    def splits(self) -> dict[SplitName, Split]:
        """The splits that there are, by their names."""
        splits = {name: getattr(self, name) for name in SPLIT_NAMES}
        return {name: split for name, split in splits.items() if split is not None}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def none_index(self) -> int | None:
        """The label of the counter-examples, if there are any: that of the class `_none`."""
        return none_index(self.class_names)

    @cached_property
    def has_blank_class(self) -> bool:
        """Whether a class holds empty images: at least a tenth of some hundred of its own are.

        Counter-examples do not count: an empty picture among them is none of the classes.
        """
        for label in range(len(self.class_names)):
            if label == self.none_index:
                continue
            members = np.flatnonzero(self.train.labels == label)
            some = members[:: -(-len(members) // _LOOKED_AT) or 1]
            if len(some) and are_blank(np.asarray(self.train.take(some).images)).mean() >= _BLANK:
                return True
        return False

    def require_test(self) -> Split:
        """The examples that give the final score.

        Raises:
            DatasetError: There are none.
        """
        if self.test is None:
            message = f"`{self.name}` has no test images."
            raise DatasetError(message)
        return self.test

    def check_fits(self, input_shape: tuple[int, ...], classes: int) -> None:
        """Check that a network takes these images and knows these classes.

        Args:
            input_shape: Channels, height and width that the network takes.
            classes: How many classes it tells apart.

        Raises:
            ModelError: It does not fit.
        """
        if input_shape != self.image_shape or classes != len(self.class_names):
            message = (
                f"The network takes images of shape {input_shape} in {classes} classes; "
                f"`{self.name}` has shape {self.image_shape} and {len(self.class_names)} classes."
            )
            raise ModelError(message)

    def with_validation(self, fraction: float, seed: int = 0) -> "Dataset":
        """Hold out a share of the training images to choose on, the same share of every class.

        Copies of an image, and the members of a group, stay on one side. A dataset that came with a
        validation split of its own is left as it is.

        Args:
            fraction: The share to hold out, above 0 and below 1.
            seed: Decides which images, 0 or more; the same seed gives the same ones.

        Raises:
            SettingError: The fraction or the seed is out of range, or a side is left without
                images.

        >>> from lenet.datasets import load_dataset
        >>> digits = load_dataset("digits").with_validation(0.1)
        >>> len(digits.train), len(digits.validation)
        (1295, 143)
        """
        if not 0 < fraction < 1:
            message = f"The validation fraction must be above 0 and below 1, not {fraction}."
            raise SettingError(message)
        if seed < 0:
            message = f"`seed` must be at least 0, not {seed}."
            raise SettingError(message)
        if self.validation is not None:
            return self
        kept, held_out = self.train.halves(fraction, seed)
        if not len(kept) or not len(held_out):
            message = (
                f"A validation fraction of {fraction} leaves {len(kept)} images to train on "
                f"and {len(held_out)} to choose on: it is taken of each class, and copies of an "
                "image stay on one side."
            )
            raise SettingError(message)
        return replace(self, train=self.train.take(kept), validation=self.train.take(held_out))

    def fingerprint(self) -> str:
        """SHA-256 of all images and labels, to recognise the same data again.

        Packed images that are not in memory count by the checksums of their files.
        """
        digest = hashlib.sha256()
        for split in self.splits.values():
            packed = split.packed
            digest.update(packed.digest() if packed else np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
            if split.weights is not None:
                digest.update(np.ascontiguousarray(split.weights, np.float32).data)
        return digest.hexdigest()
