"""Turned, scaled, squeezed and sheared images, against scipy's own interpolation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import ndimage

from lenet.datasets import Augmentation, Batches, DrawnChanges, Split, apply_changes

# Private: of a batch nobody sees what was drawn for it, nor images before they are normalised.
from lenet.datasets._augmentation import change_arrays, draw_changes
from lenet.datasets._place import ARRAYS


def draw(count: int = 2000, **bounds: float) -> npt.NDArray[np.float64]:
    """The matrices (x, y) from the middle ← (x, y) of many images."""
    changes = draw_changes(Augmentation(**bounds), count, seed=3, place=ARRAYS)
    assert changes.distortions is not None
    return np.linalg.inv(changes.distortions.astype(np.float64))


def distorted_by_scipy(
    image: npt.NDArray[np.float32], matrix: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """An image whose pixel at (x, y) from the middle comes from the matrix times (x, y)."""
    of_rows_and_columns = matrix[::-1, ::-1]
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - of_rows_and_columns @ middle
    return ndimage.affine_transform(
        image, of_rows_and_columns, offset, order=1, mode="grid-constant"
    )


def as_tensors(changes: DrawnChanges[Any]) -> DrawnChanges:
    return DrawnChanges(
        *(None if part is None else torch.from_numpy(part) for part in vars(changes).values())
    )


@pytest.mark.parametrize("shape", [(28, 28), (9, 14), (1, 5)])
def test_distorted_pixels_are_those_of_scipy(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (6, 2, *shape), dtype=np.uint8)
    augmentation = Augmentation(rotation=40, scaling=0.3, squeezing=0.2, shearing=0.4)
    changes = draw_changes(augmentation, len(images), seed=0, place=ARRAYS)
    assert changes.distortions is not None
    by_torch = apply_changes(torch.from_numpy(images), as_tensors(changes)).numpy()
    for outputs in (change_arrays(images, changes), by_torch):
        assert outputs.dtype == np.float32
        for image, output, matrix in zip(images, outputs, changes.distortions, strict=True):
            for channel, expected_of in zip(output, image.astype(np.float32), strict=True):
                expected = distorted_by_scipy(expected_of, matrix)
                np.testing.assert_allclose(channel, expected, atol=0.02)


def test_a_rotation_by_a_quarter_turns_the_image() -> None:
    image = torch.arange(25, dtype=torch.uint8).reshape(1, 1, 5, 5)
    quarter = torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]])
    output = apply_changes(image, DrawnChanges(distortions=quarter))
    expected = torch.rot90(image, -1, (2, 3)).float()
    np.testing.assert_allclose(output, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_drawn_is_what_pytorch_draws(seed: int) -> None:
    bounds = {"rotation": 15, "scaling": 0.1, "squeezing": 0.2, "shearing": 0.3}
    changes = as_tensors(draw_changes(Augmentation(True, shift=2, **bounds), 50, seed, ARRAYS))
    generator = torch.Generator().manual_seed(seed)
    assert torch.equal(changes.mirrored, torch.rand(50, generator=generator) < 0.5)
    assert torch.equal(changes.shifts, torch.randint(5, (2, 50), generator=generator) - 2)
    angle, scale, squeeze, shear = 2 * torch.rand(4, 50, generator=generator).double() - 1
    cosine, sine = (angle * math.radians(15)).cos(), (angle * math.radians(15)).sin()
    width, height = 1.1**scale * 1.2**squeeze, 1.1**scale / 1.2**squeeze
    tilt = cosine * 0.3 * shear - sine, sine * 0.3 * shear + cosine
    matrices = torch.stack([cosine * width, tilt[0] * height, sine * width, tilt[1] * height], 1)
    expected = torch.linalg.inv(matrices.view(-1, 2, 2)).float()
    torch.testing.assert_close(changes.distortions, expected, rtol=1e-6, atol=1e-7)


def test_rotations_keep_lengths_and_stay_within_their_bound() -> None:
    matrices = draw(rotation=30)
    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-5)
    assert 28 < angles.max() <= 30.001
    assert -30.001 <= angles.min() < -28


def test_scaling_is_as_likely_to_shrink_as_to_enlarge() -> None:
    sizes = draw(scaling=0.25)[:, 0, 0]
    assert 1.2 < sizes.max() <= 1.2501
    assert 1 / 1.2501 <= sizes.min() < 0.83
    assert abs(np.mean(sizes > 1) - 0.5) < 0.05


def test_squeezing_keeps_the_area() -> None:
    matrices = draw(squeezing=0.2)
    np.testing.assert_allclose(matrices[:, 0, 0] * matrices[:, 1, 1], 1, atol=1e-5)
    assert 1.15 < matrices[:, 0, 0].max() <= 1.2001


def test_shearing_moves_columns_and_leaves_rows() -> None:
    matrices = draw(shearing=0.3)
    np.testing.assert_allclose(matrices[:, 1], np.tile([0.0, 1.0], (len(matrices), 1)), atol=1e-5)
    assert 0.28 < matrices[:, 0, 1].max() <= 0.3001


def test_nothing_is_drawn_for_what_is_not_wanted() -> None:
    assert draw_changes(Augmentation(), 3, seed=0, place=ARRAYS) == DrawnChanges()
    assert not Augmentation(flip=True, shift=2).distorts
    assert math.isclose(float(draw(1, rotation=1e-9)[0, 0, 0]), 1)


def test_in_the_last_epochs_images_are_mirrored_at_most() -> None:
    random = np.random.default_rng(2)
    images = random.integers(1, 256, (40, 1, 6, 6), dtype=np.uint8)
    split = Split(images, np.arange(40, dtype=np.int64))
    augmentation = Augmentation(flip=True, shift=1, rotation=10)
    batches = Batches(split, 40, seed=4, augmentation=augmentation, plain_from=3)
    plain = torch.from_numpy(images).float() / 255
    for epoch in range(6):
        outputs, _ = next(batches.epoch(epoch))
        same = (outputs == plain).all(dim=(1, 2, 3))
        mirrored = (outputs == plain.flip(3)).all(dim=(1, 2, 3))
        assert bool((same | mirrored).all()) == (epoch >= 3)
        if epoch >= 3:
            assert 0 < int(same.sum()) < 40
