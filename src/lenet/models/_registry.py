from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lenet.core import field_types
from lenet.errors import LenetError, ModelError, SettingError, UnknownNameError
from lenet.models._lenet5_config import LeNet5Config
from lenet.models._lenet_config import LeNetConfig
from lenet.models._model_config import ModelConfig
from lenet.models._predecessor_configs import MLPConfig, SoftmaxConfig

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ModelEntry:
    """A network that can be built by name.

    Attributes:
        config: The class of its settings.
        factory: The name of its class in `lenet.models`, which is imported when it is built.
    """

    config: type[ModelConfig]
    factory: str


MODELS: dict[str, ModelEntry] = {
    "softmax": ModelEntry(SoftmaxConfig, "SoftmaxRegression"),
    "mlp": ModelEntry(MLPConfig, "MLP"),
    "lenet": ModelEntry(LeNetConfig, "LeNet"),
    "lenet5": ModelEntry(LeNet5Config, "LeNet5"),
}


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
    config = MODELS[name].config
    for setting in settings or {}:
        if setting not in field_types(config):
            raise unknown_setting(setting, f"`{name}`", field_types(config))
    return config.from_dict(settings or {})


def unknown_setting(setting: str, network: str, known: Iterable[str]) -> LenetError:
    """The error for a setting that a network does not have.

    Args:
        setting: Its name.
        network: What to call the network.
        known: Settings that could have been meant.

    Returns:
        An error that says which networks have the setting, or offers the nearest known name.
    """
    owners = [f"`{name}`" for name, entry in MODELS.items() if setting in field_types(entry.config)]
    if not owners:
        return UnknownNameError("setting", setting, known)
    message = f"`{setting}` is a setting of {' and '.join(owners)}; {network} does not have it."
    return SettingError(message)


def build_model(config: ModelConfig, *, seed: int | None = None) -> "nn.Module":
    """Build a network from its settings.

    Args:
        config: Settings of a class in `MODELS`.
        seed: Decides the weights, without touching torch's own random numbers; `None` draws
            them from those.

    Raises:
        ModelError: The settings are of no class in `MODELS`.

    >>> sum(parameter.numel() for parameter in build_model(LeNetConfig()).parameters())
    61706
    """
    import torch

    from lenet import models

    entry = next((entry for entry in MODELS.values() if type(config) is entry.config), None)
    if entry is None:
        message = f"There is no network for settings of type `{type(config).__name__}`."
        raise ModelError(message)
    factory = getattr(models, entry.factory)
    if seed is None:
        model: nn.Module = factory(config)
        return model
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not `torch.manual_seed`, which seeds GPUs too
        model = factory(config)
    return model


def identify_model(model: "nn.Module") -> tuple[str, ModelConfig]:
    """The name under which a network is registered, and its settings.

    Raises:
        ModelError: Its class is not registered, or its layers are no longer those of its
            settings, so it could not be built again from a file.

    >>> from lenet.models import LeNet
    >>> identify_model(LeNet())[0]
    'lenet'
    """
    import torch

    from lenet import models
    from lenet.models._layers import same_layers

    config = getattr(model, "config", None)
    for name, entry in MODELS.items():
        if type(model) is getattr(models, entry.factory) and isinstance(config, entry.config):
            with torch.device("meta"):
                original = build_model(config)
            if same_layers(original, model):
                return name, config
            message = (
                f"This `{entry.factory}` was changed after it was built, so it can't be kept in a "
                "model file; change its settings instead."
            )
            raise ModelError(message)
    message = (
        f"A `{type(model).__name__}` can't be kept in a model file; networks that can: "
        + ", ".join(f"`lenet.models.{entry.factory}`" for entry in MODELS.values())
        + "."
    )
    raise ModelError(message)
