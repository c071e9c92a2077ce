"""Building networks by name, with a seed of their own."""

import pytest
import torch
from torch import nn

from lenet.errors import ModelError, SettingError, UnknownNameError
from lenet.models import (
    CUSTOM,
    MODELS,
    SEQUENTIAL,
    CustomConfig,
    LeNet,
    LeNetConfig,
    build_model,
    identify_model,
    layers,
    model_config,
)
from tutorial_network import init_weights, tutorial_network


def bits(network: nn.Module) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in network.state_dict().values()]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    first, again, other = (build_model(LeNetConfig(), seed=seed) for seed in (7, 7, 8))
    assert bits(first) == bits(again)
    assert not set(bits(first)) & set(bits(other))


def test_a_seed_gives_the_tutorials_weights_under_that_seed() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        tutorial = tutorial_network()
        tutorial.apply(init_weights)
    assert bits(build_model(LeNetConfig(), seed=7)) == bits(tutorial)


def test_a_seed_leaves_torchs_own_random_numbers_alone() -> None:
    torch.rand(1)  # or the state could be the one that this very seed leads to
    state = torch.get_rng_state()
    build_model(LeNetConfig(), seed=7)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_seed_does_not_depend_on_torchs_own_random_numbers() -> None:
    first = build_model(LeNetConfig(), seed=7)
    torch.rand(5)
    assert bits(build_model(LeNetConfig(), seed=7)) == bits(first)


def test_without_a_seed_the_weights_come_from_torchs_own_random_numbers() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        unseeded, next_one = build_model(LeNetConfig()), build_model(LeNetConfig())
    assert bits(unseeded) == bits(build_model(LeNetConfig(), seed=7))
    assert bits(next_one) != bits(unseeded)


def test_settings_from_plain_values_build_the_network_that_they_describe() -> None:
    config = model_config("lenet", {"activation": "relu", "channels": [4], "classes": 3})
    assert config == LeNetConfig(activation="relu", channels=(4,), classes=3)
    network = build_model(config, seed=0)
    assert isinstance(network, LeNet)
    assert identify_model(network) == ("lenet", config)
    assert model_config("lenet") == model_config("lenet", {}) == LeNetConfig()


@pytest.mark.parametrize("name", list(MODELS))
def test_every_registered_network_builds_from_its_defaults_and_is_known_again(name: str) -> None:
    config = model_config(name)
    network = build_model(config, seed=0)
    assert identify_model(network) == (name, config)
    batch = torch.zeros(2, *config.to_dict()["input_shape"])
    assert network(batch).shape == (2, config.to_dict()["classes"])


def test_an_unknown_network_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown model `lenett`\. Did you mean `lenet`"):
        model_config("lenett")


def test_an_unknown_or_ill_typed_setting_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown setting `chanels`.*`channels`"):
        model_config("lenet", {"chanels": (6,)})
    with pytest.raises(SettingError, match="`classes` must be a whole number, not '10'"):
        model_config("lenet", {"classes": "10"})


def test_a_network_of_ones_own_is_known_by_its_layers_or_by_its_class() -> None:
    name, described = identify_model(tutorial_network())
    assert name == SEQUENTIAL
    assert described.network().layers == LeNetConfig().network().layers
    changed = LeNet()
    changed[1] = nn.ReLU()
    name, described = identify_model(changed)
    assert name == SEQUENTIAL
    assert described.network().layers[1] == layers.Activation(name="1", function="relu")
    assert identify_model(Doubled()) == (CUSTOM, CustomConfig((1, 28, 28), 10, "Doubled"))
    with pytest.raises(ModelError, match=r"pass it as `network=`"):
        identify_model(Doubled())[1].network()


class Doubled(LeNet):
    """A network with a forward pass of its own."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Linear(2, 2), "does not take a batch of shape"),
        (nn.Conv2d(1, 2, 3), r"gives a tensor of shape \(1, 2, 26, 26\)"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), r"gives a tensor of shape \(1, 2, 26, 26\)"),
    ],
)
def test_what_gives_no_number_for_each_class_is_refused(network: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        identify_model(network)
