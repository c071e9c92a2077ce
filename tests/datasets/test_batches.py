"""`Batches` against numpy: every example once, the right pixels, augmentation by brute force."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lenet.datasets import Augmentation, Batches, Split, derive_seed
from lenet.errors import SettingError


def random_split(count: int, channels: int = 1, height: int = 6, width: int = 5) -> Split:
    """Images of random pixels without black ones; each label is its image's number."""
    random = np.random.default_rng(count)
    images = random.integers(1, 256, (count, channels, height, width), dtype=np.uint8)
    return Split(images, np.arange(count, dtype=np.int64))


def one_epoch(batches: Batches, epoch: int = 0, start: int = 0) -> tuple[Tensor, list[int]]:
    """All images and labels of an epoch, from a step on."""
    parts = list(batches.epoch(epoch, start))
    images = torch.cat([images for images, _ in parts])
    return images, torch.cat([labels for _, labels in parts]).tolist()


def pixels(images: Tensor) -> np.ndarray:
    """Floats in 0 … 1 back as whole grey levels."""
    return (images * 255).round().to(torch.uint8).numpy()


sizes = st.integers(1, 40)


@settings(max_examples=40, deadline=None)
@given(count=sizes, batch_size=sizes, seed=st.integers(0, 2**40), epoch=st.integers(0, 1000))
@pytest.mark.parametrize("shuffle", [False, True])
def test_every_example_comes_exactly_once_an_epoch_with_its_own_label(
    count: int, batch_size: int, seed: int, epoch: int, shuffle: bool
) -> None:
    split = random_split(count)
    batches = Batches(split, batch_size, shuffle=shuffle, seed=seed)
    images, labels = one_epoch(batches, epoch)
    assert sorted(labels) == list(range(count))
    np.testing.assert_array_equal(pixels(images), split.images[labels])
    if not shuffle:
        assert labels == list(range(count))


@settings(max_examples=40, deadline=None)
@given(count=sizes, batch_size=sizes)
def test_sizes_and_length_are_those_of_the_batches_that_come(count: int, batch_size: int) -> None:
    batches = Batches(random_split(count), batch_size, shuffle=True)
    shapes = [(tuple(images.shape), tuple(labels.shape)) for images, labels in batches]
    assert len(batches) == len(shapes)
    assert batches.sizes.tolist() == [labels[0] for _, labels in shapes]
    assert all(images == (labels[0], 1, 6, 5) for images, labels in shapes)
    assert all(size == batch_size for size in batches.sizes.tolist()[:-1])
    assert 1 <= int(batches.sizes[-1]) <= batch_size
    assert int(batches.sizes.sum()) == count


def test_types_are_float32_and_int64() -> None:
    images, labels = next(iter(Batches(random_split(3), 2)))
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)


def test_orders_differ_between_epochs_and_seeds_and_repeat_for_the_same() -> None:
    split = random_split(50)

    def order(seed: int, epoch: int) -> tuple[int, ...]:
        return tuple(one_epoch(Batches(split, 7, shuffle=True, seed=seed), epoch)[1])

    pairs = list(itertools.product(range(4), range(4)))
    orders = {order(*pair) for pair in pairs}
    assert len(orders) == len(pairs)
    assert tuple(range(50)) not in orders
    assert order(2, 3) == order(2, 3)


def test_an_epoch_is_the_same_whatever_was_drawn_before() -> None:
    split = random_split(30)
    augmentation = Augmentation(shift=2, flip=True)
    used, fresh = (
        Batches(split, 4, shuffle=True, seed=5, augmentation=augmentation) for _ in range(2)
    )
    for epoch in (0, 7, 1):
        list(itertools.islice(used.epoch(epoch), 3))
    torch.rand(10)
    assert torch.equal(one_epoch(used, 4)[0], one_epoch(fresh, 4)[0])
    assert torch.equal(torch.cat([images for images, _ in used]), one_epoch(fresh, 0)[0])


@settings(max_examples=60, deadline=None)
@given(
    count=sizes,
    batch_size=st.integers(1, 9),
    epoch=st.integers(0, 99),
    shuffle=st.booleans(),
    shift=st.integers(0, 3),
    flip=st.booleans(),
    rotation=st.sampled_from([0.0, 20.0]),
    data=st.data(),
)
def test_an_epoch_from_a_step_on_is_the_tail_of_the_epoch(
    count: int,
    batch_size: int,
    epoch: int,
    shuffle: bool,
    shift: int,
    flip: bool,
    rotation: float,
    data: st.DataObject,
) -> None:
    augmentation = Augmentation(shift=shift, flip=flip, rotation=rotation)
    split = random_split(count)
    batches = Batches(split, batch_size, shuffle=shuffle, seed=3, augmentation=augmentation)
    start = data.draw(st.integers(0, len(batches)))
    expected = list(batches.epoch(epoch))[start:]
    tail = list(batches.epoch(epoch, start=start))
    assert len(tail) == len(expected)
    for (images, labels), (expected_images, expected_labels) in zip(tail, expected, strict=True):
        assert torch.equal(images, expected_images)
        assert torch.equal(labels, expected_labels)


def test_pixels_are_brought_to_0_to_1_as_numpy_would() -> None:
    split = Split(np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16), np.zeros(1, np.int64))
    images, _ = next(iter(Batches(split, 1)))
    expected = split.images.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(images.numpy(), expected)
    assert (images.min(), images.max()) == (0, 1)


@pytest.mark.parametrize(("mean", "std"), [(0.286, 0.353), (0.0, 0.5), (0.5, 1.0)])
def test_mean_and_std_are_applied_as_numpy_would(mean: float, std: float) -> None:
    split = random_split(9, channels=3)
    images, _ = one_epoch(Batches(split, 4, mean=mean, std=std))
    expected = (split.images / 255 - mean) / std
    np.testing.assert_allclose(images.numpy(), expected, rtol=0, atol=1e-6)


def shifted(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """An image moved by whole pixels, with black where nothing comes in."""
    _, height, width = image.shape
    with_black = np.pad(image, ((0, 0), (height, height), (width, width)))
    return with_black[:, height - down : 2 * height - down, width - right : 2 * width - right]


def found_shift(output: np.ndarray, image: np.ndarray, shift: int) -> tuple[int, int] | None:
    """By how much an image was moved, if it was moved at all like this."""
    moves = itertools.product(range(-shift, shift + 1), repeat=2)
    fits = [move for move in moves if np.array_equal(output, shifted(image, *move))]
    assert len(fits) <= 1
    return fits[0] if fits else None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(6, 5), (4, 9)])
def test_every_shifted_image_is_the_original_moved_with_black_coming_in(
    channels: int, height: int, width: int
) -> None:
    split = random_split(500, channels, height, width)
    outputs = pixels(one_epoch(Batches(split, 64, seed=1, augmentation=Augmentation(shift=2)))[0])
    moves = [
        found_shift(output, image, 2) for output, image in zip(outputs, split.images, strict=True)
    ]
    assert None not in moves
    counts = {move: moves.count(move) for move in moves}
    # All 25 moves come, none much more often than the 20 times expected.
    assert set(counts) == set(itertools.product(range(-2, 3), repeat=2))
    assert max(counts.values()) < 40


def test_a_shift_of_one_pixel_never_moves_by_two() -> None:
    split = random_split(100)
    outputs = pixels(one_epoch(Batches(split, 10, augmentation=Augmentation(shift=1)))[0])
    for output, image in zip(outputs, split.images, strict=True):
        assert found_shift(output, image, 1) is not None


def test_a_shift_by_more_than_the_image_still_gives_images() -> None:
    split = random_split(40, height=2, width=2)
    outputs = pixels(one_epoch(Batches(split, 40, augmentation=Augmentation(shift=3)))[0])
    assert outputs.shape == (40, 1, 2, 2)
    assert any(not output.any() for output in outputs)


def test_every_flipped_image_is_the_original_or_its_mirror_image_half_of_them_each() -> None:
    split = random_split(1000)
    outputs = pixels(
        one_epoch(Batches(split, 100, seed=2, augmentation=Augmentation(flip=True)))[0]
    )
    mirrored = 0
    for output, image in zip(outputs, split.images, strict=True):
        is_mirrored = np.array_equal(output, image[:, :, ::-1])
        assert is_mirrored or np.array_equal(output, image)
        mirrored += is_mirrored
    assert 430 < mirrored < 570  # 500 ± 4.4 standard deviations


def test_flip_and_shift_work_together() -> None:
    split = random_split(200)
    outputs = pixels(
        one_epoch(Batches(split, 32, seed=2, augmentation=Augmentation(shift=1, flip=True)))[0]
    )
    mirrored = 0
    for output, image in zip(outputs, split.images, strict=True):
        plain = found_shift(output, image, 1)
        mirror = found_shift(output, image[:, :, ::-1], 1)
        assert plain is not None or mirror is not None
        mirrored += plain is None
    assert 60 < mirrored < 140


@pytest.mark.parametrize("options", [{"shift": 2}, {"flip": True}, {"shearing": 0.3}])
def test_augmentation_changes_with_epoch_seed_and_step_but_order_does_not(
    options: dict[str, Any],
) -> None:
    """The same image twelve times over shows what each step draws."""
    image = random_split(1).images
    split = Split(np.repeat(image, 24, axis=0), np.arange(24, dtype=np.int64))
    epochs = [
        one_epoch(Batches(split, 12, seed=seed, augmentation=Augmentation(**options)), epoch)
        for seed, epoch in itertools.product(range(2), range(2))
    ]
    assert all(labels == list(range(24)) for _, labels in epochs)
    draws = [images[half] for images, _ in epochs for half in (slice(0, 12), slice(12, 24))]
    for first, second in itertools.combinations(draws, 2):
        assert not torch.equal(first, second)


def test_the_originals_are_not_changed_by_what_is_done_to_a_batch() -> None:
    split = random_split(10)
    before = split.images.copy()
    augmentation = Augmentation(shift=1, flip=True)
    for options in ({}, {"augmentation": augmentation}, {"mean": 0.5, "std": 2.0}):
        for images, _ in Batches(split, 3, **options):
            images.zero_()
    np.testing.assert_array_equal(split.images, before)


def test_torchs_own_random_numbers_are_left_alone() -> None:
    state = torch.get_rng_state()
    augmentation = Augmentation(shift=2, flip=True, scaling=0.1)
    one_epoch(Batches(random_split(20), 3, shuffle=True, seed=8, augmentation=augmentation))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_below_1_is_refused(batch_size: int) -> None:
    with pytest.raises(SettingError, match=f"`batch_size` must be at least 1, not {batch_size}"):
        Batches(random_split(3), batch_size)


@pytest.mark.parametrize("kind", ["mirrored", "read-only"])
def test_arrays_that_numpy_only_views_are_taken_too(kind: str) -> None:
    split = random_split(4)
    images = split.images[..., ::-1]
    if kind == "read-only":
        images = split.images.copy()
        images.setflags(write=False)
    batch, _ = next(iter(Batches(Split(images, split.labels), 4)))
    np.testing.assert_array_equal(pixels(batch), images)


paths = st.lists(st.integers(0, 2**32 - 1), max_size=3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**64), path=paths)
def test_a_derived_seed_is_one_that_torch_takes(seed: int, path: list[int]) -> None:
    derived = derive_seed(seed, *path)
    assert 0 <= derived < 2**63
    assert derived == derive_seed(seed, *path)
    torch.Generator().manual_seed(derived)


def test_derived_seeds_of_different_paths_differ() -> None:
    places = itertools.product(range(3), range(2), range(30), range(30))
    assert len({derive_seed(*place) for place in places}) == 3 * 2 * 30 * 30


@pytest.mark.parametrize(
    ("first", "second"), [((5,), (5, 0)), ((5, 1), (5, 1, 0)), ((5, 1, 2), (5, 1, 2, 0))], ids=str
)
def test_a_derived_seed_is_not_that_of_the_path_one_step_deeper(
    first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    assert derive_seed(*first) != derive_seed(*second)
