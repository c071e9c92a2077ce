import torch
from torch import nn

from lenet.errors import LenetError
from lenet.models._layers import same_layers
from lenet.models._lenet import ACTIVATIONS, POOLINGS, LeNet
from lenet.models._lenet_config import LeNetConfig


def recognise_lenet(network: nn.Sequential, input_shape: tuple[int, ...]) -> LeNet | None:
    """See a LeNet in a plain `nn.Sequential`, such as the one that the tutorial writes.

    Args:
        network: Layers in the order of a LeNet.
        input_shape: Channels, height and width of the images it is for.

    Returns:
        A `LeNet` made of the very same layers, so that it has and trains their weights; `None`
        where the layers are not those of a LeNet.

    >>> recognise_lenet(nn.Sequential(*LeNet()), (1, 28, 28)).config.channels
    (6, 16)
    """
    convolutions = [layer for layer in network if isinstance(layer, nn.Conv2d)]
    dense = [layer for layer in network if isinstance(layer, nn.Linear)]
    names = {kind: name for name, kind in (ACTIVATIONS | POOLINGS).items()}
    kinds = [names[type(layer)] for layer in network if type(layer) in names]
    if not convolutions or not dense or len(kinds) < 2:
        return None
    try:
        config = LeNetConfig(
            input_shape=input_shape,
            classes=dense[-1].out_features,
            channels=tuple(layer.out_channels for layer in convolutions),
            kernel_size=convolutions[0].kernel_size[0],
            padding=int(convolutions[0].padding[0]),
            dense_widths=tuple(layer.out_features for layer in dense[:-1]),
            activation=kinds[0],  # type: ignore[arg-type]
            pooling=kinds[1],  # type: ignore[arg-type]
            initialisation="pytorch",
        )
    except (LenetError, ValueError):
        return None
    with torch.device("meta"):  # only its shape is wanted: no weights and no random numbers
        recognised = LeNet(config)
    if not same_layers(recognised, network):
        return None
    for index, layer in enumerate(network):
        recognised[index] = layer
    return recognised
