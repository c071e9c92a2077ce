"""Every kind of network, images for it, and a run that has learnt something."""

import numpy as np
import numpy.typing as npt
import pytest
from torch import nn

import lenet
from lenet.datasets import Dataset
from lenet.models import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
    build_model,
)

CONFIGS: dict[str, ModelConfig] = {
    "softmax": SoftmaxConfig(),
    "mlp": MLPConfig(dense_widths=(30, 20), activation="gelu"),
    "tutorial": LeNetConfig(),
    "modern": LeNetConfig(
        channels=(4, 6, 8), kernel_size=3, padding=1, activation="relu", pooling="max",
        batch_norm=True, dense_widths=(20,),
    ),
    "colour": LeNetConfig(
        input_shape=(3, 20, 26), classes=30, channels=(5, 7), kernel_size=3, activation="tanh"
    ),
    "lenet5": LeNet5Config(),
}  # fmt: skip


@pytest.fixture(params=CONFIGS)
def network(request: pytest.FixtureRequest) -> nn.Sequential:
    """Each kind of network, with weights of its own, in evaluation mode."""
    model = build_model(CONFIGS[request.param], seed=1).eval()
    assert isinstance(model, nn.Sequential)
    return model


@pytest.fixture
def images(network: nn.Sequential) -> npt.NDArray[np.uint8]:
    """Five images of noise that fit the network."""
    config: ModelConfig = network.config  # type: ignore[assignment]
    return np.random.default_rng(0).integers(256, size=(5, *config.input_shape), dtype=np.uint8)


@pytest.fixture(scope="package")
def run(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> lenet.Run:
    """A LeNet that knows most digits."""
    return lenet.train(
        dataset=digits,
        preset="tutorial",
        activation="relu",
        learning_rate=0.1,
        batch_size=32,
        epochs=3,
        validation=0.1,
        normalisation="standard",
        runs_folder=tmp_path_factory.mktemp("runs"),
        listeners=[],
    )
