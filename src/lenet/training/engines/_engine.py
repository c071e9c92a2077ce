"""What makes the steps of a training: what every engine can, by PyTorch and by the kernels."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields

from torch import Tensor, nn

from lenet.datasets import Batches, Selection
from lenet.errors import ModelError
from lenet.kernels import FusedStep, KernelChoice, StepSettings
from lenet.models import KernelView
from lenet.training._computing import build_loss, build_optimiser, compute_in
from lenet.training._metrics import count_correct
from lenet.training._recipe import Recipe

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


class TorchEngine(TwoPhaseEngine):
    """Steps by PyTorch: any network on any device.

    For steps that are captured in a CUDA graph the learning rate is a number on the device, where
    the optimiser finds it.
    """

    kernels: KernelChoice = "torch"

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        batches: Batches,
        learning_rate: Tensor | None = None,
    ):
        self._model, self._recipe, self._batches = model, recipe, batches
        self._optimiser = build_optimiser(recipe, model.parameters(), learning_rate)
        self._loss = build_loss(recipe)

    @property
    def gradients(self) -> Sequence[Tensor]:
        found = (parameter.grad for parameter in self._model.parameters())
        return [gradient for gradient in found if gradient is not None]

    def compute_gradients(self, selection: Selection, share: float = 1.0) -> tuple[Tensor, Tensor]:
        images, labels = self._batches.take(selection)
        with compute_in(self._recipe.precision, images.device):
            logits = self._model(images)
            loss = self._loss(logits, labels) if len(labels) else logits.sum()
        self._optimiser.zero_grad()
        (loss * share).backward()
        return loss.detach(), count_correct(logits, labels)

    def update(self, learning_rate: float | Tensor) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        if self._recipe.gradient_clipping:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.gradient_clipping)
        self._optimiser.step()

    def state(self) -> OptimiserState:
        state: OptimiserState = self._optimiser.state_dict()["state"]
        return {
            index: {name: value for name, value in values.items() if isinstance(value, Tensor)}
            for index, values in state.items()
        }

    def load_state(self, state: OptimiserState) -> None:
        self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": state})


class NativeEngine(TwoPhaseEngine):
    """Steps by the compiled kernels, on the CPU.

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
        names = [field.name for field in fields(StepSettings)]
        settings = StepSettings(**{name: getattr(recipe, name) for name in names})
        self._step = FusedStep(
            KernelView(model, tuple(batches.placed.images.shape[1:])),
            batches.placed.images,
            batches.placed.labels,
            batch_size=recipe.batch_size,
            settings=settings,
            byte_values=batches.byte_values,
        )
        self._locate = batches.locate

    @property
    def gradients(self) -> Sequence[Tensor]:
        return self._step.gradients

    def compute_gradients(self, selection: Selection, share: float = 1.0) -> tuple[float, int]:
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

    def update(self, learning_rate: float) -> None:
        self._step.update(learning_rate)

    def state(self) -> OptimiserState:
        return self._step.state()

    def load_state(self, state: OptimiserState) -> None:
        self._step.load_state(state)

    def still_serves(self) -> bool:
        return self._step.still_serves()
