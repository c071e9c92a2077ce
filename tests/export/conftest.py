"""A network that knows digits, once for the room."""

from pathlib import Path

import pytest

import lenet
from lenet.datasets import Dataset
from lenet.export import TrainedNetwork, open_trained_network

# One file for many tests, without what `export_model` asks for.
from lenet.export._onnx import write_onnx, write_onnx_int8
from lenet.runs import Run


@pytest.fixture(scope="session", autouse=True)
def _torchlib_once(torchlib_once: None) -> None:
    """Many tests here export to ONNX."""


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two epochs on the bundled digits."""
    return lenet.train(
        dataset="digits",
        epochs=2,
        batch_norm=True,
        activation="relu",
        initialisation="kaiming",
        learning_rate=0.1,
        validation=0.1,
        runs_folder=tmp_path_factory.mktemp("trained"),
        listeners=[],
    )


@pytest.fixture(scope="session")
def trained_digits(digits_run: Run) -> TrainedNetwork:
    """The network of that run with the digits' test images."""
    return open_trained_network(digits_run)


@pytest.fixture(scope="session")
def digits_onnx(trained_digits: TrainedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network as ONNX."""
    return write_onnx(trained_digits, tmp_path_factory.mktemp("onnx")).path


@pytest.fixture(scope="session")
def digits_int8(trained_digits: TrainedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network as ONNX of eight bits."""
    return write_onnx_int8(trained_digits, tmp_path_factory.mktemp("int8")).path


@pytest.fixture
def model_file(tmp_path: Path, few_digits: Dataset) -> Path:
    """A small network of which only the file is known, and whose dataset nobody knows."""
    network = lenet.LeNet(
        lenet.LeNetConfig(input_shape=few_digits.image_shape, channels=(3,), dense_widths=(12,))
    )
    path = tmp_path / "small.safetensors"
    lenet.save_model(
        path, network, class_names=few_digits.class_names, dataset="my pictures", recipe={}
    )
    return path
