"""A trained network in PyTorch, made of what the operators of ONNX can say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lenet.export._trained_network import TrainedNetwork
from lenet.export._windows import Windows, pooling_windows, reaching_beyond, with_padding_apart
from lenet.models import (
    CUSTOM,
    LEAST_PROBABILITY,
    NO_ANSWER,
    Residual,
    TrainedLayer,
    module_of,
)
from lenet.models.layers import AdaptivePooling, Pooling


class PixelsToDecisions(nn.Module):
    """A network that takes images as they are and gives calibrated probabilities and an answer."""

    def __init__(self, trained: TrainedNetwork):
        super().__init__()
        self.card, is_custom = trained.card, trained.card.model == CUSTOM
        self.network = module_of(trained.network) if is_custom else _sequential(trained.layers())
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Uint8 (N, C, H, W) to float32 (N, outputs), and to the answered class, int64 (N,)."""
        shares = images.to(torch.float32) / 255
        norm = self.card.normalisation
        logits: Tensor = self.network((shares - norm.mean) / norm.std)
        shares = (logits / self.card.calibration.temperature).softmax(dim=1)
        return shares, self._decide(shares)

    def _decide(self, shares: Tensor) -> Tensor:
        """The rules of `lenet.models.decide`: (N, outputs) to classes, int64 (N,)."""
        none = self.card.none_index
        of_classes = shares[:, :none]
        largest = of_classes.amax(dim=1)
        calibration = self.card.calibration
        is_sure = largest >= calibration.threshold
        if calibration.means and calibration.threshold:
            whitening, means = map(torch.tensor, (calibration.whitening, calibration.means))
            # Products and sums: a product of matrices would be taken for a layer with weights.
            places = (shares.clamp(min=LEAST_PROBABILITY).log()[:, :, None] * whitening).sum(dim=1)
            squares = (places[:, None] - means).square().sum(dim=2).amin(dim=1)
            is_sure = is_sure & (squares <= calibration.reach**2)
        if none is not None:
            is_sure = is_sure & (largest >= shares[:, none])
        return torch.where(is_sure, of_classes.argmax(dim=1), NO_ANSWER)


class _WindowPooling(nn.Module):
    """Pooling with windows that the operators of ONNX do not have, down and then across."""

    def __init__(self, sides: Sequence[Windows], is_max: bool):
        super().__init__()
        self.sides, self.is_max = sides, is_max

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to what the windows make of it."""
        combine: Any = torch.amax if self.is_max else torch.mean
        for dim, windows in enumerate(self.sides, 2):
            parts = [
                combine(maps.transpose(dim, -1)[..., start : end : windows.spread], -1)
                for start, end in windows.edges
            ]
            maps = torch.stack(parts, -1).transpose(dim, -1)
        return maps


def _sequential(layers: Sequence[TrainedLayer]) -> nn.Sequential:
    return nn.Sequential(*(module for trained in layers for module in _modules(trained)))


def _modules(trained: TrainedLayer) -> Iterator[nn.Module]:
    """One layer in PyTorch, as ONNX has it; awkward padding apart."""
    layer, shape = trained.layer, trained.input_shape
    if trained.sides:
        yield Residual(*map(_sequential, trained.sides))
    elif isinstance(layer, (Pooling, AdaptivePooling)) and not _onnx_has(trained):
        *padding, pooling = with_padding_apart([trained])
        yield from (one.layer.module(one.input_shape) for one in padding)
        yield _WindowPooling(pooling_windows(pooling), layer.method == "max")
    else:
        if isinstance(layer, Pooling) and not any(reaching_beyond(trained)):
            layer = replace(layer, ceil_mode=False)  # for which ONNX has another rule
        module = layer.module(shape)
        module.load_state_dict(
            {name: torch.from_numpy(array) for name, array in trained.arrays.items()}, strict=False
        )
        yield module


def _onnx_has(trained: TrainedLayer) -> bool:
    """Whether ONNX can pool like that: it has one rule for both sides, and equal windows."""
    if isinstance(trained.layer, Pooling):
        return len(set(reaching_beyond(trained))) == 1
    return all(windows.size for windows in pooling_windows(trained))
