"""`PackedImages` against NumPy: the same indexing, the same errors, from shards that may change."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lenet
from lenet.datasets import Dataset, PackedImages, Split
from lenet.errors import DataFileError, DatasetError
from packed_sets import leave_little_room, pack

COUNT = 60


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """60 images of 5×4, no two alike."""
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 1, 5, 4), dtype=np.uint8)
    return Dataset("small", ("a", "b"), Split(images, np.arange(COUNT) % 2))


@pytest.fixture(scope="module")
def packed(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> PackedImages:
    """The same in shards of 7 images, none of them in memory."""
    with pytest.MonkeyPatch.context() as patch:
        leave_little_room(patch, room=0)
        patch.setenv("LENET_CACHE", str(tmp_path_factory.mktemp("cache")))
        folder = pack(small, tmp_path_factory.mktemp("packed") / "set", images_a_shard=7)
        images: Any = lenet.load_dataset(folder).train.images
    assert isinstance(images, PackedImages)
    return images


indices = st.integers(-COUNT, COUNT - 1)
keys = st.one_of(
    indices,
    st.slices(COUNT),
    st.lists(indices, max_size=90).map(lambda chosen: np.array(chosen, np.int64)),
    st.lists(st.booleans(), min_size=COUNT, max_size=COUNT).map(np.array),
    st.just(Ellipsis),
)


@settings(max_examples=120, deadline=None)
@given(key=keys, rest=st.sampled_from([(), (0,), (slice(None), slice(1, 3))]))
def test_indexing_gives_what_numpy_gives(
    small: Dataset, packed: PackedImages, key: Any, rest: tuple[Any, ...]
) -> None:
    whole = (key, *rest) if rest else key
    found, expected = packed[whole], small.train.images[whole]
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape
    assert found.dtype == np.uint8


@settings(max_examples=50, deadline=None)
@given(chosen=st.lists(st.integers(0, COUNT - 1), min_size=1), key=st.slices(COUNT))
def test_what_was_taken_is_indexed_as_well(
    small: Dataset, packed: PackedImages, chosen: list[int], key: slice
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        leave_little_room(patch, room=0)
        taken = packed.take(np.array(chosen))
    assert isinstance(taken, PackedImages)
    np.testing.assert_array_equal(taken[key], small.train.images[chosen][key])
    np.testing.assert_array_equal(np.asarray(taken), small.train.images[chosen])


@pytest.mark.parametrize("key", [COUNT, -COUNT - 1, np.array([COUNT]), np.array([0.5])])
def test_an_index_that_is_none_is_an_index_error(packed: PackedImages, key: Any) -> None:
    with pytest.raises(IndexError):
        packed[key]


def test_it_says_what_an_array_says_of_itself(small: Dataset, packed: PackedImages) -> None:
    images = small.train.images
    for name in ("shape", "dtype", "ndim", "nbytes"):
        assert getattr(packed, name) == getattr(images, name)
    assert len(packed) == len(images)
    assert packed.mean() == pytest.approx(images.mean(), rel=1e-12)
    assert packed.std() == pytest.approx(images.std(), rel=1e-12)
    np.testing.assert_array_equal(np.concatenate(list(packed.pieces(90))), images)


def test_what_else_an_array_can_do_is_done(small: Dataset, packed: PackedImages) -> None:
    images = small.train.images
    np.testing.assert_array_equal(packed.astype(np.float32) / 2, images / np.float32(2))
    np.testing.assert_array_equal(255 - packed, 255 - images)
    np.testing.assert_array_equal(packed == packed[:1], images == images[:1])
    np.testing.assert_array_equal(np.pad(packed, 1), np.pad(images, 1))
    assert packed.max() == images.max()
    np.testing.assert_array_equal(packed.mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)))
    np.testing.assert_array_equal(packed.std(axis=0), images.std(axis=0))
    assert not hasattr(packed, "colour")
    with pytest.raises(ValueError, match="without a copy"):
        packed.__array__(copy=False)


def test_more_than_is_good_for_memory_is_refused_in_words(
    packed: PackedImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenet.datasets.packed._images._MOST_AT_ONCE", 10 * 20)
    assert len(packed[:10]) == 10
    with pytest.raises(DatasetError, match=r"11 images of .* at once take"):
        packed[:11]
    with pytest.raises(DatasetError, match="60 images"):
        np.asarray(packed)
    with pytest.raises(DatasetError, match="60 images"):
        packed + 1


def test_the_digest_is_another_one_for_other_images(packed: PackedImages) -> None:
    with pytest.MonkeyPatch.context() as patch:
        leave_little_room(patch, room=0)
        some, others = packed.take(np.arange(9)), packed.take(np.arange(1, 10))
    assert isinstance(some, PackedImages)
    assert isinstance(others, PackedImages)
    assert len({packed.digest(), some.digest(), others.digest()}) == 3


@pytest.mark.parametrize("harm", ["truncate", "remove", "replace", "link", "touch"])
def test_a_shard_that_changes_later_is_named(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    leave_little_room(monkeypatch, room=0)
    folder = pack(small, tmp_path / "set", images_a_shard=7)
    images = lenet.load_dataset(folder).train.images
    shard = folder / "train-00003.images"
    match harm:
        case "truncate":
            os.truncate(shard, 10)
        case "remove":
            shard.unlink()
        case "replace":
            copy = shutil.copy(shard, tmp_path / "copy")
            os.replace(copy, shard)
        case "link":
            shard.rename(tmp_path / "elsewhere")
            shard.symlink_to(tmp_path / "elsewhere")
        case "touch":
            os.utime(shard, ns=(1, 1))
    np.testing.assert_array_equal(images[:21], small.train.images[:21])
    with pytest.raises(DataFileError, match=r"train-00003\.images"):
        images[:22]
