"""Gradients of the layers in NumPy: PyTorch's in float64 are the oracle."""

import numpy as np
import pytest
import torch
from layered_networks import of_every_kind, of_lenet5s_kinds, randomised
from torch import nn

from lenet.models import MODELS, Network, build_model, layers


def without_dropout(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, nn.Dropout | nn.Dropout2d):
            layer.p = 0.0
    return network


NETWORKS = {
    "every kind": lambda: without_dropout(of_every_kind()),
    "LeNet-5's": of_lenet5s_kinds,
    **{
        name: lambda config=config: without_dropout(build_model(config()))
        for name, config in MODELS.items()
    },
    **{
        name: lambda name=name: nn.Sequential(
            nn.Flatten(), nn.Linear(784, 20), getattr(nn, name)(), nn.Linear(20, 10)
        )
        for name, _ in layers.FUNCTIONS.values()
        if hasattr(nn, name)
    },
}


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_and_running_statistics_are_pytorchs(name: str, mode: str) -> None:
    network = randomised(NETWORKS[name]()).double().train(mode == "train")
    described = Network.from_module(network)
    arrays = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, *described.input_shape, generator=generator, dtype=torch.float64)
    images.requires_grad_()
    slopes = torch.randn(4, described.classes, generator=generator, dtype=torch.float64)
    logits = network(images)
    logits.backward(slopes)

    draws = np.random.default_rng(0) if mode == "train" else None
    ours, back = layers.forward_all(described.placed, images.detach().numpy(), arrays, draws)
    of_images, gradients = back(slopes.numpy())

    close = {"rtol": 1e-9, "atol": 1e-8}  # softplus is a line above 20 in PyTorch
    np.testing.assert_allclose(ours, logits.detach().numpy(), **close)
    np.testing.assert_allclose(of_images, images.grad.numpy(), **close)
    expected = {name: weight.grad.numpy() for name, weight in network.named_parameters()}
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(gradients[name], gradient, **close, err_msg=name)
    for name, tensor in network.state_dict().items():  # batch normalisation's move, in training
        np.testing.assert_allclose(arrays[name], tensor.numpy(), **close, err_msg=name)


@pytest.mark.parametrize("whole_maps", [False, True])
def test_dropout_stops_slopes_where_it_stopped_numbers(whole_maps: bool) -> None:
    layer = layers.Dropout(probability=0.3, whole_maps=whole_maps)
    ones = np.ones((50, 40, 3, 3))
    kept, back = layers.forward(layer, ones, {}, np.random.default_rng(0))
    np.testing.assert_array_equal(back(ones)[0], kept)
    assert set(np.unique(kept)) == {0.0, 1 / 0.7}
    assert kept.mean() == pytest.approx(1, abs=0.05)
    assert (kept == kept[:, :, :1, :1]).all() == whole_maps
    none = layers.Dropout(probability=1.0)
    assert not layers.forward(none, ones, {}, np.random.default_rng(0))[0].any()
