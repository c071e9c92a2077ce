import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

from lenet.models import ModelCard, PartialConvolution


class PixelsToProbabilities(nn.Module):
    """A network that takes images as they are and gives calibrated probabilities.

    Args:
        network: A network of the registry, in evaluation mode.
        card: What its file says.
    """

    def __init__(self, network: nn.Module, card: ModelCard):
        super().__init__()
        self.network = nn.Sequential(*fold_layers(network))
        self.normalisation = card.normalisation
        self.temperature = card.calibration.temperature
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 (N, C, H, W) to float32 (N, classes)."""
        shares = images.to(torch.float32) / 255
        normalised = (shares - self.normalisation.mean) / self.normalisation.std
        logits: Tensor = self.network(normalised)
        return (logits / self.temperature).softmax(dim=1)


def fold_layers(network: nn.Module) -> list[nn.Module]:
    """A network's layers with batch normalisation in the weights and no partial connections.

    Args:
        network: A network of the registry, in evaluation mode; it is left as it is.

    Returns:
        The layers in their order, for an `nn.Sequential`.
    """
    layers: list[nn.Module] = []
    for layer in network.children():
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        elif isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Linear):
            layers[-1] = fuse_linear_bn_eval(before, layer)
        elif isinstance(layer, PartialConvolution):
            layers.append(_whole_convolution(layer))
        else:
            layers.append(layer)
    return layers


@torch.no_grad()
def _whole_convolution(layer: PartialConvolution) -> nn.Conv2d:
    """The ordinary convolution that computes the same, with zeros in it."""
    filters = layer.filters()
    convolution = nn.Conv2d(filters.shape[1], filters.shape[0], layer.KERNEL_SIZE)
    convolution.weight.copy_(filters)
    convolution.bias.copy_(layer.bias)  # type: ignore[union-attr]
    return convolution
