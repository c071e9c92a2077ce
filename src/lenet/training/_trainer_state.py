from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lenet.training._optimisation import OptimiserState


@dataclass(frozen=True)
class TrainerState:
    """All that a training needs to go on from an instant, to the same bits.

    Attributes:
        tensors: Weights, optimiser state, this epoch's losses, the best weights so far.
        values: Everything else, as JSON can hold it.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    def under(self, prefix: str) -> dict[str, Tensor]:
        """Copies of the tensors whose names begin with a prefix, without it."""
        return {
            name.removeprefix(prefix): tensor.clone()
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }

    @property
    def optimiser(self) -> OptimiserState:
        """The optimiser's state, for each parameter, as PyTorch's `state_dict()` has it."""
        state: OptimiserState = {}
        for name, tensor in self.under("optimiser.").items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = tensor
        return state
