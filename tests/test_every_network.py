"""A network that somebody adds or brings goes every way that the tutorial's goes."""

import signal
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch import nn

import lenet
from all_networks import NAMES, OWN_CODE, make
from forked_process import ForkedProcess
from lenet.export import TrainedNetwork, _hub, _onnx  # what turns a network into ONNX
from lenet.models import CUSTOM, MODELS, SEQUENTIAL

SETTINGS = {"epochs": 4, "validation": 0.0}
EXPORTS = ("onnx", "onnx-int8", "c", "c-int8", "hub", "html")


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


@pytest.mark.usefixtures("torchlib_once")
@pytest.mark.parametrize("name", NAMES)
def test_it_goes_every_way(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = killed_and_resumed(name, tmp_path / "killed")
    check_bits(name, run, tmp_path / "unbroken")
    network = make(name) if name in OWN_CODE else None
    check_scores(run, network)
    check_looks(name, run, tmp_path)
    convert_once(monkeypatch)
    for to in EXPORTS:
        check_export(name, to, run, network, tmp_path / to)


def killed_and_resumed(name: str, folder: Path) -> lenet.Run:
    """A run that was killed in its training and resumed."""
    code = "import sys, test_every_network as here; here.train_until_killed(*sys.argv[1:])"
    process = ForkedProcess(name, str(folder), code=code)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    (run,) = lenet.find_runs(folder)
    assert run.status == "stopped"
    return lenet.resume(run, network=make(name) if name in OWN_CODE else None, listeners=[])


def check_bits(name: str, run: lenet.Run, folder: Path) -> None:
    """See that it has the bits of a training that nobody killed."""
    unbroken = lenet.train(
        make(name), "digits", runs_folder=folder, threads=1, listeners=[], **SETTINGS
    )
    given = {"network": make(name)} if name in OWN_CODE else {}
    weights = [lenet.load(one, **given)[0].state_dict() for one in (run, unbroken)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[1])
    known = {SEQUENTIAL, CUSTOM, *MODELS}
    assert run.config.model in known
    assert (run.folder / "network.toml").exists() == (run.config.model == SEQUENTIAL)


def check_scores(run: lenet.Run, network: nn.Module | None) -> None:
    """Evaluate, report, load and summarise."""
    scored = lenet.evaluate(run, network=network)
    assert scored.accuracy == run.result.test_accuracy
    loaded = lenet.load(run, network=network)
    assert lenet.evaluate(loaded).accuracy == scored.accuracy
    page = lenet.report(run, network=network).read_text()
    assert f"{100 * scored.accuracy:.1f}" in page
    rows = lenet.summarise(loaded[0])
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in loaded[0].parameters())


def check_looks(name: str, run: lenet.Run, folder: Path) -> None:
    """Inspect and predict, or be told what is wanted for it."""
    if name in OWN_CODE:
        for ask in (lenet.inspect_network, lenet.evaluate, lenet.report, lenet.open_model):
            with pytest.raises(lenet.LenetError, match="functions of Python take it as `network=`"):
                ask(run)
        return
    found = lenet.inspect_network(run, ["class:3"])
    assert found.observations
    digits = lenet.load_dataset("digits")
    assert digits.test is not None
    Image.fromarray(digits.test.images[0, 0]).save(folder / "digit.png")
    (answer,) = lenet.predict(run, folder / "digit.png")
    network, card = lenet.load(run)
    image = torch.from_numpy(answer.seen.image[None] / np.float32(255))
    with torch.no_grad():
        logits = network((image - card.normalisation.mean) / card.normalisation.std)
    expected = (logits / card.calibration.temperature).softmax(dim=1)[0]
    for class_name, probability in answer.top:
        index = card.class_names.index(class_name)
        assert probability == pytest.approx(float(expected[index]), abs=1e-4)


def convert_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three exports have one conversion to ONNX, which takes most of their time."""
    real, made = _onnx.onnx_model, dict[str, bytes]()

    def convert(trained: TrainedNetwork) -> onnx.ModelProto:
        key = trained.card.to_json()
        if key not in made:
            made[key] = real(trained).SerializeToString()
        return onnx.ModelProto.FromString(made[key])

    for module in (_onnx, _hub):
        monkeypatch.setattr(module, "onnx_model", convert)


def check_export(
    name: str, to: str, run: lenet.Run, network: nn.Module | None, folder: Path
) -> None:
    """Write a format, which is compared with PyTorch before it is kept."""
    place = folder / ("model" if to in ("c", "c-int8", "hub") else f"model.{to[:4]}")
    folder.mkdir()
    if name in OWN_CODE and to in ("c", "c-int8", "html"):
        with pytest.raises(lenet.LenetError, match="Twice"):
            lenet.export_model(run, to, output=place, network=network)
        return
    made = lenet.export_model(run, to, output=place, network=network)
    assert made.path.exists()
    assert made.accuracy == run.result.test_accuracy
    assert name != "many kinds" or made.accuracy > 0.8
    if to == "hub":
        card = (made.path / "README.md").read_text(encoding="utf-8")
        assert ("lenet.predict" in card) == (name not in OWN_CODE)
