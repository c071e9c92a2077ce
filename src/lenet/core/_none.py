"""The class of counter-examples, by which a network learns to doubt."""

from collections.abc import Iterable, Sequence

NONE_CLASS = "_none"


def none_index(class_names: Sequence[str]) -> int | None:
    """The place of `_none` among classes; `None` where it is not among them.

    >>> none_index(("cat", "dog")), none_index(("cat", "dog", "_none"))
    (None, 2)
    """
    return class_names.index(NONE_CLASS) if NONE_CLASS in class_names else None


def real_classes(class_names: Iterable[str]) -> tuple[str, ...]:
    """All classes but `_none`: those that may be answered.

    >>> real_classes(("cat", "dog", "_none"))
    ('cat', 'dog')
    """
    return tuple(name for name in class_names if name != NONE_CLASS)
