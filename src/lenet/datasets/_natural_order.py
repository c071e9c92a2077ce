import re


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort names as a person would: numbers in them by size, not by their digits.

    >>> sorted(["10", "9", "b", "A"], key=natural_key)
    ['9', '10', 'A', 'b']
    """
    parts = re.split(r"([0-9]+)", text)
    key = [
        (0, int(part), part) if index % 2 else (1, 0, part.casefold())
        for index, part in enumerate(parts)
        if part
    ]
    # What is left decides between names that differ in their case alone.
    return (*key, (2, 0, text))
