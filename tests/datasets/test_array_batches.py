"""`ArrayBatches` beside `Batches`, and where PyTorch is missing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lenet
from lenet.datasets import ArrayBatches, Augmentation, Batches, Dataset, SharedImages, Split

# Private: what a GPU's memory holds is tried without a GPU.
from lenet.datasets._tensor_batches import TensorPlace
from packed_sets import leave_little_room, pack

AUGMENTATIONS = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "shift": Augmentation(shift=3),
    "both": Augmentation(flip=True, shift=1),
    "all": Augmentation(True, 20, 0.2, 0.1, 0.2, 2),
}


def random_split(count: int = 50) -> Split:
    random = np.random.default_rng(count)
    images = random.integers(0, 256, (count, 2, 9, 7), dtype=np.uint8)
    return Split(images, random.integers(0, 5, count))


def assert_equal(arrays: ArrayBatches, tensors: Batches) -> None:
    """All that the one gives is what the other gives."""
    assert len(arrays) == len(tensors)
    assert np.array_equal(arrays.sizes, tensors.sizes)
    assert np.array_equal(arrays.labels, tensors.labels)
    assert np.array_equal(arrays.byte_values, tensors.byte_values)
    assert arrays.is_in_memory == tensors.is_in_memory
    assert np.array_equal(
        np.concatenate(list(map(np.copy, arrays.pieces()))),
        torch.cat([piece.clone() for piece in tensors.pieces()]),
    )
    for epoch, start in ((0, 0), (3, 2)):
        pairs = zip(arrays.selections(epoch, start), tensors.selections(epoch, start), strict=True)
        for ours, theirs in pairs:
            assert np.array_equal(ours.indices, theirs.indices)
            places = arrays.locate(ours.indices)
            assert np.array_equal(places, tensors.locate(theirs.indices))
            assert np.array_equal(arrays.placed.labels[places], tensors.placed.labels[places])
            everywhere = np.arange(len(arrays.labels))
            there = tensors.locate(torch.from_numpy(everywhere))
            assert np.array_equal(arrays.locate(everywhere), there)
            for name, drawn in vars(ours.changes).items():
                expected = getattr(theirs.changes, name)
                assert drawn is expected is None or np.array_equal(drawn, expected)
            for part in (slice(None), slice(1, 3), slice(0, 0)):
                images, labels = arrays.take(ours.part(part))
                expected_images, expected_labels = tensors.take(theirs.part(part))
                assert (images.dtype, labels.dtype) == (np.float32, np.int64)
                assert np.array_equal(labels, expected_labels)
                if ours.changes.distortions is None:
                    assert np.array_equal(images, expected_images)
                else:
                    np.testing.assert_allclose(images, expected_images, rtol=0, atol=2e-5)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [7, 50])
def test_arrays_and_tensors_are_the_same(augmentation: str, shuffle: bool, batch_size: int) -> None:
    split = random_split()
    options: dict[str, Any] = {
        "shuffle": shuffle,
        "seed": 2**40 + 1,
        "mean": 0.3,
        "std": 0.7,
        "augmentation": AUGMENTATIONS[augmentation],
        "plain_from": 3,
    }
    arrays, tensors = (kind(split, batch_size, **options) for kind in (ArrayBatches, Batches))
    assert_equal(arrays, tensors)
    assert_equal(arrays.part(slice(5, 21)), tensors.part(slice(5, 21)))


def test_nothing_is_copied() -> None:
    split = random_split()
    before = split.images.copy()
    images = ArrayBatches(split, 8).placed.images
    tensors = Batches(split, 8).placed.images.numpy()
    assert images is split.images
    assert np.shares_memory(tensors, split.images)
    for pixels, _ in ArrayBatches(split, 8, mean=0.5):
        pixels[:] = 0
    assert np.array_equal(split.images, before)


@pytest.mark.parametrize("kind", ["mirrored", "read-only"])
def test_arrays_that_numpy_only_views_are_taken_too(kind: str) -> None:
    split = random_split()
    images = split.images[..., ::-1]
    if kind == "read-only":
        images = split.images.copy()
        images.setflags(write=False)
    arrays = ArrayBatches(Split(images, split.labels), 50)
    assert arrays.placed.images.flags.c_contiguous  # as compiled code wants it
    assert np.array_equal(next(iter(arrays))[0], images / np.float32(255))


def test_images_of_several_trainings_lie_in_memory_once(few_digits: Dataset) -> None:
    shared = SharedImages(few_digits, "cpu")
    for seed in (0, 1):
        data = shared.hold_out(0.3, seed)
        for split in data.splits.values():
            arrays = ArrayBatches(split, 16, shuffle=True, shared=shared)
            tensors = Batches(split, 16, shuffle=True, shared=shared)
            whole = few_digits.test if split is few_digits.test else few_digits.train
            assert arrays.placed.images is whole.images
            assert tensors.placed.images.data_ptr() == whole.images.ctypes.data
            assert_equal(arrays, tensors)
            assert_equal(arrays.part(slice(3, 20)), tensors.part(slice(3, 20)))
            for (images, _), (alone, _) in zip(
                arrays, ArrayBatches(split, 16, shuffle=True), strict=True
            ):
                assert np.array_equal(images, alone)


@pytest.mark.parametrize("shuffle", [True, False])
def test_packed_images_are_read_ahead_into_arrays(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffle: bool
) -> None:
    leave_little_room(monkeypatch)
    split = lenet.load_dataset(pack(few_digits, tmp_path / "set")).train
    arrays, tensors = (
        kind(split, 9, shuffle=shuffle, seed=3, augmentation=Augmentation(shift=1))
        for kind in (ArrayBatches, Batches)
    )
    assert not arrays.is_in_memory
    assert_equal(arrays, tensors)
    for part in (slice(3, 120), slice(3, 20)):
        assert_equal(arrays.part(part), tensors.part(part))
    arrays.close()
    tensors.close()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("kind", ["memory", "shared", "packed"])
def test_a_device_with_memory_of_its_own_is_kept_up_to_date(
    kind: str,
    shuffle: bool,
    few_digits: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A device without numbers stands for a GPU: what is put there becomes a copy on the CPU."""
    put = TensorPlace.put
    on_cpu = TensorPlace(torch.device("cpu"))
    monkeypatch.setattr(TensorPlace, "put", lambda _, array: put(on_cpu, array).clone())
    shared, data = None, few_digits
    if kind == "packed":
        leave_little_room(monkeypatch)
        data = lenet.load_dataset(pack(few_digits, tmp_path / "set"))
    if kind == "shared":
        shared = SharedImages(data, "meta")
        data = shared.hold_out(0.3, 1)
    options: dict[str, Any] = {"shuffle": shuffle, "augmentation": AUGMENTATIONS["both"]}
    arrays = ArrayBatches(data.train, 9, shared=shared, **options)
    tensors = Batches(data.train, 9, shared=shared, device="meta", **options)
    assert_equal(arrays, tensors)
    assert_equal(arrays.part(slice(3, 70)), tensors.part(slice(3, 70)))
    if shared:
        again = Batches(shared.hold_out(0.3, 2).train, 9, shared=shared, device="meta")
        assert again.placed.images is tensors.placed.images
    arrays.close()
    tensors.close()


def test_pytorch_is_not_needed(few_digits: Dataset, tmp_path: Path) -> None:
    folder = pack(few_digits, tmp_path / "set")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import lenet\n"
        "assert len(lenet.load_dataset('digits').train) == 1438\n"
        "from lenet.datasets import ArrayBatches, Augmentation, SharedImages\n"
        "from lenet.datasets.packed import _images, _read_ahead\n"
        "_read_ahead._BLOCK_BYTES = 3 * 784\n"
        "for room in (128, 40):\n"
        "    _images.IN_MEMORY_BYTES = _read_ahead.IN_MEMORY_BYTES = room * 784\n"
        "    shared = SharedImages(lenet.load_dataset(sys.argv[1]))\n"
        "    train = shared.hold_out(0.5, 0).train\n"
        "    every = Augmentation(True, 20, 0.2, 0.1, 0.2, 2)\n"
        "    batches = ArrayBatches(train, 9, shuffle=True, shared=shared, augmentation=every)\n"
        "    total = sum(len(labels) for _, labels in batches)\n"
        "    assert total == len(train) == sum(map(len, batches.pieces()))\n"
        "    print(batches.is_in_memory)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\nFalse\n", "")
