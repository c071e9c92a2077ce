"""The ONNX file gives what PyTorch gives in float64, with any number of images."""

import copy
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from layer_lists import KINDS, added_up, conv, ended
from random_network import IMAGES, random_network

from lenet.export import TrainedNetwork

# Networks without a model file.
from lenet.export._onnx import write_onnx
from lenet.models import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelCard,
    ModelConfig,
    Network,
    SoftmaxConfig,
    module_of,
)
from lenet.models.layers import FUNCTIONS, Activation, BatchNorm, Flatten

WINDOWS = (
    "strides, padding, dilation, groups",
    "averages",
    "averages beyond the end",
    "averages beyond the end but padding",
    "windows larger than the maps",
    "maxima beyond the end",
    "adaptive average",
    "adaptive maximum",
)
OTHERS = (
    "batch norm first",
    "dropout",
    "padding of other values",
    "subsampling",
    "residual with a convolution",
    "residual first and in each other",
)
ACTIVATIONS = ended(
    conv(), *(Activation(function=name) for name in FUNCTIONS), Flatten(), BatchNorm()
)
NETWORKS: dict[str, ModelConfig | Network] = {
    # One conversion for many: it takes most of a second, however little there is to convert.
    "windows": added_up([KINDS[name] for name in WINDOWS]),
    "others": added_up([ACTIVATIONS, *(KINDS[name] for name in OTHERS)]),
    **{name: KINDS[name] for name in ("batch norm of units", "partial", "in each other")},
    "mlp": MLPConfig(dense_widths=(9, 7)),
    "lenet5": LeNet5Config(),
    "sigmoid": LeNetConfig(),
    "tanh": LeNetConfig(activation="tanh", pooling="max", batch_norm=True),
    "colour": LeNetConfig(
        activation="gelu",
        pooling="max",
        input_shape=(3, 21, 34),
        classes=3,
        channels=(4, 5, 6),
        kernel_size=3,
        padding=1,
        dense_widths=(),
    ),
}


def exact_probabilities(trained: TrainedNetwork) -> np.ndarray:
    """The definition, in float64: normalise, network, temperature, softmax."""
    pixels = torch.from_numpy(trained.images).double() / 255
    norm = trained.card.normalisation
    network = copy.deepcopy(module_of(trained.network)).double().eval()
    with torch.no_grad():
        logits = torch.nn.Sequential(*network)((pixels - norm.mean) / norm.std)
    return (logits / trained.card.calibration.temperature).softmax(dim=1).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_the_same_in_onnx(name: str, tmp_path: Path) -> None:
    trained = random_network(NETWORKS[name], tmp_path)
    expected = exact_probabilities(trained)
    np.testing.assert_allclose(trained.probabilities, expected, atol=1e-5)
    folder = tmp_path / "out"
    folder.mkdir()
    written = write_onnx(trained, folder)
    assert [file.name for file in folder.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(written.path)
    for count in (1, 2, 7, IMAGES):
        given, decision = session.run(None, {"images": trained.images[:count]})
        assert (given.dtype, decision.dtype) == (np.float32, np.int64)
        np.testing.assert_allclose(given, expected[:count], atol=1e-5)
        np.testing.assert_array_equal(decision, trained.decide(given))
    nothing, none = session.run(None, {"images": trained.images[:0]})
    assert (nothing.shape, none.shape) == ((0, expected.shape[1]), (0,))


def test_the_file_says_what_it_is(trained_digits: TrainedNetwork, digits_onnx: Path) -> None:
    model = onnx.load(digits_onnx)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version <= 18
    assert model.ir_version <= 8
    assert model.producer_name == "lenet"
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(properties["class_names"]) == list("0123456789")
    assert ModelCard.from_json(properties["lenet"]) == trained_digits.card
    (images,), (shares, decision) = model.graph.input, model.graph.output
    assert images.name == "images"
    assert images.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    sizes = [part.dim_value or part.dim_param for part in images.type.tensor_type.shape.dim]
    assert sizes == ["batch", 1, 28, 28]
    assert (shares.name, decision.name) == ("probabilities", "decision")
    assert "or -1 for none of them" in model.doc_string
    assert not any(node.metadata_props for node in model.graph.node)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}


def test_class_names_may_be_anything(tmp_path: Path) -> None:
    names = ("猫", '"]}', "\ud800", "a\x00b", "</script>", "\n")
    config = SoftmaxConfig(input_shape=(1, 4, 4), classes=len(names))
    path = write_onnx(random_network(config, tmp_path, names), tmp_path).path
    metadata = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    assert tuple(json.loads(metadata["class_names"])) == names
