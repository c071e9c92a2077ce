from collections.abc import Sequence
from dataclasses import fields

from torch import Tensor, nn

from lenet.datasets import Augmentation, Batches, Selection
from lenet.errors import ModelError
from lenet.kernels import FusedStep, KernelChoice, StepSettings
from lenet.models import KernelView
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import OptimiserState, TwoPhaseEngine


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
        if recipe.augmentation != Augmentation() and recipe.augmentation.distorts:
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
