"""What is said of a module whose layers lenet does not know; test_every_network.py exports one."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import lenet
from lenet.errors import ModelError, ModelFileError
from lenet.export import FormatName, export_model
from lenet.runs import Run


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
    folder = tmp_path_factory.mktemp("custom")
    return lenet.train(Skipping(), "digits", epochs=1, runs_folder=folder, listeners=[])


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
