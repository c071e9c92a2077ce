import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._autograd import is_being_traced, run_blocks
from lenet.kernels._batch_norm import BatchNorm
from lenet.kernels._blocks import Block
from lenet.kernels._choice import try_kernels
from lenet.kernels._predictor import Predictor
from lenet.kernels._recognise import (
    RecognisedBlock,
    blocks_and_parameters,
    is_listened_to,
    recognise_blocks,
    recognise_layers,
)


class KernelSequential(nn.Sequential):
    """An `nn.Sequential` whose layers run as one piece of compiled code where that is possible.

    It is not possible, and the layers run one by one as PyTorch's own, on other devices than the
    CPU, for other types than float32, for layers that the kernels do not know, and while a hook
    listens to a layer. Batch normalisation runs so in evaluation mode and without gradients only.
    Results are the same up to rounding. `use_kernels` decides otherwise.
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

    def _recognise(self, input_shape: tuple[int, ...]) -> tuple[list[Block], list[Tensor]]:
        """The layers as blocks, if what these give is what the layers give now.

        Raises:
            ModelError: It is not, or the kernels do not serve them.
        """
        norms = [layer for layer in self if isinstance(layer, BatchNorm)]
        if norms and (torch.is_grad_enabled() or any(norm.training for norm in norms)):
            message = (
                "Batch normalisation is left to PyTorch in training mode and with gradients on."
            )
            raise ModelError(message)
        return recognise_blocks(self, input_shape)

    def layer_by_layer(self, images: Tensor) -> Tensor:
        """The output as PyTorch's own layers give it."""
        output: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return output


def recognise_network(
    network: nn.Module, input_shape: tuple[int, ...]
) -> tuple[list[Block], list[Tensor]]:
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
    return blocks_and_parameters(recognise_whole(network, input_shape))


def recognise_whole(network: nn.Module, input_shape: tuple[int, ...]) -> list[RecognisedBlock]:
    """The same with the layers themselves.

    Raises:
        ModelError: As for `recognise_network`.
    """
    forward = getattr(type(network), "forward", None)
    if forward not in (nn.Sequential.forward, KernelSequential.forward):
        message = f"The network is no plain `nn.Sequential` but a `{type(network).__name__}`."
        raise ModelError(message)
    if is_listened_to([network]):
        message = "A hook wants to see what goes through the network."
        raise ModelError(message)
    return recognise_layers(layers_of(network), input_shape)


def make_predictor(
    network: nn.Module,
    input_shape: tuple[int, ...],
    byte_values: NDArray[np.float32] | None = None,
) -> Predictor:
    """The compiled kernels with the weights that a network has now.

    It predicts as the network does in evaluation mode, whichever mode that is in.

    Args:
        network: Any network on the CPU.
        input_shape: Channels, height and width of an image.
        byte_values: As for `Predictor`.

    Raises:
        ModelError: As for `recognise_network`.
    """
    blocks, parameters = recognise_network(network, input_shape)
    return Predictor(blocks, [weight.detach().numpy() for weight in parameters], byte_values)


def layers_of(network: nn.Module) -> list[nn.Module]:
    """The layers of an `nn.Sequential` in the order of its forward pass.

    Other than in `children()`, a layer that stands in two places is there twice.
    """
    assert isinstance(network, nn.Sequential)
    return list(network)
