"""A training step, by the compiled kernels or by PyTorch."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn

from lenet.datasets import Batches, Selection
from lenet.errors import ModelError
from lenet.kernels import FusedStep, KernelChoice, StepSettings, try_kernels
from lenet.models import KernelView
from lenet.training._graph_steps import GraphSteps
from lenet.training._optimisation import OptimiserState
from lenet.training._peers import ALONE, Peers
from lenet.training._recipe import Recipe
from lenet.training._shared_steps import SharedSteps
from lenet.training._torch_steps import TorchSteps


class Steps(Protocol):
    """What makes the steps of a training and has the optimiser's state.

    Attributes:
        kernels: What computes them: `native` or `torch`.
    """

    kernels: KernelChoice

    def __call__(
        self, selection: Selection, learning_rate: float
    ) -> tuple[Tensor | float, Tensor | int]:
        """Update the weights by a batch; gives its mean loss and how many images were right."""

    def still_serves(self) -> bool:
        """Whether the next step can be made so as well."""

    def state(self) -> OptimiserState:
        """The optimiser's state, for each parameter, as PyTorch's `state_dict()` has it."""

    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state."""


class NativeSteps:
    """Steps by the compiled kernels, on the CPU.

    Args:
        model: A network that they know, trained in place.
        recipe: How the weights are updated.
        batches: Where the images come from.

    Raises:
        ModelError: They do not serve; the message says why.
    """

    kernels: KernelChoice = "native"

    def __init__(self, model: nn.Module, recipe: Recipe, batches: Batches):
        if recipe.loss != "cross-entropy":
            message = f"The compiled kernels do not know the loss `{recipe.loss}`."
            raise ModelError(message)
        if recipe.precision == "bfloat16":
            message = "The compiled kernels do not compute in bfloat16."
            raise ModelError(message)
        if recipe.augmentation.distorts:
            message = "The compiled kernels do not turn, scale, squeeze or shear images."
            raise ModelError(message)
        settings = StepSettings(
            optimiser=recipe.optimiser,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            label_smoothing=recipe.label_smoothing,
            gradient_clipping=recipe.gradient_clipping,
        )
        self._step = FusedStep(
            KernelView(model, tuple(batches.placed.images.shape[1:])),
            batches.placed.images,
            batches.placed.labels,
            batch_size=recipe.batch_size,
            settings=settings,
            byte_values=batches.byte_values,
        )
        self._locate = batches.locate
        self.gradients, self.update = self._step.gradients, self._step.update
        self.still_serves = self._step.still_serves
        self.state, self.load_state = self._step.state, self._step.load_state

    def __call__(self, selection: Selection, learning_rate: float) -> tuple[float, int]:
        """Update the weights by a batch."""
        results = self.compute_gradients(selection)
        self.update(learning_rate)
        return results

    def compute_gradients(self, selection: Selection, share: float = 1.0) -> tuple[float, int]:
        """Make the first half of a step; `share` is as for `TorchSteps`."""
        loss, correct = 0.0, 0
        if len(selection.indices):
            loss, correct = self._step.compute_gradients(
                self._locate(selection.indices),
                mirrored=selection.changes.mirrored,
                shifts=selection.changes.shifts,
            )
        if share != 1.0:
            for gradient in self.gradients:
                gradient.mul_(share)
        return loss, correct


def pick_steps(
    model: nn.Module,
    recipe: Recipe,
    batches: Batches,
    peers: Peers = ALONE,
    wants_to_stop: Callable[[], bool] = bool,
) -> Steps:
    """The steps that suit a device and a choice of kernels.

    On a GPU they are captured in graphs. On a CPU they are the compiled kernels' if `use_kernels`
    has chosen these and they serve, else PyTorch's. Several processes on GPUs make them one by one,
    and the kernels leave batch normalisation over several processes to PyTorch.

    Args:
        model: The network.
        recipe: How the weights are updated.
        batches: Where the examples come from.
        peers: The processes that make each step together.
        wants_to_stop: Whether this one was asked to stop.

    Raises:
        ModelError: `native` is chosen, and the kernels do not serve.
    """
    if peers.size > 1:
        part = try_kernels(lambda: _native_part(model, recipe, batches))
        of_part = part or TorchSteps(model, recipe, batches)
        return share_steps(of_part, model, peers, wants_to_stop)
    if batches.device.type == "cuda":
        return GraphSteps(model, recipe, batches)
    native = try_kernels(lambda: NativeSteps(model, recipe, batches))
    return native or TorchSteps(model, recipe, batches)


def share_steps(
    steps: TorchSteps | NativeSteps,
    model: nn.Module,
    peers: Peers,
    wants_to_stop: Callable[[], bool],
) -> Steps:
    """Steps on whole batches from steps on a process's parts of them; one process has the whole."""
    return SharedSteps(steps, model, peers, wants_to_stop) if peers.size > 1 else steps


def _native_part(model: nn.Module, recipe: Recipe, batches: Batches) -> NativeSteps:
    """Steps by the compiled kernels on a part of each batch.

    Raises:
        ModelError: They do not serve; the message says why.
    """
    if any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in model.modules()):
        message = "The compiled kernels do no batch normalisation over several processes."
        raise ModelError(message)
    return NativeSteps(model, recipe, batches)
