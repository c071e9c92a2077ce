"""The networks of this family in PyTorch, on the compiled kernels where these serve."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lenet.errors import LenetError, ModelError
from lenet.kernels import (
    Block,
    Predictor,
    RecognisedBlock,
    check_pytorch,
    find_observer,
    is_being_traced,
    is_listened_to,
    layers_of,
    parameters_of,
    run_blocks,
    try_kernels,
)
from lenet.models._configs import (
    LeNet5Config,
    LeNetConfig,
    MLPConfig,
    ModelConfig,
    SoftmaxConfig,
)
from lenet.models._folding import KernelBlock, kernel_blocks
from lenet.models._modules import initialise_as_published
from lenet.models._network import Network
from lenet.models._recognise import SEQUENTIAL_FORWARDS, describe_layers, is_sequential, leaves
from lenet.models.layers import (
    Activation,
    Convolution,
    Dense,
    Pooling,
    Shape,
    build_sequential,
    initialise,
    name_layers,
    place_layers,
)

_MOST_KEPT = 100
_kept: dict[Hashable, list[KernelBlock]] = {}  # by the layers' settings; a copy costs as much


class KernelSequential(nn.Sequential):
    """An `nn.Sequential` whose layers run as one piece of compiled code where that is possible.

    It is not possible, and the layers run one by one as PyTorch's own, on other devices than the
    CPU, for other types than float32, for layers that the kernels do not know, and while a hook
    listens to a layer. Batch normalisation runs so in evaluation mode and without gradients only.
    Results are the same up to rounding. `use_engine` decides otherwise.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The output for a batch (B, …).

        Raises:
            ModelError: `native` kernels are chosen and can't do it.
        """
        if is_being_traced():
            return self.layer_by_layer(input)  # who compiles or traces should not see the choice
        recognised = try_kernels(lambda: self._recognise(tuple(input.shape[1:])))
        if recognised is None:
            return self.layer_by_layer(input)
        blocks, parameters = recognised
        return run_blocks(blocks, input, parameters)

    def _recognise(self, input_shape: Shape) -> tuple[list[Block], list[Tensor]]:
        """The layers as blocks, if what these give is what the layers give now."""
        norms = [layer for layer in self if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
        if norms and (torch.is_grad_enabled() or any(norm.training for norm in norms)):
            message = (
                "Batch normalisation is left to PyTorch in training mode and with gradients on."
            )
            raise ModelError(message)
        return recognise_blocks([layer for _, layer in leaves(self)], input_shape)

    def layer_by_layer(self, images: Tensor) -> Tensor:
        """The output as PyTorch's own layers give it."""
        output: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return output


SEQUENTIAL_FORWARDS.add(KernelSequential.forward)


def _build(config: ModelConfig) -> OrderedDict[str, nn.Module]:
    """The layers of some settings, with weights as PyTorch draws them."""
    layers = name_layers(config.layers())
    return OrderedDict(build_sequential(layers, config.input_shape).named_children())


class KernelNetwork(KernelSequential):
    """The layers of some settings, on the compiled kernels where these serve.

    Args:
        config: The settings.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(_build(config))
        self.config = config
        initialise(self, getattr(config, "initialisation", "pytorch"))


class SoftmaxRegression(KernelNetwork):
    """Every class's logit is a weighted sum of the pixels.

    Args:
        config: The shape; 28×28 pixels and ten classes where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 4.5.

    >>> import torch
    >>> SoftmaxRegression()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: SoftmaxConfig | None = None):
        super().__init__(config or SoftmaxConfig())


class MLP(KernelNetwork):
    """A multilayer perceptron: dense layers, with an activation after each but the last.

    Args:
        config: The shape; one hidden layer of 256 units with ReLU where none is given.

    Source: Zhang et al., *Dive into Deep Learning*, section 5.2.

    >>> import torch
    >>> MLP()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: MLPConfig | None = None):
        super().__init__(config or MLPConfig())


class LeNet(KernelNetwork):
    """The tutorial's LeNet: convolutional blocks, then dense layers.

    Each block is a convolution, an activation and a 2×2 pooling. It is an `nn.Sequential`, so a
    reader can loop over its layers, and its parameters have the names of the tutorial's. On a CPU
    the layers run as one piece of compiled code where that is possible: see `KernelSequential`.

    Args:
        config: The shape; the tutorial's where none is given.

    Source: LeCun, Bottou, Bengio and Haffner (1998), section II.B, without the Gaussian output,
    as in Zhang et al., *Dive into Deep Learning*, second Chinese edition, section 6.6.

    >>> import torch
    >>> LeNet()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: LeNetConfig | None = None):
        super().__init__(config or LeNetConfig())

    def __getitem__(self, index: Any) -> Any:
        """A layer, or for a slice an `nn.Sequential` of the same layers."""
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(layers_of(self).items())[index]))
        return super().__getitem__(index)


class LeNet5(nn.Sequential):
    """LeNet-5 as it was published, with exactly 60,000 weights.

    The layers have the paper's names: `network.c3` is layer C3. Background must be -0.1 and ink
    1.175, as the recipe's normalisation `lecun` has it.

    Args:
        config: What is left to choose.

    Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
    recognition", section II.B.

    >>> import torch
    >>> LeNet5()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])
    """

    def __init__(self, config: LeNet5Config | None = None):
        config = config or LeNet5Config()
        super().__init__(_build(config))
        self.config = config
        initialise_as_published(self)


def as_lenet(network: nn.Module, input_shape: tuple[int, ...]) -> LeNet | None:
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


def recognise_network(network: nn.Module, input_shape: Shape) -> tuple[list[Block], list[Tensor]]:
    """A network as blocks, with their weights and biases, if they are all that there is to it.

    Batch normalisation is folded in: see `recognise_blocks`.

    Args:
        network: Any network.
        input_shape: Channels, height and width of an image.

    Raises:
        ModelError: The compiled kernels do not serve the network, it does something besides
            calling its layers one by one, or a hook wants to see what goes in and out of it.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> recognise_network(network, (1, 28, 28))[0]
    [DenseBlock(inputs=784, outputs=10, activation='none')]
    """
    if is_listened_to([network]):
        message = "A hook wants to see what goes through the network."
        raise ModelError(message)
    if not is_sequential(network):
        kind = type(network).__name__
        message = f"The network is no plain `nn.Sequential` but a `{kind}`."
        raise ModelError(message)
    return recognise_blocks([layer for _, layer in leaves(network)], input_shape)


def recognise_blocks(
    layers: Iterable[nn.Module], input_shape: Shape
) -> tuple[list[Block], list[Tensor]]:
    """Layers as blocks, with their weights and biases.

    Batch normalisation is folded into these as it is in evaluation mode, whichever mode its layers
    are in.

    Args:
        layers: The network's layers in their order.
        input_shape: Channels, height and width of an image.

    Raises:
        ModelError: The compiled kernels do not serve them; the message says which layer.

    >>> layers = nn.Flatten(), nn.Linear(784, 10)
    >>> recognise_blocks(layers, (1, 28, 28))[0]
    [DenseBlock(inputs=784, outputs=10, activation='none')]
    """
    found = recognise_layers(list(layers), input_shape)
    parameters = [parameter for one in found for parameter in one.folded_parameters()]
    return [one.block for one in found], parameters


def recognise_layers(layers: list[nn.Module], input_shape: Shape) -> list[RecognisedBlock]:
    """Layers as blocks, with the very layers that hold their numbers."""
    check_pytorch()
    if is_listened_to(layers):
        message = "A hook wants to see what goes through the layers."
        raise ModelError(message)
    key = tuple(input_shape), tuple(map(_signature, layers))
    blocks = _kept.get(key)
    if blocks is None:
        if observer := find_observer():  # who would see layers being built to describe these
            raise ModelError(observer)
        named = [(str(place), layer) for place, layer in enumerate(layers)]
        described = describe_layers(named, tuple(input_shape))
        blocks = kernel_blocks(place_layers(described, tuple(input_shape)))
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = blocks
    recognised = [
        RecognisedBlock(block, layers[weighted], None if norm is None else layers[norm])  # type: ignore[arg-type]
        for block, weighted, norm in blocks
    ]
    for one in recognised:
        one.check()
    return recognised


def make_predictor(
    network: nn.Module,
    input_shape: Shape,
    byte_values: NDArray[np.float32] | None = None,
) -> Predictor:
    """The compiled kernels with the weights that a network has now.

    It predicts as the network does in evaluation mode, whichever mode that is in.

    Args:
        network: Any network on the CPU.
        input_shape: Channels, height and width of an image.
        byte_values: What the 256 values of a pixel stand for; see `Predictor`.

    Raises:
        ModelError: The compiled kernels do not serve the network; see `recognise_network`.
    """
    blocks, parameters = recognise_network(network, input_shape)
    return Predictor(blocks, [weight.detach().numpy() for weight in parameters], byte_values)


def _signature(layer: nn.Module) -> Hashable:
    """All that decides what a layer is, besides its numbers."""
    settings = vars(layer)
    return (
        type(layer),
        *((name, settings[name]) for name in settings if name[0] != "_" and name != "training"),
        *((name, one is None) for name, one in parameters_of(layer).items()),
    )
