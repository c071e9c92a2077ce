"""A training step, by the compiled kernels or by PyTorch."""

from typing import Protocol

from torch import Tensor, nn

from lenet.datasets import Batches, Selection
from lenet.errors import ModelError
from lenet.kernels import FusedStep, StepSettings, try_kernels
from lenet.training._losses import build_loss
from lenet.training._metrics import count_correct
from lenet.training._optimisation import build_optimiser
from lenet.training._recipe import Recipe


class Steps(Protocol):
    """What makes the steps of a training and has the optimiser's state."""

    def __call__(
        self, selection: Selection, learning_rate: float
    ) -> tuple[Tensor | float, Tensor | int]:
        """Update the weights by a batch; gives its mean loss and how many images were right."""

    def still_serves(self) -> bool:
        """Whether the next step can be made so as well."""

    def state(self) -> dict[int, dict[str, Tensor]]:
        """The optimiser's state, for each parameter, as PyTorch's `state_dict()` has it."""

    def load_state(self, state: dict[int, dict[str, Tensor]]) -> None:
        """Go on from a state."""


class TorchSteps:
    """Steps by PyTorch: any network on any device.

    Args:
        model: The network, trained in place.
        recipe: How the weights are updated.
        batches: Where the pixels come from; says what they stand for.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, batches: Batches):
        self._model, self._recipe, self._batches = model, recipe, batches
        self._optimiser = build_optimiser(recipe, model.parameters())
        self._loss = build_loss(recipe)

    def __call__(self, selection: Selection, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Update the weights by a batch."""
        images, labels = self._batches.take(selection)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        logits = self._model(images)
        loss = self._loss(logits, labels)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._recipe.gradient_clipping:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.gradient_clipping)
        self._optimiser.step()
        return loss.detach(), count_correct(logits, labels)

    def still_serves(self) -> bool:
        """Always."""
        return True

    def state(self) -> dict[int, dict[str, Tensor]]:
        """The optimiser's state."""
        state = self._optimiser.state_dict()["state"]
        return {
            index: {name: value for name, value in values.items() if isinstance(value, Tensor)}
            for index, values in state.items()
        }

    def load_state(self, state: dict[int, dict[str, Tensor]]) -> None:
        """Go on from a state."""
        self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": state})


class NativeSteps:
    """Steps by the compiled kernels, on the CPU.

    Args:
        model: A network that they know, trained in place.
        recipe: How the weights are updated.
        batches: Where the images come from.

    Raises:
        ModelError: They do not serve; the message says why.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, batches: Batches):
        if recipe.loss != "cross-entropy":
            message = f"The compiled kernels do not know the loss `{recipe.loss}`."
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
            model,
            batches.images,
            batches.labels,
            batch_size=recipe.batch_size,
            settings=settings,
            byte_values=batches.byte_values,
        )
        self.still_serves = self._step.still_serves
        self.state, self.load_state = self._step.state, self._step.load_state

    def __call__(self, selection: Selection, learning_rate: float) -> tuple[float, int]:
        """Update the weights by a batch."""
        return self._step(
            selection.indices,
            learning_rate,
            mirrored=selection.changes.mirrored,
            shifts=selection.changes.shifts,
        )


def pick_steps(model: nn.Module, recipe: Recipe, batches: Batches) -> Steps:
    """The compiled kernels' steps if `use_kernels` has chosen them and they serve, else PyTorch's.

    Raises:
        ModelError: `native` is chosen, and the kernels do not serve.
    """
    native = try_kernels(lambda: NativeSteps(model, recipe, batches))
    return native or TorchSteps(model, recipe, batches)
