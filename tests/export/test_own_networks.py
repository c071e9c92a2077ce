"""Networks of one's own, trained and exported to every format that can have them."""

from pathlib import Path

import pytest
import torch
from c_programs import need
from torch import Tensor, nn

import lenet
from lenet.errors import ModelError, ModelFileError
from lenet.export import FormatName, export_model
from lenet.models import Residual
from lenet.runs import Run


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of an `nn.Sequential` with much that a LeNet does not have."""
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8), nn.SiLU())
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)),
        nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, stride=2, padding=1),
        Residual(block),
        nn.GELU(),
        nn.AdaptiveAvgPool2d((4, 5)),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.LazyLinear(40),
        nn.BatchNorm1d(40),
        nn.ReLU(),
        nn.Linear(40, 10),
    )
    return train(network, tmp_path_factory.mktemp("own"), epochs=6, learning_rate=0.1)


def train(network: nn.Module, runs_folder: Path, **settings: object) -> Run:
    return lenet.train(network, "digits", runs_folder=runs_folder, listeners=[], **settings)


@pytest.mark.parametrize("to", ["onnx", "onnx-int8", "c", "c-int8", "hub"])
def test_an_own_sequential_answers_as_it_did(to: FormatName, own_run: Run, tmp_path: Path) -> None:
    need("cc")
    made = export_model(own_run, to, output=tmp_path / "made")
    assert made.accuracy > 0.8
    assert made.comparisons[0].accuracy >= made.accuracy - 0.003
    assert made.path.exists()


class Skipping(nn.Module):
    """A network that is no list of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 30), nn.Linear(30, 10)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) to logits (N, 10)."""
        pixels = images.flatten(1)
        hidden = torch.relu(self.first(pixels))
        logits: Tensor = self.second(hidden) + pixels[:, :10]
        return logits


@pytest.fixture(scope="module")
def custom_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.manual_seed(0)
    return train(Skipping(), tmp_path_factory.mktemp("custom"), epochs=40, learning_rate=0.05)


@pytest.mark.parametrize("to", ["onnx", "onnx-int8", "hub"])
def test_any_module_is_exported_with_its_code(
    to: FormatName, custom_run: Run, tmp_path: Path
) -> None:
    made = export_model(custom_run, to, output=tmp_path / "made", network=Skipping())
    assert made.accuracy > 0.8
    assert made.comparisons[0].accuracy >= made.accuracy - 0.003
    if to == "hub":
        assert "lenet.predict" not in (made.path / "README.md").read_text(encoding="utf-8")


def test_any_module_without_its_code_asks_for_it(custom_run: Run, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"`Skipping` is no .* take it as `network=`"):
        export_model(custom_run, "onnx", output=tmp_path / "made.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("network", [None, Skipping()], ids=["without its code", "with it"])
@pytest.mark.parametrize("to", ["c", "c-int8", "html"])
def test_c_and_the_page_need_known_layers(
    to: FormatName, network: nn.Module | None, custom_run: Run, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="`Skipping` is no list of layers that lenet knows"):
        export_model(custom_run, to, output=tmp_path / "made", network=network)
    assert not list(tmp_path.iterdir())
