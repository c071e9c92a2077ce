from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lenet.core import field_types
from lenet.errors import LenetError, ModelError, SettingError, UnknownNameError
from lenet.models._configs import (
    CustomConfig,
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
)
from lenet.models._network import Network

if TYPE_CHECKING:
    from torch import nn


# The settings of each network that is known by a name.
MODELS: dict[str, type[ModelConfig]] = {
    "softmax": SoftmaxConfig,
    "mlp": MLPConfig,
    "lenet": LeNetConfig,
    "lenet5": LeNet5Config,
}
SEQUENTIAL, CUSTOM = "sequential", "custom"  # how networks of one's own are known


def model_config(name: str, settings: Mapping[str, Any] | None = None) -> ModelConfig:
    """The settings of a network, from plain values.

    Raises:
        UnknownNameError: There is no network, or no setting, of that name.
        SettingError: A value is ill-typed or out of range.
        ModelError: The layers do not fit each other.

    >>> model_config("lenet", {"activation": "relu"}).activation
    'relu'
    """
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    config = MODELS[name]
    for setting in settings or {}:
        if setting not in field_types(config):
            raise unknown_setting(setting, f"`{name}`", field_types(config))
    return config.from_dict(settings or {})


def settings_from(name: str, values: Mapping[str, Any]) -> ModelConfig | Network:
    """The settings of any network, from what `identify_model` gave and a file has kept.

    Raises:
        UnknownNameError: There is no network, or no setting, of that name.
        SettingError: A value is ill-typed or out of range.
        ModelError: The layers do not fit each other.
    """
    if name == SEQUENTIAL:
        return Network.from_dict(values)
    return CustomConfig.from_dict(values) if name == CUSTOM else model_config(name, values)


def unknown_setting(setting: str, network: str, known: Iterable[str]) -> LenetError:
    """The error for a setting that a network does not have.

    Args:
        setting: Its name.
        network: What to call the network.
        known: Settings that could have been meant.

    Returns:
        An error that says which networks have the setting, or offers the nearest known name.
    """
    owners = [f"`{name}`" for name, config in MODELS.items() if setting in field_types(config)]
    if not owners:
        return UnknownNameError("setting", setting, known)
    message = f"`{setting}` is a setting of {' and '.join(owners)}; {network} does not have it."
    return SettingError(message)


def build_model(config: ModelConfig | Network, *, seed: int | None = None) -> "nn.Module":
    """Build a network from its settings, or from its list of layers.

    Args:
        config: Settings of a class in `MODELS`, or a `Network`.
        seed: Decides the weights, without touching torch's own random numbers; `None` draws
            them from those.

    Raises:
        ModelError: The settings are of no class in `MODELS`.

    >>> sum(parameter.numel() for parameter in build_model(LeNetConfig()).parameters())
    61706
    """
    import torch

    from lenet import models

    if seed is not None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # `torch.manual_seed` seeds GPUs too
            return build_model(config)
    if isinstance(config, Network):
        return config.build()
    model: nn.Module = getattr(models, config.torch_class)(config)
    return model


def identify_model(
    model: "nn.Module", input_shape: tuple[int, ...] = (1, 28, 28)
) -> tuple[str, ModelConfig | Network]:
    """The name under which a network is known, and its settings.

    Args:
        model: The network. An `nn.Sequential` of layers that lenet knows is a `sequential`, and
            any other module is `custom`.
        input_shape: Channels, height and width of an image, where its settings do not say it.

    Raises:
        ModelError: It does not take such images, or gives no row of numbers for one.

    >>> from lenet.models import LeNet
    >>> identify_model(LeNet())[0]
    'lenet'
    """
    from lenet.models._recognise import count_outputs

    try:
        return identify_layers(model, input_shape)
    except ModelError:
        shape = _shape_for(model, input_shape)
        return CUSTOM, CustomConfig(shape, count_outputs(model, shape), type(model).__name__)


def identify_layers(
    model: "nn.Module", input_shape: tuple[int, ...]
) -> tuple[str, ModelConfig | Network]:
    """The same of a list of layers alone, of which nothing is computed.

    Raises:
        ModelError: It is none; the message names the layer.
    """
    from lenet import models

    network = Network.from_module(model, _shape_for(model, input_shape))
    network.classes  # noqa: B018  # sees that there are some
    config = getattr(model, "config", None)
    for name, known in MODELS.items():
        is_of_class = type(model) is getattr(models, known.torch_class)
        if is_of_class and type(config) is known and config.network().layers == network.layers:
            return name, config
    return SEQUENTIAL, network


def _shape_for(model: "nn.Module", input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels, height and width of an image as a network's settings say it, or as given."""
    config = getattr(model, "config", None)
    return config.input_shape if isinstance(config, ModelConfig) else tuple(input_shape)
