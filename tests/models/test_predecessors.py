"""Softmax regression and the MLP against the book's own layers."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lenet.errors import LenetError
from lenet.kernels import use_engine
from lenet.models import (
    MLP,
    MLPConfig,
    SoftmaxConfig,
    SoftmaxRegression,
    build_model,
    identify_model,
    load_model,
    save_model,
    summarise,
)


def test_softmax_regression_is_one_dense_layer() -> None:
    network = SoftmaxRegression()
    book = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    assert [repr(layer) for layer in network] == [repr(layer) for layer in book]
    assert sum(parameter.numel() for parameter in network.parameters()) == 7_850


def test_the_mlp_has_the_books_layers() -> None:
    book = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    assert [repr(layer) for layer in MLP()] == [repr(layer) for layer in book]
    assert sum(parameter.numel() for parameter in MLP().parameters()) == 203_530


def test_widths_and_activation_are_settings() -> None:
    network = MLP(MLPConfig(input_shape=(3, 4, 5), dense_widths=(7, 6), activation="tanh"))
    shapes = [layer.output_shape[1:] for layer in summarise(network, (1, 3, 4, 5))]
    assert shapes == [(60,), (7,), (7,), (6,), (6,), (10,)]
    assert type(network[2]) is nn.Tanh


@pytest.mark.parametrize("choice", ["native", "torch"])
def test_a_forward_pass_is_the_matrix_product_that_it_should_be(choice: str) -> None:
    network = build_model(MLPConfig(), seed=1)
    images = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    weights = [parameter.double() for parameter in network.parameters()]
    hidden = F.relu(images.flatten(1).double() @ weights[0].T + weights[1])
    expected = hidden @ weights[2].T + weights[3]
    with use_engine(choice), torch.no_grad():
        torch.testing.assert_close(network(images).double(), expected, atol=1e-5, rtol=0)


def test_a_golden_forward_pass() -> None:
    """Numbers that no change of the code may move."""
    logits = []
    for network in (SoftmaxRegression(), MLP(MLPConfig(dense_widths=(8,)))):
        with torch.no_grad():
            for index, parameter in enumerate(network.parameters()):
                numbers = torch.arange(parameter.numel(), dtype=torch.float64)
                parameter.copy_(((numbers * 0.7 + index).sin() * 0.2).reshape(parameter.shape))
            image = (torch.arange(784, dtype=torch.float64) * 0.05).cos().reshape(1, 1, 28, 28)
            logits.append(network(image.float())[0, :4])
    golden = [[0.431, 0.1611, -0.086, 0.2923], [0.0706, -0.0256, -0.108, -0.1378]]
    torch.testing.assert_close(torch.stack(logits), torch.tensor(golden), atol=1e-4, rtol=0)


@pytest.mark.parametrize("config", [SoftmaxConfig(), MLPConfig()])
def test_weights_start_small_and_normal_as_in_the_book(config: SoftmaxConfig | MLPConfig) -> None:
    network = build_model(config, seed=0)
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            weights = parameter.detach()
            assert abs(float(weights.std()) - 0.01) < 0.0005
            assert abs(float(weights.mean())) < 0.0005


@pytest.mark.parametrize("config", [SoftmaxConfig(classes=3), MLPConfig(dense_widths=(5, 4))])
def test_they_are_kept_in_a_model_file(config: SoftmaxConfig, tmp_path: Path) -> None:
    network = build_model(config, seed=0)
    names = tuple(str(index) for index in range(config.classes))
    save_model(tmp_path / "model.safetensors", network, class_names=names)
    loaded, card = load_model(tmp_path / "model.safetensors")
    assert identify_model(loaded) == identify_model(network) == (card.model, config)
    for ours, theirs in zip(network.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(LenetError, match="`dense_widths` must be numbers from 1 to"):
        MLPConfig(dense_widths=(0,))
