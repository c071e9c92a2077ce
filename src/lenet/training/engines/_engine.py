"""What makes the steps of a training: what every engine can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.datasets import BatchesOf, Selection
from lenet.kernels import EngineName
from lenet.models import ArrayNetwork

if TYPE_CHECKING:
    from torch import nn

OptimiserState = dict[int, dict[str, npt.NDArray[Any]]]  # for each weight, by PyTorch's names
Scores = tuple[Any, Any]  # a batch's mean loss, and how many images were right; numbers or tensors


class Engine(ABC):
    """Makes the steps of one training: changes the weights in place, holds the optimiser's state.

    Attributes:
        name: What computes: `native`, `torch` or `numpy`.
        network: What is trained.
        batches: Where the examples come from.
        draws_numbers: Whether layers of the network may draw random numbers in a step.
        stop_wanted: Whether this process was asked to stop.
    """

    name: EngineName
    network: ArrayNetwork | nn.Module
    batches: BatchesOf[Any]
    draws_numbers = False
    stop_wanted = False

    @abstractmethod
    def step(self, selection: Selection[Any], learning_rate: float) -> Scores:
        """Update the weights by a batch."""

    @abstractmethod
    def state(self) -> OptimiserState:
        """What the optimiser remembers."""

    @abstractmethod
    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state, of this engine or of another."""

    def seed_draws(self, seed: int) -> None:  # noqa: B027 - most engines draw nothing
        """Let the numbers that layers draw in the next step be those of a seed."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """What has to be so around a whole training; nothing here."""
        yield

    def make_scores(self, steps: int) -> tuple[Any, Any]:
        """Room for an epoch's losses, float32, and right answers, int64: (steps,) each."""
        return np.zeros(steps, np.float32), np.zeros(steps, np.int64)

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
        gradients: What the first half leaves and the second takes, an array or tensor a weight.
    """

    @property
    @abstractmethod
    def gradients(self) -> Sequence[Any]: ...

    @abstractmethod
    def compute_gradients(self, selection: Selection[Any], share: float = 1.0) -> Scores:
        """Make the first half: gradients of the mean loss, times a share; of no examples, zeros."""

    @abstractmethod
    def update(self, learning_rate: float) -> None:
        """Make the second half."""

    def step(self, selection: Selection[Any], learning_rate: float) -> Scores:
        scores = self.compute_gradients(selection)
        self.update(learning_rate)
        return scores


def as_array(numbers: Any) -> npt.NDArray[Any]:
    """An array, or a tensor on any device, as an array."""
    return numbers if isinstance(numbers, np.ndarray) else numbers.detach().cpu().numpy()
