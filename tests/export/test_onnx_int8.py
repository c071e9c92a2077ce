"""Eight bits cost little accuracy, and make the file small."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from layer_lists import KINDS
from random_network import random_network

from lenet.export import TrainedNetwork

# Networks without a model file.
from lenet.export._onnx import write_onnx_int8
from lenet.models import LeNet5Config, LeNetConfig, MLPConfig, ModelConfig, Network, SoftmaxConfig


def test_accuracy_and_size(trained_digits: TrainedNetwork, digits_int8: Path) -> None:
    assert digits_int8.stat().st_size <= 90_000
    session = onnxruntime.InferenceSession(digits_int8)
    given, decision = session.run(None, {"images": trained_digits.images})
    np.testing.assert_array_equal(decision, trained_digits.decide(given))
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-5)
    accuracy = (given.argmax(axis=1) == trained_digits.labels).mean()
    assert trained_digits.accuracy > 0.9
    assert accuracy >= trained_digits.accuracy - 0.003


def test_weights_are_eight_bits_and_the_head_is_not(digits_int8: Path) -> None:
    model = onnx.load(digits_int8)
    assert {entry.key for entry in model.metadata_props} == {"class_names", "lenet"}
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == 1]
    assert max(np.prod(tensor.dims) for tensor in floats) <= 120  # scales, one a channel
    kinds = [node.op_type for node in model.graph.node]
    assert "QuantizeLinear" not in kinds[kinds.index("Softmax") - 1 :]


def test_the_same_network_gives_the_same_file_and_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trained = random_network(SoftmaxConfig(), tmp_path)
    files = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        files.append(write_onnx_int8(trained, folder).path.read_bytes())
        assert [file.name for file in folder.iterdir()] == ["model.onnx"]
    assert files[0] == files[1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "config",
    [
        MLPConfig(dense_widths=(9, 7)),
        LeNet5Config(),
        LeNetConfig(activation="gelu", pooling="max", input_shape=(3, 21, 34)),
        KINDS["residual with a convolution"],
        KINDS["averages beyond the end"],
        KINDS["batch norm at the end"],
        KINDS["no weights"],
    ],
    ids=["mlp", "lenet5", "lenet", "residual", "averages", "batch norm", "no weights"],
)
def test_every_network_can_be_rounded(config: ModelConfig | Network, tmp_path: Path) -> None:
    trained = random_network(config, tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    written = write_onnx_int8(trained, folder)
    for count in (1, 2, 7):
        given, _ = written.run(trained.images[:count])
        np.testing.assert_allclose(given, trained.probabilities[:count], atol=0.15)
