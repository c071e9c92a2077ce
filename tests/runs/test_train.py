"""A run folder holds all that a person needs next."""

import json
import shutil
import sys
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from quick_runs import Messages, quick
from torch import nn

import lenet
from compiled_kernels import needs_kernels
from lenet.datasets import CATALOG, Dataset, Split
from lenet.errors import (
    DataFileError,
    DatasetError,
    DownloadError,
    ModelError,
    NonFiniteLossError,
    SettingError,
    StorageError,
    UnknownNameError,
)
from lenet.kernels import (
    _library,  # what it finds compiled is decided there
    kernel_status,
)
from lenet.models import LeNet, LeNetConfig, build_model, load_model
from tutorial_network import tutorial_network


def test_no_password_stays_in_the_run_folder(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = "postgresql://me:{}@host/sweeps"
    command = [
        "/bin/lenet",
        "sweep",
        "--storage",
        database.format("pass-word"),
        "--api-key",
        "k-e-y",
    ]
    monkeypatch.setattr(sys, "argv", command)
    run = quick(few_digits)
    shown = ["lenet", "sweep", "--storage", database.format("***"), "--api-key", "***"]
    assert run.environment["command"] == shown
    kept = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
    assert b"pass-word" not in kept
    assert b"k-e-y" not in kept


@pytest.mark.real_curves
def test_the_run_folder_is_complete(few_digits: Dataset) -> None:
    run = quick(few_digits, epochs=2, seed=3)
    names = {path.name for path in run.folder.iterdir()} - {".lock"}
    assert names == {
        "config.json",
        "environment.json",
        "history.jsonl",
        "model.safetensors",
        "curves.png",
        "curves.svg",
        "result.json",
    }
    assert run.folder.parent == Path("runs")
    assert run.name.endswith("-few-digits-lenet")
    assert run.status == "complete"
    assert (run.config.seed, run.config.recipe.epochs, run.config.preset) == (3, 2, "modern")
    assert run.history[-1].epoch == 2
    with Image.open(run.folder / "curves.png") as picture:
        assert picture.size[0] > 600
    assert xml.etree.ElementTree.parse(run.folder / "curves.svg").getroot().tag.endswith("svg")
    environment = json.loads(run.environment_path.read_text())
    assert environment["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert "git_commit" in environment


def test_the_model_file_explains_itself(few_digits: Dataset) -> None:
    run = quick(few_digits, normalisation="standard")
    network, card = load_model(run.model_path)
    assert card.class_names == few_digits.class_names
    assert card.input_shape == (1, 28, 28)
    assert card.dataset == "few-digits"
    assert card.recipe["batch_size"] == 32
    assert card.results["test_accuracy"] == run.result.test_accuracy
    pixels = few_digits.train.images / 255
    assert card.normalisation.mean == pytest.approx(pixels.mean())
    assert card.normalisation.std == pytest.approx(pixels.std())
    images = torch.from_numpy(few_digits.test.images).float() / 255
    with torch.no_grad():
        logits = network((images - card.normalisation.mean) / card.normalisation.std)
    labels = torch.from_numpy(few_digits.test.labels)
    accuracy = float((logits.argmax(1) == labels).double().mean())
    assert accuracy == run.result.test_accuracy


@pytest.mark.real_curves
def test_the_same_seed_gives_the_same_bits_and_another_one_others(few_digits: Dataset) -> None:
    runs = [quick(few_digits, seed=seed) for seed in (0, 0, 1)]
    states = [load_model(run.model_path)[0].state_dict() for run in runs]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])
    assert [point.train_loss for point in runs[0].history] == [
        point.train_loss for point in runs[1].history
    ]
    files = [run.model_path.read_bytes() for run in runs]
    assert files[0] == files[1] != files[2]
    pictures = [(run.folder / "curves.svg").read_bytes() for run in runs]
    assert pictures[0] == pictures[1] != pictures[2]


def test_runs_made_in_the_same_second_get_names_of_their_own(few_digits: Dataset) -> None:
    runs = [quick(few_digits) for _ in range(3)]
    assert len({run.folder for run in runs}) == 3
    assert {run.folder for run in lenet.find_runs()} == {run.folder for run in runs}


def test_the_tutorials_sequential_is_trained_in_place(few_digits: Dataset) -> None:
    net = tutorial_network()
    before = net[0].weight.detach().clone()
    run = lenet.train(net, few_digits, epochs=1, batch_size=32, listeners=[])
    assert not torch.equal(net[0].weight, before)
    kept = load_model(run.model_path)[0].state_dict()
    assert all(torch.equal(kept[name], value) for name, value in net.state_dict().items())


def test_a_network_of_ones_own_goes_on_from_the_weights_it_has(few_digits: Dataset) -> None:
    net = build_model(LeNetConfig(activation="relu"), seed=5)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    lenet.train(net, few_digits, epochs=1, learning_rate=1e-12, batch_size=32, listeners=[])
    for name, value in net.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"seed": -1}, SettingError, "`seed` must be at least 0"),
        ({"threads": 0}, SettingError, "`threads` must be at least 1"),
        ({"lerning_rate": 0.1}, UnknownNameError, "Did you mean `learning_rate`"),
        ({"model": "lenett"}, UnknownNameError, "Did you mean `lenet`"),
        ({"preset": "tutorail"}, UnknownNameError, "Did you mean `tutorial`"),
        ({"device": "gpu"}, SettingError, "no device `gpu`"),
        ({"batch_size": 129}, SettingError, "only 128 images"),
        (
            {"kernel_size": 31, "padding": 0},
            ModelError,
            "its 31×31 window does not fit",
        ),
        ({"validation": 0.001}, SettingError, "0 to choose on"),
        ({"model": nn.Linear(3, 3)}, ModelError, "does not take a batch of shape"),
        ({"model": lenet.LeNet(LeNetConfig(classes=3))}, ModelError, "in 3 classes"),
    ],
)
def test_a_wish_that_can_not_be_met_leaves_nothing(
    arguments: dict[str, Any], error: type[Exception], words: str, few_digits: Dataset
) -> None:
    with pytest.raises(error, match=words):
        lenet.train(dataset=few_digits, listeners=[], **arguments)
    assert not Path("runs").exists()


def test_a_runs_folder_that_can_not_be_made_is_an_error(few_digits: Dataset) -> None:
    Path("file").write_text("in the way")
    with pytest.raises(StorageError, match="Could not write `file"):
        quick(few_digits, runs_folder="file/runs")


def refuse_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Exception]:
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "nothing"))
    return DownloadError


def refuse_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Exception]:
    monkeypatch.delenv("LENET_OFFLINE")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "file"))
    return StorageError


def damage_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Exception]:
    for file in CATALOG["fashion-mnist"].files:
        (tmp_path / "fashion-mnist").mkdir(exist_ok=True)
        (tmp_path / "fashion-mnist" / file.name).write_bytes(b"\x1f\x8bcut off")
    monkeypatch.setenv("LENET_DATA", str(tmp_path))
    return DataFileError


@pytest.mark.parametrize("refuse", [refuse_network, refuse_folder, damage_file])
def test_without_its_data_a_bare_training_takes_the_bundled_digits(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    refuse: Callable[[pytest.MonkeyPatch, Path], type[Exception]],
) -> None:
    error = refuse(monkeypatch, tmp_path)
    messages = Messages()
    run = lenet.train(listeners=[messages], epochs=1)
    assert run.config.dataset == "digits"
    assert run.config.preset == "digits"
    assert "neither on this machine nor to be downloaded" in messages.texts[0]
    with pytest.raises(error):
        lenet.train(dataset="fashion-mnist", listeners=[])


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the folder of compiled kernels, which are looked for there."""
    folder = tmp_path / "compiled"
    shutil.copytree(_library.FOLDER, folder)
    monkeypatch.setattr(_library, "FOLDER", folder)
    monkeypatch.delenv("LENET_INSTRUCTIONS", raising=False)
    _library._load.cache_clear()
    yield folder
    _library._load.cache_clear()


def test_where_no_kernels_were_compiled_the_training_says_so(
    few_digits: Dataset, compiled: Path
) -> None:
    shutil.rmtree(compiled)
    messages = Messages()
    lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[messages])
    assert messages.texts[1] == (
        "PyTorch trains this network. The package was installed without compiled kernels. "
        "A C++ compiler and then lenet again would make it several times faster."
    )
    messages = Messages()
    lenet.train(dataset=few_digits, epochs=1, batch_size=64, engine="torch", listeners=[messages])
    assert not [text for text in messages.texts if "faster" in text], "it was asked for"


@needs_kernels
def test_a_training_by_slower_kernels_than_there_were_says_so(
    few_digits: Dataset, compiled: Path
) -> None:
    if len(list(compiled.glob("lenet_*"))) < 2 or kernel_status().instructions == "baseline":
        pytest.skip("there is one library only")
    best = next(compiled.glob(f"lenet_{kernel_status().instructions}.*"))
    _library._load.cache_clear()
    half = best.read_bytes()[:1000]
    best.unlink()  # so that the one that is loaded stays whole: its end would be by a bus error
    best.write_bytes(half)
    messages = Messages()
    run = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[messages])
    assert run.config.engine == "native"
    assert messages.texts[1].startswith(f"`{best}` is damaged or of an older build")
    assert messages.texts[1].endswith("Install lenet again to be faster.")


def test_a_loss_that_is_not_finite_names_the_last_good_checkpoint(few_digits: Dataset) -> None:
    with pytest.raises(NonFiniteLossError) as caught:
        quick(few_digits, activation="relu", learning_rate=1e30)
    checkpoint = caught.value.checkpoint
    assert checkpoint is not None
    assert checkpoint.exists()
    assert str(checkpoint) in str(caught.value)
    run = lenet.Run(checkpoint.parent)
    assert run.status == "stopped"
    with pytest.raises(NonFiniteLossError):
        lenet.resume(run, dataset=few_digits, listeners=[])


def test_colour_images_of_another_size_are_trained_on() -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (40, 3, 32, 30), dtype=np.uint8)
    split = Split(images, np.arange(40) % 4)
    data = Dataset("noise", ("a", "b", "c", "d"), split, split)
    run = lenet.train(dataset=data, epochs=1, batch_size=8, listeners=[])
    assert lenet.load(run.folder)[1].input_shape == (3, 32, 30)


def test_a_network_changed_after_it_was_built_is_one_of_ones_own(few_digits: Dataset) -> None:
    network = lenet.LeNet()
    network[1] = nn.ReLU()
    run = lenet.train(network, few_digits, batch_size=64, epochs=1, listeners=[])
    assert run.config.model == "sequential"
    loaded, _ = lenet.load(run)
    assert isinstance(loaded[1], nn.ReLU)

    class Own(lenet.LeNet):
        """A network with a `forward` of its own."""

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * 2

    run = lenet.train(Own(), few_digits, batch_size=64, epochs=1, listeners=[])
    assert run.config.model == "custom"
    with pytest.raises(ModelError, match="must be float32"):
        lenet.train(lenet.LeNet().double(), few_digits, batch_size=64, listeners=[])


def test_any_memory_format_is_trained(few_digits: Dataset) -> None:
    network = lenet.LeNet().to(memory_format=torch.channels_last)
    run = lenet.train(network, few_digits, epochs=1, batch_size=64, listeners=[])
    assert run.status == "complete"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "mlp", "kernel_size": 3}, "`kernel_size` is a setting of `lenet`; `mlp` does"),
        ({"model": "softmax", "dense_widths": (3,)}, "setting of `mlp` and `lenet`; `softmax`"),
        ({"model": "lenet5", "activation": "relu"}, "`activation` is a setting of `mlp` and"),
        ({"model": "lenet6"}, "Unknown model `lenet6`. Did you mean `lenet"),
    ],
)
def test_a_setting_of_another_network_is_named_as_such(
    arguments: dict[str, Any], message: str, few_digits: Dataset
) -> None:
    with pytest.raises(SettingError, match=message):
        lenet.train(dataset=few_digits, listeners=[], **arguments)


def test_a_network_that_does_not_fit_the_images_is_refused(few_digits: Dataset) -> None:
    splits = (few_digits.train, few_digits.test)
    small = [Split(split.images[:, :, 10:18, 10:18], split.labels) for split in splits]
    data = Dataset("small", few_digits.class_names, *small)
    options = {"dataset": data, "batch_size": 16, "listeners": []}
    with pytest.raises(ModelError, match="its 5×5 window does not fit the 4×4 input"):
        lenet.train(**options)
    with pytest.raises(ModelError, match=r"LeNet-5 takes images of shape \(1, 28, 28\)"):
        lenet.train("lenet5", **options)
    with pytest.raises(ModelError, match=r"takes images of shape .* in 10 classes; `small` has"):
        lenet.train(LeNet(), **options)


def test_too_few_classes_for_the_labels_are_refused(few_digits: Dataset) -> None:
    with pytest.raises(ModelError, match=r"in 2 classes; `few-digits` has .* 10 classes"):
        lenet.train(LeNet(LeNetConfig(classes=2)), few_digits, batch_size=16, listeners=[])


def test_a_run_without_test_images_is_complete_but_for_their_score(few_digits: Dataset) -> None:
    data = Dataset("no-test", few_digits.class_names, few_digits.train)
    run = quick(data)
    assert run.status == "complete"
    assert run.result.test_accuracy is None
    assert lenet.evaluate(run, few_digits).images == 64
    with pytest.raises(DatasetError, match="`no-test` has no test images"):
        lenet.evaluate(run, data)
