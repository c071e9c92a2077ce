"""What happens to a module whose numbers are arrays, beside what is computed with these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt
import torch
from torch import nn

from lenet.errors import ModelError
from lenet.kernels import (
    buffers_of,
    check_pytorch,
    find_observer,
    has_gradient_hooks,
    is_listened_to,
    parameters_of,
)
from lenet.models._modules import Residual
from lenet.models._recognise import leaves

_BatchNorm = (nn.BatchNorm1d, nn.BatchNorm2d)
_DROPOUT = (nn.Dropout, nn.Dropout2d)
_WITH_MODES = (*_BatchNorm, *_DROPOUT)  # which do another thing when they learn


def shared_arrays(module: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """A module's numbers as arrays that share its memory.

    Raises:
        ModelError: They are not ordinary ones on the CPU.
    """
    arrays = {}
    for name, tensor in module.state_dict().items():
        is_ordinary = type(tensor) in (nn.Parameter, torch.Tensor) and tensor.device.type == "cpu"
        if not is_ordinary or tensor.dtype not in (torch.float32, torch.int64):
            message = f"`{name}` is no ordinary float32 on the CPU."
            raise ModelError(message)
        if not tensor.is_contiguous():
            message = f"`{name}` is not contiguous."
            raise ModelError(message)
        arrays[name] = tensor.detach().numpy()
    return arrays


class ModuleWatch:
    """Sees whether a module is still what it was when its arrays were taken.

    A setting that is changed within a layer, such as its padding, goes unnoticed, bar those of
    batch normalisation and dropout.

    Args:
        module: An `nn.Sequential` of known layers.

    Raises:
        ModelError: This release of PyTorch does not tell who listens to its layers.
    """

    def __init__(self, module: nn.Module):
        check_pytorch()
        self._module = module
        self._learns = list(module.parameters())
        self._numbers = [*self._learns, *module.buffers()]
        self._snapshot = self._take_snapshot()

    def is_unchanged(self) -> bool:
        """Whether the layers and tensors are the same, in the same memory."""
        return self._take_snapshot() == self._snapshot

    def has_same_tensors(self) -> bool:
        """Whether the layers and weights are the same, though they may have moved."""
        now, before = (
            [layers, *(one[:-1] for one in tensors)]
            for layers, *tensors in (self._take_snapshot(), self._snapshot)
        )
        return now == before

    def is_listened_to(self) -> bool:
        """Whether somebody wants to see what goes through the layers."""
        return is_listened_to(self._module.modules()) or find_observer() is not None

    def obstacle(self) -> str | None:
        """Why not all of it can be trained by others than PyTorch, if so."""
        if not all(one.requires_grad for one in self._learns):
            return "Some weights are not to be trained."
        return "A hook wants to see a gradient." if self.hears_gradients() else None

    def hears_gradients(self) -> bool:
        """Whether a hook wants to see the gradient of a weight."""
        return any(map(has_gradient_hooks, self._learns))

    def is_in_training_mode(self) -> bool:
        """Whether the layers do what they do when they learn."""
        return all(layer.training for layer in self._layers() if isinstance(layer, _WITH_MODES))

    def frozen(self) -> list[str]:
        """The names of the weights that are not to be trained."""
        return [name for name, one in self._module.named_parameters() if not one.requires_grad]

    def note_change(self) -> None:
        """Let PyTorch know that the arrays were changed."""
        torch.autograd.graph.increment_version(self._numbers)

    def _layers(self) -> list[nn.Module]:
        return list(_all_layers(self._module))

    def _take_snapshot(self) -> list[tuple[object, ...]]:
        """What tells at little cost whether the module is as it was."""
        layers = self._layers()
        norms = [(one.eps, one.momentum) for one in layers if isinstance(one, _BatchNorm)]
        shares = [one.p for one in layers if isinstance(one, _DROPOUT)]
        weights, statistics = (
            [one for numbers in kind for one in numbers.values() if one is not None]
            for kind in (map(parameters_of, layers), map(buffers_of, layers))
        )
        return [
            (*layers, *norms, *shares),
            *((id(one), one.dtype, _memory(one)) for one in weights),
            # Running statistics may be other tensors, for no optimiser holds them.
            *((one.dtype, _memory(one)) for one in statistics),
        ]


def _all_layers(module: nn.Module) -> Iterator[nn.Module]:
    """The layers of a module, those within residual sums after these."""
    for _, layer in leaves(module):
        yield layer
        if isinstance(layer, Residual):
            yield from _all_layers(layer.main)
            yield from _all_layers(layer.shortcut)


def _memory(tensor: torch.Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride()
