"""What happens to a module whose numbers are arrays, beside what is computed with these."""

from __future__ import annotations

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
from lenet.models._recognise import leaves

_BatchNorm = (nn.BatchNorm1d, nn.BatchNorm2d)


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

    A setting that is changed within a layer, such as its padding, goes unnoticed.

    Args:
        module: An `nn.Sequential` of known layers.

    Raises:
        ModelError: This release of PyTorch does not tell who listens to its layers.
    """

    def __init__(self, module: nn.Module):
        check_pytorch()
        self._module = module
        self._learns = dict(module.named_parameters())
        self._snapshot = self._take_snapshot()

    def is_unchanged(self) -> bool:
        """Whether the layers and tensors are the same, in the same memory."""
        return self._take_snapshot() == self._snapshot

    def has_same_tensors(self) -> bool:
        """Whether the layers and tensors are the same, though they may have moved."""
        layers, *tensors = self._take_snapshot()
        layers_before, *before = self._snapshot
        return layers == layers_before and [one[0] for one in tensors] == [one[0] for one in before]

    def is_listened_to(self) -> bool:
        """Whether somebody wants to see what goes through the layers."""
        return is_listened_to([self._module, *self._layers()]) or find_observer() is not None

    def obstacle(self) -> str | None:
        """Why not all of it can be trained by others than PyTorch, if so."""
        learns = self._learns.values()
        if not all(one.requires_grad for one in learns):
            return "Some weights are not to be trained."
        if any(map(has_gradient_hooks, learns)):
            return "A hook wants to see a gradient."
        norms = [layer for layer in self._layers() if isinstance(layer, _BatchNorm)]
        if not all(norm.training and norm.momentum is not None for norm in norms):
            return "Batch normalisation is not in training mode."
        return None

    def frozen(self) -> list[str]:
        """The names of the weights that are not to be trained."""
        return [name for name, one in self._module.named_parameters() if not one.requires_grad]

    def note_change(self) -> None:
        """Let PyTorch know that the arrays were changed."""
        torch.autograd.graph.increment_version(list(self._learns.values()))

    def _layers(self) -> list[nn.Module]:
        return [layer for _, layer in leaves(self._module)]

    def _take_snapshot(self) -> list[tuple[object, ...]]:
        """What tells at little cost whether the module is as it was."""
        layers = self._layers()
        return [
            tuple(map(id, layers)),
            *(
                (id(one), one.data_ptr(), one.dtype, one.shape, one.stride())
                for layer in layers
                for one in (*parameters_of(layer).values(), *buffers_of(layer).values())
                if one is not None
            ),
        ]
