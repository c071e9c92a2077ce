"""Batch normalisation in evaluation mode, which the kernels fold into the layer before it."""

import copy
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from compiled_kernels import needs_kernels
from lenet.errors import ModelError
from lenet.kernels import use_engine
from lenet.models import (
    KernelSequential,
    LeNet,
    LeNetConfig,
    build_model,
    make_predictor,
    recognise_network,
)

pytestmark = needs_kernels

SHAPE = (1, 28, 28)
IMAGES = torch.rand(37, *SHAPE, generator=torch.Generator().manual_seed(0))


def with_statistics(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in evaluation mode, as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, generator=generator)
            nn.init.normal_(layer.bias, generator=generator)
            layer.running_mean.normal_(generator=generator)
            layer.running_var.uniform_(0.1, 3, generator=generator)
    return network.eval()


def trained(**settings: object) -> LeNet:
    """A LeNet with batch normalisation."""
    config = LeNetConfig.from_dict({"batch_norm": True, **settings})
    network = with_statistics(build_model(config, seed=1))
    assert isinstance(network, LeNet)
    return network


def exact_outputs(network: nn.Sequential, images: Tensor = IMAGES) -> Tensor:
    """PyTorch's in float64."""
    return nn.Sequential(*copy.deepcopy(network)).double().eval()(images.double()).detach()


def assert_exact(outputs: Tensor, expected: Tensor) -> None:
    """Equal up to the rounding of float32."""
    assert (outputs.double() - expected).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_predictions_are_those_of_float64(activation: str, pooling: str) -> None:
    network = trained(activation=activation, pooling=pooling)
    expected = exact_outputs(network)
    predictor = make_predictor(network, SHAPE)
    outputs = torch.from_numpy(predictor(IMAGES.numpy()))
    assert_exact(outputs, expected)
    with torch.no_grad(), use_engine("native"):
        assert torch.equal(network(IMAGES), outputs)
    with torch.inference_mode(), use_engine("native"):
        assert torch.equal(network(IMAGES[:1]), outputs[:1])


def test_a_predictor_is_in_evaluation_mode_whatever_the_network_is() -> None:
    network = trained()
    expected = make_predictor(network, SHAPE)(IMAGES.numpy())
    network.train()
    assert (make_predictor(network, SHAPE)(IMAGES.numpy()) == expected).all()


def test_layers_with_biases_and_without_activations_are_folded() -> None:
    network = with_statistics(
        KernelSequential(
            nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5, eps=0.1), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(5 * 13 * 13, 7), nn.BatchNorm1d(7, momentum=None),
        )
    )  # fmt: skip
    with torch.no_grad(), use_engine("native"):
        assert_exact(network(IMAGES), exact_outputs(network))


def test_folding_rounds_once() -> None:
    network = with_statistics(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 3, bias=False), nn.BatchNorm1d(3))
    )
    linear, norm = network[1], network[2]
    scale = [
        weight.item() / math.sqrt(variance.item() + norm.eps)
        for weight, variance in zip(norm.weight, norm.running_var, strict=True)
    ]
    _, (weight, bias) = recognise_network(network, SHAPE)
    expected = torch.tensor(scale, dtype=torch.float64)
    assert torch.equal(weight, (linear.weight.double() * expected[:, None]).float())
    shift = norm.bias.double() - norm.running_mean.double() * expected
    torch.testing.assert_close(bias, shift.float(), rtol=1e-7, atol=0)


def test_changed_statistics_are_seen() -> None:
    network = trained()
    with torch.no_grad(), use_engine("native"):
        before = network(IMAGES)
        network[1].running_mean.add_(1)
        assert not torch.equal(network(IMAGES), before)
        assert_exact(network(IMAGES), exact_outputs(network))


def test_training_mode_and_gradients_are_left_to_pytorch() -> None:
    network = trained()
    with use_engine("torch"):
        expected = network(IMAGES)
    assert torch.equal(network(IMAGES), expected)  # gradients are on
    with use_engine("native"), pytest.raises(ModelError, match="gradients on"):
        network(IMAGES)
    network[1].train()
    with torch.no_grad(), use_engine("native"), pytest.raises(ModelError, match="training mode"):
        network(IMAGES)
    twin = copy.deepcopy(network)
    with torch.no_grad():
        with use_engine("torch"):
            expected = twin(IMAGES)
        assert torch.equal(network(IMAGES), expected)
    assert torch.equal(network[1].running_mean, twin[1].running_mean)


RARE: dict[str, Callable[[], list[nn.Module]]] = {
    "no weights": lambda: [nn.Linear(784, 4), nn.BatchNorm1d(4, affine=False)],
    "no statistics": lambda: [nn.Linear(784, 4), nn.BatchNorm1d(4, track_running_stats=False)],
    "at the beginning": lambda: [nn.BatchNorm1d(784), nn.Linear(784, 4)],
    "after the activation": lambda: [nn.Linear(784, 4), nn.ReLU(), nn.BatchNorm1d(4)],
    "twice": lambda: [nn.Linear(784, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)],
    "double": lambda: [nn.Linear(784, 4), nn.BatchNorm1d(4).double()],
}


@pytest.mark.parametrize("make", RARE.values(), ids=RARE)
def test_rarer_settings_and_places_are_left_to_pytorch(make: Callable[[], list[nn.Module]]) -> None:
    network = KernelSequential(nn.Flatten(), *make()).eval()
    with pytest.raises(ModelError):
        recognise_network(network, SHAPE)
    if network[-1].weight is not None and network[-1].weight.dtype == torch.float64:
        return  # nor does PyTorch take it
    with torch.no_grad():
        outputs = network(IMAGES)
        with use_engine("torch"):
            assert torch.equal(network(IMAGES), outputs)


def test_a_batch_norm_that_does_not_fit_is_named() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.BatchNorm1d(5))
    with pytest.raises(ModelError, match="has `num_features` 5, where lenet knows 4"):
        recognise_network(network, SHAPE)
