import re
from typing import Literal, get_args

Part = Literal["train", "test", "validation"]
PARTS: tuple[Part, ...] = get_args(Part)

_PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "t10k": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words_of("x_train"), words_of("t10k-images.idx3-ubyte")
    (['x', 'train'], ['t10k', 'images', 'idx3', 'ubyte'])
    """
    return re.findall(r"[^\W_]+", name.lower())


def part_of(name: str) -> Part | None:
    """The part of a dataset that a file, folder or array is for, if its name says so.

    >>> part_of("mnist_test.csv"), part_of("Train"), part_of("latest") is None
    ('test', 'train', True)
    """
    for word in words_of(name):
        part = _PARTS.get(word) or _PARTS.get(word.removeprefix("x") or word)
        part = part or _PARTS.get(word.removeprefix("y"))
        if part:
            return part
    return None
