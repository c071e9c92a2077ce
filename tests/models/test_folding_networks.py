"""The plain layers compute what PyTorch computes, with batch normalisation folded in."""

import numpy as np
import pytest
import torch

from lenet.errors import ModelError
from lenet.models import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
    build_model,
    fold_network,
)

CONFIGS: dict[str, ModelConfig] = {
    "the tutorial's": LeNetConfig(),
    "modern": LeNetConfig(activation="relu", batch_norm=True, initialisation="kaiming"),
    "three blocks in colour, odd sizes": LeNetConfig(
        input_shape=(3, 41, 47), channels=(4, 5, 7), kernel_size=3, padding=1, pooling="max"
    ),
    "gelu without hidden dense layers": LeNetConfig(dense_widths=(), activation="gelu"),
    "mlp": MLPConfig(dense_widths=(30, 20), activation="tanh"),
    "softmax": SoftmaxConfig(classes=3),
    "lenet5": LeNet5Config(),
    "lenet5 unpadded": LeNet5Config(input_shape=(1, 32, 32), classes=4),
}


def network_of(config: ModelConfig) -> torch.nn.Module:
    """A network whose batch normalisation has statistics of its own."""
    network = build_model(config, seed=3)
    generator = torch.Generator().manual_seed(5)
    for name, values in network.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    return network.eval()


@pytest.mark.parametrize("name", list(CONFIGS))
def test_they_compute_what_pytorch_computes(name: str) -> None:
    config = CONFIGS[name]
    network = network_of(config)
    arrays = {key: value.numpy() for key, value in network.state_dict().items()}
    images = np.random.default_rng(0).normal(size=(3, *config.input_shape)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    values, shape = images, config.input_shape
    for layer in fold_network(config.network(), arrays):
        values, shape = layer.apply(values), layer.output_shape
        assert values.shape == (3, *shape)
        assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", list(CONFIGS))
def test_arrays_of_another_network_are_refused(name: str) -> None:
    other = "softmax" if name != "softmax" else "mlp"
    arrays = {key: value.numpy() for key, value in build_model(CONFIGS[other]).state_dict().items()}
    for wrong in (arrays, {}, {"nonsense": np.zeros(3, np.float32)}):
        with pytest.raises(ModelError, match=r"where .* belongs"):
            fold_network(CONFIGS[name].network(), wrong)
