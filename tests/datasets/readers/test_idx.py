"""`read_idx` against files packed by hand with `struct` and `gzip`."""

import gzip
import math
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.datasets import read_idx
from lenet.errors import DataFileError
from small_dataset import pack_idx

# The type codes of the format's description with `struct`'s letters for them.
LETTERS = {0x08: "B", 0x09: "b", 0x0B: "h", 0x0C: "i", 0x0D: "f", 0x0E: "d"}
PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"

shapes = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path that each example writes anew."""
    return tmp_path_factory.mktemp("idx") / "values-idx"


@pytest.fixture(scope="module")
def packed() -> bytes:
    """A sound file of 3 × 4 × 5 bytes."""
    return pack_idx(0x08, (3, 4, 5), bytes(range(60)))


def refusal(path: Path) -> str:
    """The message with which a file is refused; it names the file."""
    with pytest.raises(DataFileError) as caught:
        read_idx(path)
    assert f"`{path}`" in str(caught.value)
    return str(caught.value)


def equal_or_refused(path: Path, expected: np.ndarray) -> None:
    """Damage may go unnoticed only where it changed nothing."""
    try:
        values = read_idx(path)
    except DataFileError:
        return
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


@settings(max_examples=60, deadline=None)
@given(type_code=st.sampled_from(list(LETTERS)), shape=shapes, data=st.data())
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_every_type_and_shape_is_read_as_it_was_packed(
    file: Path,
    compressed: bool,
    type_code: int,
    shape: tuple[int, ...],
    data: st.DataObject,
) -> None:
    letter, count = LETTERS[type_code], math.prod(shape)
    size = count * struct.calcsize(f">{letter}")
    body = data.draw(st.binary(min_size=size, max_size=size))
    content = pack_idx(type_code, shape, body)
    file.write_bytes(gzip.compress(content) if compressed else content)

    values = read_idx(file)

    assert values.dtype == np.dtype(letter)
    assert values.dtype.isnative
    assert values.shape == shape
    expected = np.array(struct.unpack(f">{count}{letter}", body)).reshape(shape)
    np.testing.assert_array_equal(values, expected)


def test_the_array_may_be_written_to_and_the_path_may_be_text(file: Path, packed: bytes) -> None:
    file.write_bytes(packed)
    values = read_idx(str(file))
    values[0, 0, 0] = 77
    assert read_idx(file)[0, 0, 0] == 0


def test_sizes_around_the_longest_header_are_read_whole(file: Path) -> None:
    for size in (0, 1, 1015, 1016, 1017, 1024, 1025, 2048):
        body = bytes(index % 251 for index in range(size))
        for compressed in (False, True):
            content = pack_idx(0x08, (size,), body)
            file.write_bytes(gzip.compress(content) if compressed else content)
            assert read_idx(file).tobytes() == body


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_file_cut_anywhere_is_refused(file: Path, packed: bytes, compressed: bool) -> None:
    content = gzip.compress(packed) if compressed else packed
    for length in range(len(content)):
        file.write_bytes(content[:length])
        refusal(file)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0, "truncated: it holds 0 bytes"),
        (3, "truncated: it holds 3 bytes"),
        (4, "truncated in its header"),
        (15, "truncated in its header"),
        (16, "truncated: it declares 60 bytes of data and holds 0"),
        (75, "truncated: it declares 60 bytes of data and holds 59"),
    ],
)
def test_a_truncated_file_is_told_what_it_lacks(
    file: Path, packed: bytes, compressed: bool, length: int, words: str
) -> None:
    content = packed[:length]
    file.write_bytes(gzip.compress(content) if compressed else content)
    assert words in refusal(file)


def test_a_gzip_file_without_its_checksum_is_not_said_to_hold_too_much(
    file: Path, packed: bytes
) -> None:
    file.write_bytes(gzip.compress(packed)[:-3])
    assert "more than" not in refusal(file)


@settings(max_examples=60, deadline=None)
@given(tail=st.binary(min_size=1, max_size=40))
def test_bytes_after_the_data_are_refused(file: Path, packed: bytes, tail: bytes) -> None:
    for content in (packed + tail, gzip.compress(packed + tail)):
        file.write_bytes(content)
        assert "holds more than the 60 bytes" in refusal(file)


def test_bytes_after_the_gzip_stream_are_refused(file: Path, packed: bytes) -> None:
    file.write_bytes(gzip.compress(packed) + b"x")
    refusal(file)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_flipped_bits_in_a_gzip_file_never_give_wrong_data(
    file: Path, packed: bytes, data: st.DataObject
) -> None:
    content = bytearray(gzip.compress(packed))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    equal_or_refused(file, np.arange(60, dtype=np.uint8).reshape(3, 4, 5))


@pytest.mark.parametrize("level", [0, 9], ids=["stored", "deflated"])
def test_no_single_flipped_bit_of_a_gzip_file_gives_wrong_data(file: Path, level: int) -> None:
    expected = np.tile(np.arange(8, dtype=np.uint8), 4).reshape(4, 8)
    content = gzip.compress(pack_idx(0x08, (4, 8), expected.tobytes()), level)
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            file.write_bytes(damaged)
            equal_or_refused(file, expected)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_bytes_cut_out_of_or_put_into_a_gzip_file_never_give_wrong_data(
    file: Path, packed: bytes, data: st.DataObject
) -> None:
    content = gzip.compress(packed)
    first = data.draw(st.integers(0, len(content)))
    last = data.draw(st.integers(first, len(content)))
    file.write_bytes(content[:first] + data.draw(st.binary(max_size=8)) + content[last:])
    equal_or_refused(file, np.arange(60, dtype=np.uint8).reshape(3, 4, 5))


huge_sizes = st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1])


@settings(max_examples=150, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda code, sizes, body: (
                bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + body
            ),
            st.sampled_from([*LETTERS, 0, 0x0A, 0xFF]),
            st.lists(st.integers(0, 3) | huge_sizes, max_size=70),
            st.binary(max_size=40),
        ),
    ),
    compressed=st.booleans(),
)
def test_whatever_the_bytes_the_answer_is_an_array_or_a_refusal(
    file: Path, content: bytes, compressed: bool
) -> None:
    file.write_bytes(gzip.compress(content) if compressed else content)
    try:
        values = read_idx(file)
    except DataFileError:
        return
    header = 4 + 4 * values.ndim
    assert content[3] == values.ndim
    assert struct.unpack(f">{values.ndim}I", content[4:header]) == values.shape
    assert values.astype(values.dtype.newbyteorder(">")).tobytes() == content[header:]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "shape",
    [(2**32 - 1,), (2**31, 2**31), (2**32 - 1,) * 8, (0, *(2**32 - 1,) * 3), (1,) * 70],
    ids=["4 GB", "4 EB", "beyond 64 bits", "nothing times huge", "70 dimensions"],
)
def test_a_header_that_declares_too_much_is_refused_without_the_memory_for_it(
    file: Path, shape: tuple[int, ...], compressed: bool
) -> None:
    content = pack_idx(0x08, shape, b"a" if 0 not in shape else b"")
    file.write_bytes(gzip.compress(content) if compressed else content)
    tracemalloc.start()
    try:
        refusal(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_small_file_that_unpacks_to_much_more_than_it_declares_is_not_unpacked(
    file: Path,
) -> None:
    file.write_bytes(gzip.compress(pack_idx(0x08, (10,), bytes(50_000_000))))
    tracemalloc.start()
    try:
        assert "holds more than the 10 bytes" in refusal(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("page", [PAGE, b"\r\n  " + PAGE, b"<html>", b"<"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_web_page_is_called_one(file: Path, page: bytes, compressed: bool) -> None:
    file.write_bytes(gzip.compress(page) if compressed else page)
    assert "holds a web page instead of data" in refusal(file)


@pytest.mark.parametrize(
    "magic",
    ["00000a01", "00000800", "01000801", "00010801", "89504e47", "504b0304", "01080000"],
)
def test_a_wrong_magic_number_is_shown(file: Path, magic: str) -> None:
    file.write_bytes(bytes.fromhex(magic) + struct.pack(">I", 3) + b"abc")
    assert f"is not an IDX file: its magic number is 0x{magic}" in refusal(file)


def test_bytes_after_the_gzip_magic_that_do_not_unpack_are_corruption(file: Path) -> None:
    file.write_bytes(b"\x1f\x8b" + b"not compressed at all")
    assert "its gzip compression does not unpack" in refusal(file)


def test_zlib_itself_serves_where_zlib_ng_is_not_installed(
    file: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenet.datasets.readers._idx.zlib", zlib)  # as the import leaves it there
    content = gzip.compress(packed)
    file.write_bytes(content)
    assert read_idx(file).tobytes() == bytes(range(60))
    file.write_bytes(content[:-1])
    assert "truncated" in refusal(file)
    file.write_bytes(content[:20] + bytes(10) + content[30:])
    assert "corrupted" in refusal(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere" / "nothing")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)
