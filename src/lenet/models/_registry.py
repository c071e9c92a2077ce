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
from lenet.models.layers import Activation, Convolution, Dense, Pooling

if TYPE_CHECKING:
    from torch import nn

    from lenet.models._networks import LeNet


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
    from lenet import models
    from lenet.models._recognise import count_outputs, is_sequential

    config = getattr(model, "config", None)
    shape = config.input_shape if isinstance(config, ModelConfig) else tuple(input_shape)
    if is_sequential(model):
        try:
            network = Network.from_module(model, shape)
            network.classes  # noqa: B018  # sees that there are some
        except ModelError:
            pass
        else:
            for name, known in MODELS.items():
                is_of_class = type(model) is getattr(models, known.torch_class)
                if is_of_class and type(config) is known:
                    if config.network().layers == network.layers:
                        return name, config
            return SEQUENTIAL, network
    classes = count_outputs(model, shape)
    return CUSTOM, CustomConfig(shape, classes, type(model).__name__)


def as_lenet(network: "nn.Module", input_shape: tuple[int, ...]) -> "LeNet | None":
    """See a LeNet in a plain `nn.Sequential`, such as the one that the tutorial writes.

    Args:
        network: Layers in the order of a LeNet.
        input_shape: Channels, height and width of the images it is for.

    Returns:
        A `LeNet` made of the very same layers, so that it has and trains their weights; `None`
        where the layers are not those of a LeNet.

    >>> from lenet.models import LeNet
    >>> from torch import nn
    >>> as_lenet(nn.Sequential(*LeNet()), (1, 28, 28)).config.channels
    (6, 16)
    """
    import torch

    from lenet.models._networks import LeNet

    try:
        config = _lenet_config(Network.from_module(network, input_shape))
    except LenetError:
        return None
    if config is None:
        return None
    with torch.device("meta"):  # only its shape is wanted: no weights and no random numbers
        recognised = LeNet(config)
    for index, layer in enumerate(network.children()):
        recognised[index] = layer
    return recognised


def _lenet_config(network: Network) -> LeNetConfig | None:
    """The settings of the LeNet whose layers these are, if they are one's."""
    layers = network.layers
    convolutions = [layer for layer in layers if isinstance(layer, Convolution)]
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    pooling = next((layer for layer in layers if isinstance(layer, Pooling)), None)
    activation = next((layer for layer in layers if isinstance(layer, Activation)), None)
    if not convolutions or not dense or not pooling or not activation:
        return None
    try:
        config = LeNetConfig(
            input_shape=network.input_shape,
            classes=dense[-1].units,
            channels=tuple(layer.filters for layer in convolutions),
            kernel_size=convolutions[0].kernel_size[0],
            padding=convolutions[0].padding[0],
            dense_widths=tuple(layer.units for layer in dense[:-1]),
            activation=activation.function,  # type: ignore[arg-type]
            pooling=pooling.method,
            initialisation="pytorch",
        )
    except LenetError:
        return None
    return config if config.network().layers == layers else None
