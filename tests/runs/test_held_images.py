"""Every door takes whatever holds images, and does with it what it does with files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import lenet
from lenet.datasets import Dataset
from lenet.errors import DatasetError, SettingError

QUICK: dict[str, Any] = {"model": "softmax", "epochs": 1, "seed": 0}
SILENT: dict[str, Any] = {"listeners": []}


def held(data: Dataset) -> tuple[Any, Any]:
    return data.train.images[:, 0], data.train.labels.tolist()


@pytest.fixture(scope="module")
def by_file(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A run on the same images from a file."""
    folder = tmp_path_factory.mktemp("by-file")
    images, labels = held(few_digits)
    np.savez(folder / "own.npz", x=images, y=labels)
    return lenet.train(dataset=folder / "own.npz", runs_folder=folder, **QUICK, **SILENT)


def test_images_in_memory_are_trained_on_as_those_of_a_file(
    few_digits: Dataset, by_file: lenet.Run
) -> None:
    images, labels = held(few_digits)
    told: list[str] = []

    class Listening(lenet.training.Listener):
        def on_message(self, text: str) -> None:
            told.append(text)

    run = lenet.train(dataset=(images, labels), listeners=[Listening()], **QUICK)
    assert run.config.fingerprint == by_file.config.fingerprint
    assert run.config.preset == by_file.config.preset
    assert run.config.recipe == by_file.config.recipe
    assert run.result.test_accuracy == by_file.result.test_accuracy
    assert run.config.dataset == "own"
    assert run.config.source is None
    assert "\nimages: 102 train, 26 test; 28×28 grey" in told[0]


def test_images_may_stand_where_a_network_does(few_digits: Dataset, by_file: lenet.Run) -> None:
    images, labels = held(few_digits)
    data = TensorDataset(torch.from_numpy(images)[:, None] / 255, torch.tensor(labels))
    settings = {name: value for name, value in QUICK.items() if name != "model"}
    run = lenet.train(data, preset="softmax", **settings, **SILENT)
    assert run.config.fingerprint == by_file.config.fingerprint
    run = lenet.train(images, labels, preset="softmax", **settings, **SILENT)  # as `fit` is called
    assert run.config.fingerprint == by_file.config.fingerprint
    for arguments, message in (
        (("softmax-regression", (images, labels)), "model"),
        (("softmax", images, np.array(labels)), "A `ndarray` is no recipe. Images and labels are"),
        ((images, images), "A `ndarray` stands where the network belongs, and `dataset` is anot"),
        ((7,), "A `int` is neither a network nor images"),
    ):
        with pytest.raises(SettingError, match=message):
            lenet.train(*arguments, **SILENT)  # type: ignore[arg-type]


def test_a_run_on_images_in_memory_is_scored_on_them_and_on_others(few_digits: Dataset) -> None:
    images, labels = held(few_digits)
    run = lenet.train(dataset=(images, labels), **QUICK, **SILENT)
    again = lenet.evaluate(run, (images, labels))
    assert again.images == 26
    assert again.accuracy == run.result.test_accuracy
    test = few_digits.require_test()
    for other in ((test.images[:, 0], test.labels), (test.images / 255, test.labels), test):
        assert lenet.evaluate(run, other).images == 64
    one = test.take(np.flatnonzero(test.labels == 3))
    assert lenet.evaluate(run, (one.images, one.labels)).images == len(one)
    assert lenet.resume(run, dataset=(images, labels), **SILENT).status == "complete"


def test_numbers_are_the_numbers_of_a_networks_classes(few_digits: Dataset) -> None:
    images, labels = held(few_digits)
    names = tuple("abcdefghij")
    data = lenet.as_dataset((images, labels), class_names=names, test_share=0.0)
    run = lenet.train(dataset=data, **QUICK, **SILENT)
    test = few_digits.require_test()
    pairs = zip(test.images, test.labels, strict=True)  # which are given but once
    by_name = lenet.Dataset("test", names, test, test)
    for other in ((test.images[:, 0], test.labels.tolist()), pairs, test):
        assert lenet.evaluate(run, other).confusion == lenet.evaluate(run, by_name).confusion
    with pytest.raises(DatasetError, match="has the class `11`, which the network does not know"):
        lenet.evaluate(run, (images, [11] * len(images)))


def test_networks_are_compared_on_images_in_memory(few_digits: Dataset, tmp_path: Path) -> None:
    compared = lenet.compare(
        ["softmax", "mlp"], held(few_digits), seeds=1, epochs=1, runs_folder=tmp_path
    )
    assert [entry.label for entry in compared.entries] == ["softmax", "mlp"]
    assert all(len(entry.runs) == 1 for entry in compared.entries)


def test_a_sweep_keeps_the_images_that_it_searches_on(few_digits: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    options: dict[str, Any] = {"model": "softmax", "epochs": 1, "sweeps_folder": tmp_path}
    options["batch_size"] = 16
    search = {"learning_rate": [0.1, 0.2]}
    swept = lenet.sweep(search, held(few_digits), trials=1, **options)
    assert swept.definition.source is not None
    assert swept.definition.source.place.parent == tmp_path
    again = lenet.sweep(search, held(few_digits), trials=2, **options)
    assert len(again.trials) == 2
    assert again.definition.source == swept.definition.source


def test_a_dataset_of_ones_own_gets_the_preset_of_ones_own(few_digits: Dataset) -> None:
    run = lenet.train(dataset=few_digits, epochs=1, **SILENT)
    assert run.config.preset == "modern"
    assert run.config.recipe.batch_size == 16
