"""A network that somebody adds or brings goes every way that the tutorial's goes.

Those of `MODELS` are tried, and what stands in `NETWORKS`.
"""

import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import lenet
from lenet.models import CUSTOM, MODELS, SEQUENTIAL, Residual

SETTINGS = {"epochs": 4, "validation": 0.0}


def with_many_kinds() -> nn.Module:
    """Batch normalisation, leaky ReLU, dropout, adaptive pooling and GELU."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(6, 8, 3, stride=2), nn.GELU()),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(72, 20),
        nn.BatchNorm1d(20),
        nn.SiLU(),
        nn.Linear(20, 10),
    )


def residual() -> nn.Module:
    """Sums of two lists, one of them with a shortcut of its own."""
    main = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU())
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1),
        Residual(nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))),
        Residual(main, nn.Sequential(nn.Conv2d(4, 6, 1, stride=2))),
        nn.ReLU(),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Linear(6, 10),
    )


class Twice(nn.Module):
    """A module with a forward pass of its own, which no list of layers tells."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images) + self.layers(images.flip(3))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "many kinds": with_many_kinds,
    "residual": residual,
    "twice": Twice,
}
NAMES = [*MODELS, *NETWORKS]
EXPORTS = ("onnx", "onnx-int8", "c", "c-int8", "hub", "html")
OWN_CODE = {"twice"}


def make(name: str) -> str | nn.Module:
    """What `lenet.train` takes: a name, or a module with weights of its own."""
    torch.manual_seed(0)
    return NETWORKS[name]() if name in NETWORKS else name


class KillInEpoch2(lenet.training.Listener):
    """Ends the process as a power cut does."""

    def on_epoch(self, trainer: lenet.training.Trainer, point: object) -> None:
        signal.raise_signal(signal.SIGKILL)


def train_until_killed(name: str, folder: str) -> None:
    """The body of the process that is killed."""
    torch.set_num_threads(1)
    lenet.train(
        make(name), "digits", runs_folder=folder, threads=1, listeners=[KillInEpoch2()], **SETTINGS
    )


@cache
def finished(name: str, base: Path) -> lenet.Run:
    """A run that was killed in its training and resumed."""
    folder = base / name.replace(" ", "-")
    done = subprocess.run([sys.executable, __file__, name, str(folder)], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    (run,) = lenet.find_runs(folder)
    assert run.status == "stopped"
    network = make(name) if name in OWN_CODE else None
    return lenet.resume(run, network=network, listeners=[])


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(name: str, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    return finished(name, tmp_path_factory.getbasetemp() / "every-network")


@pytest.fixture
def network(name: str) -> nn.Module | None:
    """What has to be passed where a network's own code alone can build it."""
    return make(name) if name in OWN_CODE else None


def test_a_killed_training_goes_on_to_the_same_bits(
    name: str, run: lenet.Run, tmp_path: Path
) -> None:
    unbroken = lenet.train(
        make(name), "digits", runs_folder=tmp_path, threads=1, listeners=[], **SETTINGS
    )
    given = {"network": make(name)} if name in OWN_CODE else {}
    weights = [lenet.load(one, **given)[0].state_dict() for one in (run, unbroken)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[1])
    known = {SEQUENTIAL, CUSTOM, *MODELS}
    assert run.config.model in known
    assert (run.folder / "network.toml").exists() == (run.config.model == SEQUENTIAL)


def test_it_is_scored_reported_and_loaded(
    name: str, run: lenet.Run, network: nn.Module | None
) -> None:
    scored = lenet.evaluate(run, network=network)
    assert scored.accuracy == run.result.test_accuracy
    loaded = lenet.load(run, network=network)
    assert lenet.evaluate(loaded).accuracy == scored.accuracy
    page = lenet.report(run, network=network).read_text()
    assert f"{100 * scored.accuracy:.1f}" in page
    rows = lenet.summarise(loaded[0])
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in loaded[0].parameters())


def test_it_is_looked_into_and_asked(name: str, run: lenet.Run, tmp_path: Path) -> None:
    if name in OWN_CODE:
        for ask in (lenet.inspect_network, lenet.evaluate, lenet.report, lenet.open_model):
            with pytest.raises(lenet.LenetError, match="functions of Python take it as `network=`"):
                ask(run)
        return
    found = lenet.inspect_network(run, ["class:3"])
    assert found.observations
    digits = lenet.load_dataset("digits")
    assert digits.test is not None
    Image.fromarray(digits.test.images[0, 0]).save(tmp_path / "digit.png")
    (answer,) = lenet.predict(run, tmp_path / "digit.png")
    network, card = lenet.load(run)
    image = torch.from_numpy(answer.seen.image[None] / np.float32(255))
    with torch.no_grad():
        logits = network((image - card.normalisation.mean) / card.normalisation.std)
    expected = (logits / card.calibration.temperature).softmax(dim=1)[0]
    for class_name, probability in answer.top:
        index = card.class_names.index(class_name)
        assert probability == pytest.approx(float(expected[index]), abs=1e-4)


@pytest.mark.parametrize("to", EXPORTS)
def test_it_is_exported_in_every_form(
    name: str, to: str, run: lenet.Run, network: nn.Module | None, tmp_path: Path
) -> None:
    place = tmp_path / "out" / ("model" if to in ("c", "c-int8", "hub") else f"model.{to[:4]}")
    place.parent.mkdir()
    if name in OWN_CODE and to in ("c", "c-int8", "html"):
        with pytest.raises(lenet.LenetError, match="Twice"):
            lenet.export_model(run, to, output=place, network=network)
        return
    made = lenet.export_model(run, to, output=place, network=network)  # compares with PyTorch
    assert made.path.exists()


if __name__ == "__main__":
    train_until_killed(*sys.argv[1:])
