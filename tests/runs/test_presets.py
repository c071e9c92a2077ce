"""Every preset learns: short trainings on real images."""

from pathlib import Path

import pytest

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import DownloadError
from lenet.training import PRESETS, preset_for


def few(name: str, train: int, test: int = 2_000) -> Dataset:
    """The first images of a dataset, under its own name."""
    try:
        data = lenet.load_dataset(name)
    except DownloadError as error:
        pytest.skip(f"no {name} on this machine: {error}")
    splits = (
        Split(split.images[:count], split.labels[:count])
        for split, count in ((data.train, train), (data.test, test))
    )
    return Dataset(name, data.class_names, *splits)


# Dataset, training images, changes, and the test accuracy that is surely reached.
SHORT = {
    "tutorial": ("fashion-mnist", 30_000, {"epochs": 5}, 0.5),
    "digits": ("digits", 1_437, {"epochs": 15}, 0.85),
    "softmax": ("fashion-mnist", 20_000, {"epochs": 2}, 0.7),
    "mlp": ("fashion-mnist", 20_000, {"epochs": 2}, 0.65),
    "lenet5": ("mnist", 2_000, {"epochs": 8}, 0.75),
    "lenet5-distorted": ("mnist", 2_000, {"epochs": 8}, 0.7),
    "modern": ("fashion-mnist", 10_000, {"epochs": 2}, 0.75),
    "hands": ("mnist", 4_000, {"epochs": 3, "plain_epochs": 1}, 0.8),
    "fast": ("fashion-mnist", 20_000, {}, 0.8),
}


def test_there_is_a_short_training_for_every_preset() -> None:
    assert SHORT.keys() == PRESETS.keys()


@pytest.mark.fashion_mnist
@pytest.mark.parametrize("preset", SHORT)
def test_a_preset_learns(preset: str, tmp_path: Path) -> None:
    dataset, images, changes, expected = SHORT[preset]
    run = lenet.train(
        dataset=few(dataset, images),
        preset=preset,
        runs_folder=tmp_path,
        listeners=[],
        **changes,
    )
    assert run.config.preset == preset
    assert run.result.test_accuracy > expected


def test_a_digit_is_never_mirrored() -> None:
    assert preset_for("fashion-mnist", "modern").recipe.flip
    for dataset in ("mnist", "kmnist", "digits", "parts"):
        assert not preset_for(dataset, "modern").recipe.flip


@pytest.mark.parametrize("preset", set(PRESETS) - {"tutorial", "softmax", "mlp"})
def test_only_the_books_presets_look_at_the_test_images_while_training(preset: str) -> None:
    assert preset_for("mnist", preset).recipe.validation > 0
