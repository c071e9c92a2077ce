from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from lenet.datasets import Batches, DrawnChanges, Selection
from lenet.kernels import KernelChoice
from lenet.training._optimisation import OptimiserState
from lenet.training._recipe import Recipe
from lenet.training._torch_steps import TorchSteps


class GraphSteps:
    """Steps by PyTorch on a GPU, each captured once as a CUDA graph and then replayed.

    A step of a small network is a few dozen short kernels, and launching them one by one from
    Python takes several times as long as they run. A graph launches them all at once. What differs
    from step to step, the examples and the learning rate, is copied to where the graph reads it;
    nothing waits for the GPU. On another device the same step runs without a graph.

    A graph is for one number of examples: there is one for whole batches and one for the last of an
    epoch. The first step of each number runs without a graph, so that all that is set up once, the
    optimiser's state for example, is there before the capture.

    Args:
        model: The network, trained in place.
        recipe: How the weights are updated.
        batches: Where the examples come from.

    Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """

    kernels: KernelChoice = "torch"

    def __init__(self, model: nn.Module, recipe: Recipe, batches: Batches):
        self._model = model
        self._learning_rate = torch.tensor(recipe.learning_rate, device=batches.device)
        self._steps = TorchSteps(model, recipe, batches, self._learning_rate)
        self.state = self._steps.state
        self._captured: dict[int, CapturedStep] = {}
        self._snapshot = self._take_snapshot()

    def __call__(self, selection: Selection, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Update the weights by a batch; what it gives is overwritten by the next step."""
        self._learning_rate.fill_(learning_rate)
        count = len(selection.indices)
        if count not in self._captured:
            self._captured[count] = CapturedStep(self)
        return self._captured[count](selection)

    def still_serves(self) -> bool:
        """Whether the network is as it was captured: no weight frozen, no hook added."""
        return self._snapshot == self._take_snapshot()

    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state, with graphs that read the new one."""
        self._steps.load_state(state)
        self._captured.clear()

    def compute(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The step itself: every kernel of it, and nothing that the CPU has to wait for."""
        return self._steps(selection, self._learning_rate)

    def _take_snapshot(self) -> list[tuple[object, ...]]:
        """What a graph has fixed of the network."""
        return [
            (parameter.data_ptr(), parameter.requires_grad, bool(parameter._backward_hooks))
            for parameter in self._model.parameters()
        ] + [
            (id(layer), bool(layer._forward_hooks or layer._forward_pre_hooks))
            for layer in self._model.modules()
        ]


class Computes(Protocol):
    """What can make a step by work that a graph can hold."""

    def compute(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The step itself: every kernel of it, and nothing that the CPU has to wait for."""


class CapturedStep:
    """The step for one number of examples.

    Args:
        steps: What makes it.
    """

    def __init__(self, steps: Computes):
        self._steps = steps
        self._selection: Selection | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._results: tuple[Tensor, Tensor]

    def __call__(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """Compute it: the first time as it stands, then by a graph of it."""
        if not selection.indices.is_cuda:
            return self._steps.compute(selection)
        if self._selection is None:
            self._selection = _copy(selection)
            with _side_stream():
                return self._steps.compute(self._selection)
        _refill(self._selection, selection)
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._results = self._steps.compute(self._selection)
        self._graph.replay()
        return self._results


@contextmanager
def _side_stream() -> Iterator[None]:
    """Run on a stream of its own, as what is captured later must have done before."""
    before, beside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    beside.wait_stream(before)
    with torch.cuda.stream(beside):
        yield
    before.wait_stream(beside)


def _copy(selection: Selection) -> Selection:
    """The same examples and changes in tensors that stay."""
    changes = {
        name: None if value is None else value.clone()
        for name, value in vars(selection.changes).items()
    }
    return Selection(selection.indices.clone(), DrawnChanges(**changes))


def _refill(kept: Selection, selection: Selection) -> None:
    """Put other examples and changes into the tensors that stay."""
    kept.indices.copy_(selection.indices)
    for name, value in vars(selection.changes).items():
        if value is not None:
            getattr(kept.changes, name).copy_(value)
