"""Packed splits that do not fit into memory, beside the same images in memory."""

import os
import threading
from collections import Counter
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lenet
from lenet.datasets import Batches, Dataset, PackedImages, Selection, Split

# Private: orders are tried without images.
from lenet.datasets.packed._read_ahead import WindowOrder
from lenet.errors import DataFileError
from packed_sets import leave_little_room, pack


def assert_places_are_true(batches: Batches, memory: Batches) -> None:
    """Wherever an example is said to be, it is there."""
    places = batches.locate(torch.arange(len(memory.labels)))
    here = places >= 0
    assert bool(here.any())
    assert torch.equal(batches.placed.images[places[here]], memory.placed.images[here])
    assert torch.equal(batches.placed.labels[places[here]], memory.labels[here])


def readers() -> list[threading.Thread]:
    """The threads that read ahead now."""
    return [one for one in threading.enumerate() if one.name == "lenet-read-ahead"]


@pytest.fixture
def folder(few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """128 digits in shards of 50, of which 40 fit into memory."""
    leave_little_room(monkeypatch)
    return pack(few_digits, tmp_path / "set")


@pytest.fixture
def packed(folder: Path) -> Split:
    split = lenet.load_dataset(folder).train
    assert isinstance(split.images, PackedImages)
    return split


@pytest.fixture(scope="module")
def packed_once(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Split:
    """The same for many examples, which only read it."""
    place = tmp_path_factory.mktemp("packed")
    with pytest.MonkeyPatch.context() as patch:
        leave_little_room(patch)
        patch.setenv("LENET_CACHE", str(place / "cache"))
        split = lenet.load_dataset(pack(few_digits, place / "set")).train
    assert isinstance(split.images, PackedImages)
    return split


counts = st.integers(1, 60)


@settings(max_examples=80, deadline=None)
@given(count=counts, block=st.integers(1, 9), blocks=st.integers(1, 9), seed=st.integers(0, 2**62))
def test_an_order_has_every_example_once_and_windows_of_whole_blocks(
    count: int, block: int, blocks: int, seed: int
) -> None:
    order = WindowOrder(count, block, blocks, seed)
    parts = [order.examples_of(number).tolist() for number in range(order.windows)]
    assert sorted(chain.from_iterable(parts)) == list(range(count))
    for number, part in enumerate(parts):
        assert sorted(part) == order.neighbours_of(number).tolist()
        assert len({example // block for example in part}) <= blocks
        assert order.start_of(number) == sum(map(len, parts[:number]))
        assert {order.window_of(order.start_of(number) + at) for at in range(len(part))} == {number}
    plain = WindowOrder(count, block, blocks)
    assert np.array_equal(
        np.concatenate([plain.examples_of(number) for number in range(plain.windows)]),
        np.arange(count),
    )


def test_an_order_mixes_across_the_whole_set() -> None:
    """Every example is as likely in the first window as in any other, at any place of it."""
    counts: Counter[int] = Counter()
    firsts: Counter[int] = Counter()
    for seed in range(400):
        first = WindowOrder(120, 4, 10, seed).examples_of(0).tolist()
        counts.update(first)
        firsts[first[0]] += 1
    assert set(counts) == set(range(120))  # 133 times each are expected
    assert 80 < min(counts.values()) <= max(counts.values()) < 190
    assert len(firsts) > 100  # 116 are expected


@pytest.mark.parametrize("batch_size", [1, 7, 32, 60])
@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_those_of_memory_in_the_order_of_the_windows(
    few_digits: Dataset, packed: Split, batch_size: int, shuffle: bool
) -> None:
    batches = Batches(packed, batch_size, shuffle=shuffle, seed=4)
    memory = Batches(few_digits.train, batch_size)
    orders = []
    for epoch in (0, 1, 5, 2):
        selections = []
        for selection in batches.selections(epoch):
            images, labels = batches.take(selection)
            expected_images, expected_labels = memory.take(selection)
            assert torch.equal(images, expected_images)
            assert torch.equal(labels, expected_labels)
            places = batches.locate(selection.indices)
            assert torch.equal(batches.placed.labels[places], labels)
            some = selection.indices[1::2]  # as a process of several takes them
            images, labels = batches.take(Selection(some))
            assert torch.equal(images, expected_images[1::2])
            assert torch.equal(labels, expected_labels[1::2])
            assert_places_are_true(batches, memory)
            selections.append(selection.indices)
        assert [len(one) for one in selections] == batches.sizes.tolist()
        orders.append(tuple(torch.cat(selections).tolist()))
        assert sorted(orders[-1]) == list(range(128))
    assert len(set(orders)) == (4 if shuffle else 1)
    batches.close()
    assert not readers()


@settings(max_examples=40, deadline=None)
@given(batch_size=st.integers(1, 70), epoch=st.integers(0, 9), data=st.data())
def test_an_epoch_from_a_step_on_is_the_tail_of_the_epoch(
    packed_once: Split,
    batch_size: int,
    epoch: int,
    data: st.DataObject,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        leave_little_room(patch)
        batches = Batches(packed_once, batch_size, shuffle=True, seed=1)
        start = data.draw(st.integers(0, len(batches)))
        whole = list(batches.epoch(epoch))[start:]
        fresh = Batches(packed_once, batch_size, shuffle=True, seed=1)
        tail = list(fresh.epoch(epoch, start))
        batches.close()
        fresh.close()
    assert len(tail) == len(whole)
    for (images, labels), (expected_images, expected_labels) in zip(tail, whole, strict=True):
        assert torch.equal(images, expected_images)
        assert torch.equal(labels, expected_labels)


def test_a_set_that_fits_into_memory_has_the_order_of_memory(
    few_digits: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_little_room(monkeypatch, room=128)
    split = lenet.load_dataset(folder).train
    assert isinstance(split.images, np.ndarray)
    pairs = zip(
        Batches(split, 9, shuffle=True, seed=2).epoch(3),
        Batches(few_digits.train, 9, shuffle=True, seed=2).epoch(3),
        strict=True,
    )
    for (images, labels), (expected_images, expected_labels) in pairs:
        assert torch.equal(images, expected_images)
        assert torch.equal(labels, expected_labels)


def test_the_validation_split_is_that_of_memory(few_digits: Dataset, folder: Path) -> None:
    packed = lenet.load_dataset(folder).with_validation(0.4, seed=7)
    memory = few_digits.with_validation(0.4, seed=7)
    assert memory.validation is not None
    assert packed.validation is not None
    for found, expected in (
        (packed.train, memory.train),
        (packed.validation, memory.validation),
    ):
        assert isinstance(found.images, PackedImages)
        np.testing.assert_array_equal(found.images[:], expected.images)
        np.testing.assert_array_equal(found.labels, expected.labels)
        batches = Batches(found, 16, shuffle=True)
        for selection in batches.selections(0):
            pixels, _ = batches.take(selection)
            assert torch.equal(pixels, Batches(expected, 16).take(selection)[0])
        batches.close()


def test_pieces_are_the_images_in_order(few_digits: Dataset, packed: Split) -> None:
    batches = Batches(packed, 8)
    for _ in range(2):
        pieces = [piece.clone() for piece in batches.pieces()]
        assert len(pieces) > 2
        np.testing.assert_array_equal(torch.cat(pieces).numpy(), few_digits.train.images)
    assert not readers()


def test_an_example_that_is_not_in_memory_has_no_place(packed: Split) -> None:
    batches = Batches(packed, 8, shuffle=True)
    selection = next(batches.selections(0))
    places = batches.locate(torch.arange(128))
    here = places >= 0
    assert 8 <= int(here.sum()) < 128
    assert bool(here[selection.indices].all())
    with pytest.raises(IndexError):
        batches.placed.images[places]
    batches.close()


def test_a_pass_that_another_one_has_interrupted_goes_on_as_it_was(
    few_digits: Dataset, packed: Split
) -> None:
    batches, memory = Batches(packed, 8, shuffle=True), Batches(few_digits.train, 8)
    whole = [selection.indices for selection in batches.selections(1)]
    seen = []
    for selection in batches.selections(1):
        assert torch.equal(batches.take(selection)[0], memory.take(selection)[0])
        seen.append(selection.indices)
        images, _ = next(batches.epoch(0))  # as the diagnosis of a training does
        assert images.shape == (8, 1, 28, 28)
    assert torch.equal(torch.cat(seen), torch.cat(whole))
    batches.close()


@pytest.mark.parametrize("leave", ["close", "error"])
def test_the_thread_ends_when_a_pass_is_left(packed: Split, leave: str) -> None:
    batches = Batches(packed, 8, shuffle=True)
    if leave == "close":
        selections = batches.selections(0)
        next(selections)
        selections.close()  # type: ignore[attr-defined]
    else:
        with suppress(KeyError):
            for _ in batches.selections(0):
                raise KeyError
        batches.close()
    assert not readers()


def test_a_shard_that_is_damaged_on_the_way_is_one_error_that_names_it(
    folder: Path, packed: Split
) -> None:
    batches = Batches(packed, 8, shuffle=True)
    selections = batches.selections(0)
    next(selections)
    for shard in folder.glob("train-*.images"):
        os.truncate(shard, 1)
    with pytest.raises(DataFileError, match=r"train-0000\d\.images` has changed"):
        list(selections)
    assert not readers()
