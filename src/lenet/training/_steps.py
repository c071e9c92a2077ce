"""A training step, by the compiled kernels or by PyTorch."""

from typing import Protocol

import torch
from torch import Tensor, nn

from lenet.datasets import Batches
from lenet.errors import ModelError
from lenet.kernels import FusedStep, KernelChoice, StepSettings
from lenet.training._metrics import count_correct
from lenet.training._optimisation import build_optimiser
from lenet.training._recipe import Recipe


class Steps(Protocol):
    """What makes the steps of a training and has the optimiser's state."""

    def __call__(
        self, pixels: Tensor, labels: Tensor, learning_rate: float
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
        self._loss = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)

    def __call__(
        self, pixels: Tensor, labels: Tensor, learning_rate: float
    ) -> tuple[Tensor, Tensor]:
        """Update the weights by a batch."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        logits = self._model(self._batches.normalise(pixels))
        loss = self._loss(logits, labels)
        self._optimiser.zero_grad()
        loss.backward()
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


def pick_steps(
    model: nn.Module,
    recipe: Recipe,
    batches: Batches,
    input_shape: tuple[int, ...],
    kernels: KernelChoice,
) -> Steps:
    """The compiled kernels' steps if they are chosen and serve, else PyTorch's.

    Raises:
        ModelError: `native` is chosen, and the kernels do not serve.
    """
    if kernels == "torch":
        return TorchSteps(model, recipe, batches)
    try:
        return _fused_steps(model, recipe, batches, input_shape)
    except ModelError as error:
        if kernels == "native":
            message = f"`kernels` can't be `native` here. {error}"
            raise ModelError(message) from None
        return TorchSteps(model, recipe, batches)


def _fused_steps(
    model: nn.Module, recipe: Recipe, batches: Batches, input_shape: tuple[int, ...]
) -> FusedStep:
    """The compiled kernels' steps.

    Raises:
        ModelError: They do not serve; the message says why.
    """
    if batches.labels.device.type != "cpu":
        message = "The compiled kernels are for the CPU."
        raise ModelError(message)
    settings = StepSettings(
        optimiser=recipe.optimiser,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        label_smoothing=recipe.label_smoothing,
        gradient_clipping=recipe.gradient_clipping,
    )
    pixel_values = batches.normalise(torch.arange(256, dtype=torch.uint8))
    step = FusedStep(model, input_shape, recipe.batch_size, settings, pixel_values)
    if not 0 <= int(batches.labels.min()) <= int(batches.labels.max()) < step.classes:
        message = f"There are labels outside of the network's {step.classes} classes."
        raise ModelError(message)
    return step
