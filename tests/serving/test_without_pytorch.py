"""The compiled kernels answer as PyTorch does, by blocks or plain passes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from all_networks import Twice
from lenet.errors import ModelError, ModelFileError
from lenet.kernels import Predictor, kernel_status
from lenet.models import (
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    Normalisation,
    SoftmaxConfig,
    build_model,
    make_predictor,
    model_config,
    network_blocks,
    save_model,
)
from lenet.serving import open_model

needs_kernels = pytest.mark.skipif(
    kernel_status().reason is not None, reason=f"no kernels: {kernel_status().reason}"
)
CONFIGS: dict[str, ModelConfig] = {
    "the tutorial's": LeNetConfig(),
    "modern": LeNetConfig(activation="relu", batch_norm=True),
    "three blocks in colour": LeNetConfig(
        input_shape=(3, 40, 44), channels=(4, 5, 7), kernel_size=3, padding=1, pooling="max"
    ),
    "no hidden dense layer": LeNetConfig(dense_widths=(), activation="tanh"),
    "mlp": MLPConfig(dense_widths=(30, 20), activation="sigmoid"),
    "softmax": SoftmaxConfig(classes=3),
}


def network_of(config: ModelConfig) -> torch.nn.Module:
    """A network whose batch normalisation has statistics of its own."""
    network = build_model(config, seed=3)
    generator = torch.Generator().manual_seed(5)
    for name, values in network.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    return network.eval()


def images_for(config: ModelConfig) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, *config.input_shape), dtype=np.uint8)


@needs_kernels
@pytest.mark.parametrize("name", list(CONFIGS))
def test_blocks_from_arrays_are_those_from_layers_to_the_bit(name: str) -> None:
    config = CONFIGS[name]
    network = network_of(config)
    arrays = {key: value.numpy() for key, value in network.state_dict().items()}
    expected = make_predictor(network, config.input_shape)(images_for(config))
    assert np.array_equal(
        Predictor(*network_blocks(config.network(), arrays))(images_for(config)), expected
    )


@pytest.mark.parametrize("name", list(CONFIGS))
@pytest.mark.parametrize("kernels", ["with kernels", "without"])
def test_a_file_answers_as_its_network_does(
    name: str, kernels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CONFIGS[name]
    network = network_of(config)
    path = tmp_path / "model.safetensors"
    names = tuple(f"class {number}" for number in range(config.classes))
    norm = Normalisation(0.3, 0.4)
    save_model(path, network, class_names=names, normalisation=norm)
    if kernels == "without":
        monkeypatch.setattr(
            "lenet.serving._models.kernel_status",
            lambda: type("Status", (), {"reason": "none wanted"}),
        )
    images = images_for(config)
    with torch.no_grad():
        expected = network((torch.from_numpy(images).float() / 255 - norm.mean) / norm.std)
    assert open_model(path).logits(images) == pytest.approx(expected.numpy(), abs=2e-5)


def test_lenet5_is_no_chain_of_blocks(tmp_path: Path) -> None:
    config = model_config("lenet5")
    network = build_model(config, seed=0).eval()
    arrays = {key: value.numpy() for key, value in network.state_dict().items()}
    with pytest.raises(ModelError, match="do not serve"):
        network_blocks(config.network(), arrays)
    path = tmp_path / "model.safetensors"
    save_model(path, network, class_names=tuple("0123456789"))
    images = images_for(config)
    with torch.no_grad():
        expected = network(torch.from_numpy(images).float() / 255).numpy()
    assert open_model(path).logits(images) == pytest.approx(expected, abs=1e-4)


@needs_kernels
def test_an_answer_by_plain_passes_needs_no_pytorch(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    network = build_model(model_config("lenet5"), seed=0)
    save_model(path, network, class_names=tuple("0123456789"))
    code = (
        "import numpy as np, sys, lenet\n"
        "model = lenet.open_model(sys.argv[1])\n"
        "assert model.logits(np.zeros((1, 1, 28, 28), np.uint8)).shape == (1, 10)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_a_module_of_ones_own_answers_if_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    network = Twice().eval()
    save_model(path, network, class_names=tuple("0123456789"))
    images = images_for(LeNetConfig())
    with torch.no_grad():
        expected = network(torch.from_numpy(images).float() / 255).numpy()
    assert open_model(path, network=Twice()).logits(images) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ModelFileError, match="network="):
        open_model(path)


def test_weights_of_another_shape_are_refused() -> None:
    arrays = {key: value.numpy() for key, value in build_model(LeNetConfig()).state_dict().items()}
    with pytest.raises(ModelError, match=r"where .* belongs"):
        network_blocks(LeNetConfig(channels=(6, 17)).network(), arrays)
    with pytest.raises(ModelError, match=r"where .* belongs"):
        network_blocks(LeNetConfig(classes=11).network(), arrays)
    with pytest.raises(ModelError, match="gelu"):
        network_blocks(LeNetConfig(activation="gelu").network(), arrays)


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"nonsense")
    with pytest.raises(ModelFileError, match="is not a safetensors file or is damaged"):
        open_model(path)


@needs_kernels
def test_an_answer_needs_no_pytorch() -> None:
    code = (
        "import numpy as np, sys, lenet\n"
        "strokes = np.full((90, 90), 255, np.uint8); strokes[15:75, 42:48] = 0\n"
        "assert lenet.predict('digits', strokes)[0].class_name == '1'\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
