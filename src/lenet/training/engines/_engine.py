"""What an engine has to be able to do; each of the files beside this one is such an engine."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from lenet.datasets import Selection
from lenet.kernels import KernelChoice

OptimiserState = dict[int, dict[str, Tensor]]  # for each parameter, as PyTorch's `state_dict()` has
Scores = tuple[Tensor | float, Tensor | int]  # a batch's mean loss, and how many images were right


class Engine(ABC):
    """Makes the steps of one training: changes the weights in place, holds the optimiser's state.

    An engine is made of a network, a recipe and the batches that the examples come from.

    Attributes:
        kernels: What computes: `native` or `torch`.
        stop_wanted: Whether this process was asked to stop.
    """

    kernels: KernelChoice
    stop_wanted = False

    @abstractmethod
    def step(self, selection: Selection, learning_rate: float) -> Scores:
        """Update the weights by a batch."""

    @abstractmethod
    def state(self) -> OptimiserState:
        """What the optimiser remembers."""

    @abstractmethod
    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state, of this engine or of another."""

    def still_serves(self) -> bool:
        """Whether the network is as it was when the engine was chosen."""
        return True

    @property
    def stop_agreed(self) -> bool:
        """Whether to stop after this step; of several processes all do, or none."""
        return self.stop_wanted


class TwoPhaseEngine(Engine):
    """An engine whose steps can be halted at the gradients, to add up those of several processes.

    Attributes:
        gradients: What the first half leaves and the second takes, one tensor a weight.
    """

    @property
    @abstractmethod
    def gradients(self) -> Sequence[Tensor]: ...

    @abstractmethod
    def compute_gradients(self, selection: Selection, share: float = 1.0) -> Scores:
        """Make the first half: gradients of the mean loss, times a share; of no examples, zeros."""

    @abstractmethod
    def update(self, learning_rate: float) -> None:
        """Make the second half."""

    def step(self, selection: Selection, learning_rate: float) -> Scores:
        scores = self.compute_gradients(selection)
        self.update(learning_rate)
        return scores
