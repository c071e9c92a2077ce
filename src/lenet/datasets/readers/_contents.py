"""What a folder or file holds, before its examples are read, and what the names in it say."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy.typing as npt

from lenet.core import open_to_read
from lenet.errors import DataFileError

SplitName = Literal["train", "test", "validation"]
SPLIT_NAMES: tuple[SplitName, ...] = get_args(SplitName)
Label = int | str
Classes = tuple[tuple[Label, str], ...]  # the labels in the order of the classes, with their names

CLASS_NAMES_FILE = "class-names.txt"
SUMS_FILE = "SHA256SUMS"
_LARGEST = 2**20  # bytes of it
_UNPACKED = 2**28  # bytes that anything packed may become
BESIDE = 100  # bytes of an image's label and name
_DENSITY = 200  # and times its size; MNIST, which is mostly black, becomes 5 times as large

_SPLIT_WORDS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training", "训练", "訓練"), "train"),
    **dict.fromkeys(("test", "testing", "t10k", "测试", "測試"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("验证", "驗證"), "validation"),
}
_NO_SPACES = tuple(word for word in _SPLIT_WORDS if not word.isascii())  # scripts without spaces


@dataclass(frozen=True, eq=False)
class RawExamples:
    """Some examples of a dataset of one's own, as its files hold them.

    Attributes:
        split: What they are for; `None` where the data does not say.
        labels: One an example, as the files have them.
        pictures: Numbers of shape (N, H, W) or (N, H, W, 3); or the pictures' files or their
            encoded bytes.
        places: How each picture is called in an error, where they are encoded; else how all are.
        names: What each example is called: its file, relative to the folder, or its row. By default
            the file's name, or the number of the example in its part.
        groups: The group that each belongs to, empty where it is of none; none at all where the
            data has no groups.
    """

    split: SplitName | None
    labels: Sequence[Label]
    pictures: npt.NDArray[Any] | Sequence[Path | bytes]
    places: Sequence[str] = ()
    names: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class Contents:
    """What a folder or file holds, before its examples are read.

    Attributes:
        format: What it is, in words.
        files: All files that decide the examples.
        read: Gives the examples, some at a time, so that few are in memory at once.
        classes: `None` where they are to be found in the examples.
        notes: What a person should know.
        has_groups: Whether examples say of which group they are.
    """

    format: str
    files: Sequence[Path]
    read: Callable[[], Iterator[RawExamples]]
    classes: Classes | None = None
    notes: tuple[str, ...] = ()
    has_groups: bool = False


class UnclearTableError(DataFileError):
    """A table names pictures that are there, but it is not plain what says their labels."""


@dataclass(frozen=True, eq=False)
class RawPictures:
    """Some pictures to be answered, as a file holds them.

    Attributes:
        pictures: Numbers of shape (N, H, W) or (N, H, W, 3); or the pictures' files or their
            encoded bytes.
        names: What each is called in an answer: what the file calls it, else its number.
        places: How each is called in an error.
        labels: What the file says that they are, where it does.
    """

    pictures: npt.NDArray[Any] | Sequence[Path | bytes]
    names: Sequence[str]
    places: Sequence[str]
    labels: Sequence[Label] | None = None


@dataclass(frozen=True)
class Unlabelled:
    """A file of pictures, whether it has labels or not, before they are read.

    Attributes:
        format: What it is, in words.
        read: Gives the pictures, some at a time.
    """

    format: str
    read: Callable[[], Iterator[RawPictures]]


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words_of("x_train"), words_of("t10k-images.idx3-ubyte")
    (['x', 'train'], ['t10k', 'images', 'idx3', 'ubyte'])
    """
    return re.findall(r"[^\W_]+", name.lower())


def split_of(name: str) -> SplitName | None:
    """The split that a file, folder or array is for, if a word of its name says so.

    >>> split_of("mnist_test.csv"), split_of("Train"), split_of("latest") is None
    ('test', 'train', True)
    >>> split_of("seg_train"), split_of("TestSet"), split_of("val2017"), split_of("训练集")
    ('train', 'test', 'validation', 'train')
    """
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # TrainSet
    found = [split for word in words_of(spread) if (split := _split_of_word(word))]
    # `train_test_split` is neither the one nor the other.
    return None if {"train", "test"} <= set(found) else next(iter(found), None)


def _split_of_word(word: str) -> SplitName | None:
    """The split that a word stands for, by itself or with what it often grows together with."""
    letters = re.findall(r"[^\W\d]+", word)  # of `train2017`
    for form in (word, word.removeprefix("x"), word.removeprefix("y"), *letters):
        bare = form.removesuffix("set").removesuffix("data")
        if split := _SPLIT_WORDS.get(form) or _SPLIT_WORDS.get(bare):
            return split
    return next((_SPLIT_WORDS[inner] for inner in _NO_SPACES if inner in word), None)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names as a person would: numbers in them by size, not by their digits.

    >>> sorted(["10", "9", "b", "A"], key=natural_key)
    ['9', '10', 'A', 'b']
    """
    key = [
        (0, int(run), run) if index % 2 else (1, 0, run.casefold())
        for index, run in enumerate(re.split(r"([0-9]+)", text))
        if run
    ]
    # What is left decides between names that differ in their case alone.
    return (*key, (2, 0, text))


def name_some(names: Sequence[object], most: int) -> str:
    """The first of some names, and how many there are besides.

    >>> name_some(["a", "b", "c"], 2)
    '`a`, `b` and 1 more'
    """
    named = ", ".join(f"`{name}`" for name in names[:most])
    return named if len(names) <= most else f"{named} and {len(names) - most:,} more"


def read_class_names(folder: Path) -> tuple[str, ...] | None:
    """The names in a folder's `class-names.txt`, one a line in the order of the labels."""
    path = folder / CLASS_NAMES_FILE
    if not path.is_file():
        return None
    with open_to_read(path, DataFileError) as file:
        content = file.read(_LARGEST + 1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not names or len(content) > _LARGEST or len(set(names)) < len(names):
        message = f"`{path}` should name every class once, one a line, in UTF-8."
        raise DataFileError(message)
    return names


def number_classes(names: Sequence[str] | None) -> Classes | None:
    """The classes of labels that count from 0, where their names are known."""
    return None if names is None else tuple(enumerate(names))


def check_unpacked_size(place: str, packed: int, unpacked: int, shape: Sequence[int] = ()) -> None:
    """See that what is packed in a file does not become much more than pictures do.

    Args:
        place: How it is called in an error.
        packed: Its bytes in the file.
        unpacked: Its bytes in memory.
        shape: Of an array; one of images has names and labels beside it in memory.

    Raises:
        DataFileError: It becomes both large and many times as large.
    """
    if len(shape) > 1:
        unpacked = max(unpacked, BESIDE * shape[0])
    if unpacked > max(_UNPACKED, _DENSITY * packed):
        message = (
            f"{place} unpacks from {packed:,} bytes to {unpacked:,}; above {_UNPACKED / 2**20:.0f} "
            f"MiB at most {_DENSITY} times the packed size is read, which no pictures need. If it "
            "is right, keep it without compression."
        )
        raise DataFileError(message)
