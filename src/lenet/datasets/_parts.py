import re
from typing import Literal, get_args

Part = Literal["train", "test", "validation"]
PARTS: tuple[Part, ...] = get_args(Part)

_PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "训练": "train",
    "訓練": "train",
    "test": "test",
    "testing": "test",
    "t10k": "test",
    "测试": "test",
    "測試": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "验证": "validation",
    "驗證": "validation",
}
_NO_SPACES = tuple(word for word in _PARTS if not word.isascii())  # scripts that part no words


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words_of("x_train"), words_of("t10k-images.idx3-ubyte")
    (['x', 'train'], ['t10k', 'images', 'idx3', 'ubyte'])
    """
    return re.findall(r"[^\W_]+", name.lower())


def part_of(name: str) -> Part | None:
    """The part of a dataset that a file, folder or array is for, if a word of its name says so.

    >>> part_of("mnist_test.csv"), part_of("Train"), part_of("latest") is None
    ('test', 'train', True)
    >>> part_of("seg_train"), part_of("TestSet"), part_of("val2017"), part_of("训练集")
    ('train', 'test', 'validation', 'train')
    """
    spread = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # TrainSet
    parts = [part for word in words_of(spread) if (part := _part_of_word(word))]
    # `train_test_split` is neither the one nor the other.
    return None if {"train", "test"} <= set(parts) else next(iter(parts), None)


def _part_of_word(word: str) -> Part | None:
    """The part that a word stands for, by itself or with what it often grows together with."""
    letters = re.findall(r"[^\W\d]+", word)  # of `train2017`
    for form in (word, word.removeprefix("x"), word.removeprefix("y"), *letters):
        part = _PARTS.get(form) or _PARTS.get(form.removesuffix("set").removesuffix("data"))
        if part:
            return part
    return next((_PARTS[inner] for inner in _NO_SPACES if inner in word), None)
