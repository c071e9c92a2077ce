"""Of how many parts a picture's file is made, found out before a decoder goes through them.

Pillow reads headers in Python, chunk by chunk, and in places byte by byte: a file of a few
megabytes that is all chunks, markers, comments or strips costs a core for seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, repeat
from typing import Literal

MOST_PARTS = 2**17  # a large PNG has thousands of chunks, a TIFF of one strip a row up to 65,535
_BLANKS = b" \t\n\x0b\f\r"
_STRIPS_AND_TILES = (273, 279, 324, 325)  # tags whose count is how many there are


def has_too_many_parts(content: bytes) -> bool:
    """Whether a picture's file has more parts than any picture needs."""
    walk = next((walk for start, walk in _WALKS if content.startswith(start)), None)
    if walk is None:
        return False
    count = 0
    try:
        for _ in islice(walk(content), MOST_PARTS + 1):
            count += 1
    except IndexError:  # it is cut off, which its decoder tells better
        pass
    return count > MOST_PARTS


def _png(content: bytes) -> Iterator[None]:
    """Its chunks."""
    place = 8
    while place + 8 <= len(content) and content[place + 4 : place + 8] != b"IEND":
        yield
        place += 12 + int.from_bytes(content[place : place + 4], "big")


def _jpeg(content: bytes) -> Iterator[None]:
    """The segments before its first scan, and the bytes between them."""
    place = 2
    while True:
        yield
        marker = content[place + 1]
        if content[place] != 0xFF or marker in (0, 0xFF):
            place += 1
        elif marker == 0xDA:
            return
        elif marker == 1 or 0xD0 <= marker <= 0xD9:  # they stand alone
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")


def _gif(content: bytes) -> Iterator[None]:
    """The blocks before its first image, and what they are divided into."""
    flags = content[10]
    place = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    while (kind := content[place]) != 0x2C:
        yield
        place += 1
        if kind == 0x21:
            place += 1
            while size := content[place]:
                yield
                place += 1 + size
            place += 1


def _tiff(content: bytes) -> Iterator[None]:
    """The fields of its first directory, and the strips or tiles that these count."""
    order: Literal["little", "big"] = "little" if content[:1] == b"I" else "big"

    def number(place: int, size: int) -> int:
        return int.from_bytes(content[place : place + size], order)

    place = number(4, 4)
    for entry in range(place + 2, place + 2 + 12 * number(place, 2), 12):
        yield
        if number(entry, 2) in _STRIPS_AND_TILES:
            yield from repeat(None, number(entry + 4, 4))


def _pnm(content: bytes) -> Iterator[None]:
    """The bytes of its header, and in a plain one the comments."""
    place = 2
    for _ in range(2 if content[1:2] in b"14" else 3):
        while content[place] in _BLANKS or content[place] == ord("#"):
            if content[place] == ord("#"):
                while content[place] not in b"\r\n":
                    yield
                    place += 1
            yield
            place += 1
        while content[place] not in _BLANKS:
            yield
            place += 1
    if content[1:2] in b"123":
        yield from repeat(None, content.count(b"#", place))


_WALKS: tuple[tuple[tuple[bytes, ...], Callable[[bytes], Iterator[None]]], ...] = (
    ((b"\x89PNG",), _png),
    ((b"\xff\xd8",), _jpeg),
    ((b"GIF8",), _gif),
    ((b"II*\0", b"MM\0*"), _tiff),
    (tuple(b"P%d" % kind for kind in range(1, 7)), _pnm),
)
