"""Damage that files come to: bits, cuts, repetitions, and fields that say what is not so."""

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random

_NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)
_WRITTEN = (
    b"-1",
    b"0",
    b"1e400",
    b"NaN",
    b"null",
    b'"x"',
    b"[]",
    b"{}",
    b"99999999999999999999",
    b"true",
)
# What begins a field, or a part of a file, whose sizes and counts stand behind it.
_MARKS = (
    *(b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"IEND", b"eXIf", b"acTL", b"fcTL", b"iCCP", b"zTXt"),
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xe1", b"\xff\xdd"),
    *(b"GIF89a", b"\x21\xf9", b"\x2c\0", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6", b"RIFF", b"WEBP"),
    *(b"VP8 ", b"VP8L", b"VP8X", b"ANMF", b"ftyp", b"meta", b"iloc", b"ispe", b"mdat", b"av1C"),
    *(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"\x93NUMPY", b"\x1f\x8b"),
    *(b"PAR1", b"shape", b"descr", b"dtype", b"data_offsets", b"F32", b"{", b"[", b":", b'"'),
    *(b"MATLAB", b"\0\0\x08", b"images", b"bytes", b"sha256", b"version", b"labels", b".npy"),
)


def mutate(content: bytes, random: Random) -> bytes:
    """A file with one damage, two or three, never the same as before."""
    damaged = content
    while damaged == content:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            damaged = random.choice(_WAYS)(damaged, random)
    return damaged


def mutate_inside(content: bytes, random: Random) -> bytes:
    """The same for what is packed in a file, whose check sums then are right; else of the file."""
    if content.startswith(b"PK") and (damaged := _in_zip(content, random)):
        return damaged
    if content.startswith(b"\x89PNG"):
        return _in_png(content, random)
    if content.startswith(b"\x1f\x8b"):
        return gzip.compress(mutate(gzip.decompress(content), random), 1)
    return mutate(content, random)


def _in_zip(content: bytes, random: Random) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w") as target:
        members = archive.infolist()
        chosen = random.choice(members)
        for member in members:
            inner = archive.read(member)
            if member is chosen:
                inner = mutate_inside(inner, random)
            target.writestr(member.filename, inner, member.compress_type)
    return made.getvalue()


def _in_png(content: bytes, random: Random) -> bytes:
    chunks = []
    place = 8
    while place < len(content):
        (size,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + size]))
        place += 12 + size
    number = random.randrange(len(chunks))
    kind, inner = chunks[number]
    if kind == b"IDAT" and random.random() < 0.7:
        chunks[number] = kind, zlib.compress(mutate(zlib.decompress(inner), random))
    elif random.random() < 0.2:
        chunks.insert(random.randrange(len(chunks)), chunks[number])
    else:
        chunks[number] = kind, mutate(inner, random) if inner else random.randbytes(4)
    return content[:8] + b"".join(
        struct.pack(">I", len(inner)) + kind + inner + struct.pack(">I", zlib.crc32(kind + inner))
        for kind, inner in chunks
    )


def _flip_bits(content: bytes, random: Random) -> bytes:
    damaged = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 2, 8))):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _cut_end(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _cut_out(content: bytes, random: Random) -> bytes:
    start, stop = _span(content, random)
    return content[:start] + content[stop:]


def _insert(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    some = random.choice((random.randbytes(random.choice((1, 4, 100))), random.choice(_MARKS)))
    return content[:place] + some + content[place:]


def _repeat(content: bytes, random: Random) -> bytes:
    start, stop = _span(content, random)
    return content[:start] + content[start:stop] * random.choice((2, 3, 50)) + content[stop:]


def _swap(content: bytes, random: Random) -> bytes:
    (a, b), (c, d) = sorted((_span(content, random), _span(content, random)))
    c = max(b, c)
    d = max(c, d)
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _blank(content: bytes, random: Random) -> bytes:
    start, stop = _span(content, random)
    return content[:start] + random.choice((b"\0", b"\xff", b" ")) * (stop - start) + content[stop:]


def _number_behind_mark(content: bytes, random: Random) -> bytes:
    """A number of a field becomes one at which sizes overflow, or nearly."""
    marks = [mark for mark in _MARKS if mark in content]
    place = random.randrange(len(content) + 1)
    if marks and random.random() < 0.8:
        mark = random.choice(marks)
        found = [match.start() for match in re.finditer(re.escape(mark), content)]
        place = max(0, random.choice(found) + random.randrange(-4, 48))
    size = random.choice((1, 2, 4, 4, 8))
    number = random.choice((*_NUMBERS, len(content), len(content) + 1)) % 2 ** (8 * size)
    return _over(content, place, number.to_bytes(size, random.choice(("little", "big"))))


def _first_number(content: bytes, random: Random) -> bytes:
    size = random.choice((1, 2, 4, 8))
    number = random.choice(_NUMBERS) % 2 ** (8 * size)
    return _over(
        content, random.randrange(64), number.to_bytes(size, random.choice(("little", "big")))
    )


def _written_number(content: bytes, random: Random) -> bytes:
    """A number that is written in figures, or a text, becomes another."""
    found = list(re.finditer(rb'-?\d+(?:\.\d+)?|"[^"]{0,40}"', content[: 2**20]))
    if not found:
        return _flip_bits(content, random)
    start, stop = random.choice(found).span()
    return content[:start] + random.choice(_WRITTEN) + content[stop:]


def _lines(content: bytes, random: Random) -> bytes:
    """A line goes, comes twice, or loses or gains a cell."""
    lines = content.split(b"\n")
    number = random.randrange(len(lines))
    line = lines[number]
    mark = random.choice((b",", b" ", b'"', b"\t", b";"))
    lines[number : number + 1] = random.choice(
        ([], [line, line], [line + mark], [line.replace(mark, b"", 1)], [mark + line], [b""])
    )
    return b"\n".join(lines)


def _over(content: bytes, place: int, some: bytes) -> bytes:
    return content[:place] + some + content[place + len(some) :]


def _span(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.choice((1, 4, 16, 100, 1000)))


_WAYS: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip_bits, _flip_bits, _cut_end, _cut_out, _insert, _repeat, _swap, _blank),
    *(_number_behind_mark, _number_behind_mark, _first_number, _written_number, _lines),
)
