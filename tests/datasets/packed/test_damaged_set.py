"""Packed sets that are damaged, or that something else wrote: named before they are used."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lenet
from lenet.datasets import Dataset, DataSource, PackWriter, check_packed

# Private: indices are tried by the hundred, without shards.
from lenet.datasets.packed._index import read_index
from lenet.errors import DataFileError, DatasetError, LenetError
from packed_sets import index_of, pack, write_index


def flip_a_bit(path: Path) -> None:
    """Damage a file and let it look as if nobody had touched it."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    "harm",
    [
        flip_a_bit,
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        Path.unlink,
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.rename("away"), path.symlink_to(Path("away").absolute())),
    ],
    ids=["bit", "short", "long", "missing", "folder", "pipe", "link"],
)
@pytest.mark.parametrize("name", ["train-00001.images", "test.labels"])
def test_a_damaged_file_is_named_when_the_set_is_opened(
    folder: Path, harm: Callable[[Path], Any], name: str
) -> None:
    lenet.load_dataset(folder)  # found whole once, which is remembered
    harm(folder / name)
    for look in (lenet.load_dataset, check_packed):
        with pytest.raises(DataFileError, match=re.escape(name)):
            look(folder)


def test_what_was_found_whole_is_not_read_again_until_something_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = lenet.datasets.packed._check._is_whole  # type: ignore[attr-defined]

    def watch(path: Path, *arguments: Any) -> bool:
        read.append(path.name)
        whole: bool = real(path, *arguments)
        return whole

    monkeypatch.setattr("lenet.datasets.packed._check._is_whole", watch)
    lenet.load_dataset(folder)
    assert not read  # the writer has read everything back
    shutil.rmtree(tmp_path / "cache")
    lenet.load_dataset(folder)
    assert len(read) == len(set(read)) == 7
    lenet.load_dataset(folder)
    assert len(read) == 7
    check_packed(folder)
    assert len(read) == 14
    os.utime(folder / "train.labels")
    lenet.load_dataset(folder)
    assert len(read) == 21


@pytest.mark.parametrize("name", ["a-file", "x" * 300])
def test_where_nothing_can_be_remembered_all_is_read_again(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("LENET_CACHE", str(tmp_path / name / "below"))
    for _ in range(2):
        assert len(lenet.load_dataset(folder).train) == 128


def test_a_folder_that_is_no_packed_set_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(DataFileError, match="is no packed set"):
        check_packed(tmp_path)
    with pytest.raises(DataFileError, match="is no packed set"):
        check_packed(tmp_path / "nothing")


def test_a_class_that_a_split_lacks_is_refused_by_the_dataset(tmp_path: Path) -> None:
    """The writer lets no label beyond the classes into the file; another program may have."""
    folder = tmp_path / "set"
    with PackWriter(folder, ["a", "b"]) as writer:
        writer.write(np.zeros((2, 4, 4), np.uint8), [0, 1])
    (folder / "train.labels").write_bytes(b"\0\0\7\0")
    values = index_of(folder)
    values["parts"]["train"]["labels"]["sha256"] = hashlib.sha256(b"\0\0\7\0").hexdigest()
    write_index(folder, values)
    with pytest.raises(DatasetError, match="hold 7, outside its 2 classes"):
        lenet.load_dataset(folder)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["../../secret", "/etc/passwd", "train-00000.images", "train", "lenet"])
    | st.sampled_from([[28, 28], [1, 28, 28, 1], [1, 14, 28], {}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@st.composite
def replaced(draw: st.DrawFn, values: Any) -> Any:
    """A JSON value with another one somewhere in it."""
    if not isinstance(values, (dict, list)) or not values or draw(st.integers(0, 4)) == 0:
        return draw(json_values)
    if isinstance(values, dict):
        key = draw(st.sampled_from(sorted(values)))
        if draw(st.integers(0, 9)) == 0:
            return {name: value for name, value in values.items() if name != key}
        return values | {key: draw(replaced(values[key]))}
    at = draw(st.integers(0, len(values) - 1))
    return [*values[:at], draw(replaced(values[at])), *values[at + 1 :]]


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_other_index_is_one_error_and_opens_nothing_outside(
    few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = tmp_path_factory.getbasetemp() / "hostile"
    if not place.exists():
        place.mkdir()
        pack(few_digits, place / "set", images_a_shard=100)
        shutil.copy(place / "set/index.json", place / "whole.json")
    folder = place / "set"
    values = json.loads((place / "whole.json").read_text())
    changed = data.draw(replaced(values))
    write_index(folder, changed)
    opened: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        real = os.open

        def watch(path: Any, *arguments: Any, **more: Any) -> int:
            opened.append(Path(path))
            return real(path, *arguments, **more)

        patch.setattr(os, "open", watch)
        patch.setenv("LENET_CACHE", str(place / "cache"))
        with suppress(LenetError):
            found = lenet.load_dataset(DataSource(str(folder)))
            assert len(found.train) == 128  # another name of a class is an index as well
    assert all(path.parent in (folder, place / "cache" / "verified") for path in opened)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": "lenet packed images", "version": 1' + b"0" * 5000 + b"}",
        b'{"format": "lenet packed images", "version": 2}',
        b'{"format": "lenet packed images"',
        b"null",
    ],
)
def test_an_index_of_any_bytes_is_one_error(folder: Path, content: bytes) -> None:
    (folder / "index.json").write_bytes(content)
    with pytest.raises(DataFileError, match=r"index\.json` is no index"):
        lenet.load_dataset(folder)


def test_an_index_is_a_plain_file_of_a_sensible_size(folder: Path, tmp_path: Path) -> None:
    (folder / "index.json").rename(tmp_path / "elsewhere.json")
    (folder / "index.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(DataFileError, match=r"index\.json` is a link"):
        lenet.load_dataset(folder)
    (folder / "index.json").unlink()
    with (folder / "index.json").open("wb") as file:
        file.truncate(2**27)
    with pytest.raises(DataFileError, match="larger than any index"):
        lenet.load_dataset(folder)


def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "train-00000.images", tmp_path / "secret")
    values = index_of(folder)
    values["parts"]["train"]["shards"][0]["file"] = "../secret"
    write_index(folder, values)
    with pytest.raises(DataFileError, match=r"names '\.\./secret'"):
        read_index(folder)
