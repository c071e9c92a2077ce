"""Steps on a GPU, captured once as a CUDA graph and replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lenet.datasets import Batches, DrawnChanges, Selection
from lenet.kernels import EngineName, has_gradient_hooks, has_hooks
from lenet.models import draws_numbers
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState
from lenet.training.engines._torch import TorchEngine, running_torch


class GraphEngine(Engine):
    """Steps by PyTorch on a GPU, each captured once as a CUDA graph and then replayed.

    A step of a small network is a few dozen short kernels, and launching them one by one from
    Python takes several times as long as they run. A graph launches them all at once. What differs
    from step to step, the examples and the learning rate, is copied to where the graph reads it;
    nothing waits for the GPU. On another device the same step runs without a graph.

    Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """

    name: EngineName = "torch"

    network: nn.Module
    batches: Batches

    def __init__(self, network: nn.Module, recipe: Recipe, batches: Batches):
        self.network, self.batches, self._recipe = network, batches, recipe
        self.draws_numbers = draws_numbers(network)
        rate = recipe.learning_rate
        self._learning_rate = torch.tensor(rate, dtype=torch.float32, device=batches.device)
        self._engine = TorchEngine(network, recipe, batches, self._learning_rate)
        self._captured = CapturedSteps(self.compute)
        self._snapshot = self._take_snapshot()

    def step(self, selection: Selection, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Update the weights by a batch; what it gives is overwritten by the next step."""
        self._learning_rate.fill_(learning_rate)
        return self._captured(selection)

    def compute(self, selection: Selection) -> tuple[Tensor, Tensor]:
        """The step itself: every kernel of it, and nothing that the CPU has to wait for."""
        scores = self._engine.compute_gradients(selection)
        self._engine.update(self._learning_rate)
        return scores

    def still_serves(self) -> bool:
        """Whether the network is as it was captured: no weight frozen, no hook added."""
        return self._snapshot == self._take_snapshot()

    def state(self) -> OptimiserState:
        return self._engine.state()

    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state, with graphs that read the new one."""
        self._engine.load_state(state)
        self._captured.forget()

    def seed_draws(self, seed: int) -> None:
        self._engine.seed_draws(seed)

    @contextmanager
    def running(self) -> Iterator[None]:
        with running_torch(self.network, self._recipe):
            yield

    def make_scores(self, steps: int) -> tuple[Tensor, Tensor]:
        return self._engine.make_scores(steps)

    def _take_snapshot(self) -> list[tuple[object, ...]]:
        return [
            (parameter.data_ptr(), parameter.requires_grad, has_gradient_hooks(parameter))
            for parameter in self.network.parameters()
        ] + [(id(layer), has_hooks(layer)) for layer in self.network.modules()]


def is_watched(network: nn.Module) -> bool:
    """Whether something listens to a network; within a graph it would hear nothing."""
    return any(map(has_hooks, network.modules())) or any(
        map(has_gradient_hooks, network.parameters())
    )


class CapturedSteps:
    """A step as CUDA graphs, one for each number of examples: whole batches and an epoch's last.

    The first step of each number runs without a graph, so that all that is set up once, the
    optimiser's state for example, is there before the capture.
    """

    def __init__(self, compute: Callable[[Selection], tuple[Tensor, Tensor]]):
        self._compute = compute
        self._selections: dict[int, Selection] = {}
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, tuple[Tensor, Tensor]]] = {}

    def __call__(self, selection: Selection) -> tuple[Tensor, Tensor]:
        if not selection.indices.is_cuda:
            return self._compute(selection)
        count = len(selection.indices)
        if count not in self._selections:
            self._selections[count] = _copy(selection)
            with _side_stream():
                return self._compute(self._selections[count])
        _refill(self._selections[count], selection)
        if count not in self._graphs:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                scores = self._compute(self._selections[count])
            self._graphs[count] = graph, scores
        graph, scores = self._graphs[count]
        graph.replay()
        return scores

    def forget(self) -> None:
        """Capture anew from the next step on."""
        self._selections.clear()
        self._graphs.clear()


@contextmanager
def _side_stream() -> Iterator[None]:
    """Run on a stream of its own, as what is captured later must have done before."""
    before, beside = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    beside.wait_stream(before)
    with torch.cuda.stream(beside):
        yield
    before.wait_stream(beside)


def _copy(selection: Selection) -> Selection:
    changes = {
        name: None if value is None else value.clone()
        for name, value in vars(selection.changes).items()
    }
    return Selection(selection.indices.clone(), DrawnChanges(**changes))


def _refill(kept: Selection, selection: Selection) -> None:
    kept.indices.copy_(selection.indices)
    for name, value in vars(selection.changes).items():
        if value is not None:
            getattr(kept.changes, name).copy_(value)
