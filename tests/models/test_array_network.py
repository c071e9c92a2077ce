"""`ArrayNetwork`: the numbers are PyTorch's, and both see the same memory."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lenet.core import free_memory
from lenet.errors import ModelError
from lenet.models import (
    ArrayNetwork,
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    Network,
    SoftmaxConfig,
    build_model,
)
from lenet.models import layers as kinds
from lenet.models.layers import layer_values

RESIDUAL = Network(
    (
        kinds.Convolution(filters=4, kernel_size=(3, 3)),
        kinds.BatchNorm(),
        kinds.Activation(function="relu"),
        kinds.Residual(
            main=(kinds.Convolution(filters=8, kernel_size=(3, 3), padding=(1, 1)),),
            shortcut=(kinds.Convolution(filters=8, kernel_size=(1, 1)), kinds.BatchNorm()),
        ),
        kinds.Subsampling(),
        kinds.Flatten(),
        kinds.Dense(units=10),
    ),
    initialisation="kaiming",
)
SETTINGS = (
    LeNetConfig(),
    LeNetConfig(batch_norm=True, activation="relu", initialisation="kaiming"),
    LeNetConfig(initialisation="pytorch"),
    LeNet5Config(),
    LeNet5Config().network(),
    MLPConfig(initialisation="pytorch"),
    SoftmaxConfig(initialisation="xavier"),
    RESIDUAL,
)
IMAGES = torch.linspace(0, 1, 2 * 784).reshape(2, 1, 28, 28)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("seed", [0, 2**50 + 1])
def test_it_begins_with_the_bits_that_pytorch_draws(
    settings: ModelConfig | Network, seed: int
) -> None:
    wanted = build_model(settings, seed=seed).state_dict()
    arrays = ArrayNetwork.build(settings, seed).arrays
    assert list(arrays) == list(wanted)
    for name, array in arrays.items():
        assert np.array_equal(array, wanted[name].numpy()), name
        assert array.dtype == wanted[name].numpy().dtype


@pytest.mark.parametrize("settings", SETTINGS)
def test_module_and_arrays_are_the_same_memory(settings: ModelConfig | Network) -> None:
    built = build_model(settings, seed=1).eval()
    seen = ArrayNetwork.from_module(built, settings.input_shape)
    assert seen.network.layers == settings.network().layers
    made = ArrayNetwork(seen.settings, seen.arrays).module().eval()
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(0.5)
        assert torch.equal(made(IMAGES), built(IMAGES))
        *_, (_, values) = layer_values(seen.placed, IMAGES.numpy(), seen.arrays)
        np.testing.assert_allclose(values, built(IMAGES).numpy(), rtol=1e-4, atol=1e-5)


def test_every_layer_within_a_residual_sum_is_seen() -> None:
    network = ArrayNetwork.build(RESIDUAL, 0)
    found: dict[str, np.ndarray] = {}

    def keep(name: str) -> None:
        layer = network.module().get_submodule(name)
        layer.register_forward_hook(lambda _, __, output: found.update({name: output.numpy()}))

    values = [
        (placed.layer.name, made)
        for placed, made in layer_values(network.placed, IMAGES.numpy(), network.arrays)
    ]
    for name, _ in values:
        keep(name)
    with torch.no_grad():
        network.module().eval()(IMAGES)
    assert [name for name, _ in values] == list(found)
    for name, made in values:
        np.testing.assert_allclose(made, found[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_it_knows_when_the_module_is_another() -> None:
    network = ArrayNetwork.build(LeNetConfig(), 0)
    assert network.is_unwatched
    module = network.module()
    assert isinstance(module, nn.Sequential)
    assert network.is_unwatched
    assert network.training_obstacle is None
    module[0].weight.requires_grad_(False)
    assert network.training_obstacle == "Some weights are not to be trained."
    assert network.is_unwatched
    assert network.frozen == ["0.weight"]
    module[0].weight.requires_grad_(True)
    handle = module[1].register_forward_hook(lambda *_: None)
    assert not network.is_unwatched
    handle.remove()
    module[1] = nn.Tanh()
    assert not network.is_unwatched


def test_a_copy_has_numbers_and_a_module_of_its_own() -> None:
    network = ArrayNetwork.build(LeNetConfig(), 0)
    network.module()
    copied = copy.deepcopy(network)
    copied.module().get_parameter("0.weight").data.zero_()
    assert not copied.arrays["0.weight"].any()
    assert network.arrays["0.weight"].any()
    assert copied.settings == network.settings


def test_what_is_no_list_of_layers_is_refused() -> None:
    with pytest.raises(ModelError, match="Softsign"):
        ArrayNetwork.from_module(
            nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Softsign()), (1, 28, 28)
        )
    with pytest.raises(ModelError, match="float32"):
        ArrayNetwork.from_module(build_model(LeNetConfig()).double(), (1, 28, 28))
    arrays = ArrayNetwork.build(LeNetConfig(), 0).arrays
    with pytest.raises(ModelError, match=r"`0.weight` is nothing where \[6, 1, 5, 5\] belongs"):
        ArrayNetwork(LeNetConfig(), {name: arrays[name] for name in arrays if name != "0.weight"})


@pytest.mark.skipif(free_memory() is None, reason="this system does not say what is free")
@pytest.mark.parametrize(
    "layers",
    [
        (kinds.Flatten(), *[kinds.Dense(units=65536)] * 40, kinds.Dense(units=10)),
        (kinds.Convolution(filters=64, kernel_size=(1, 1), padding=(30000, 30000)),),
    ],
    ids=["weights", "an image"],
)
def test_a_network_for_which_there_is_no_memory_is_refused(layers: tuple[kinds.Layer, ...]) -> None:
    with pytest.raises(ModelError, match=r"needs [\d,]+ GB for its [\d,]+ weights and what"):
        ArrayNetwork.build(Network(layers), seed=0)
