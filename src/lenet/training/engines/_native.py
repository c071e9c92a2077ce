"""Steps by the compiled kernels: the fast way on a CPU."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.datasets import ArrayBatches, Selection
from lenet.errors import ModelError
from lenet.kernels import EngineName, FusedStep, PlainStep, StepSettings
from lenet.models import ArrayNetwork, TrainedProgram, is_chain_of_blocks, trained_blocks
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import OptimiserState, TwoPhaseEngine


def are_fused(network: ArrayNetwork, recipe: Recipe) -> bool:
    """Whether a network is trained by fused blocks, as it is a chain of them."""
    return recipe.loss == "cross-entropy" and is_chain_of_blocks(network)


class NativeEngine(TwoPhaseEngine):
    """Steps by the compiled kernels, on the CPU.

    Blocks are fused where the network is a chain of them; plain passes serve any other.

    Raises:
        ModelError: They do not serve; the message says why.
    """

    name: EngineName = "native"
    network: ArrayNetwork
    batches: ArrayBatches

    def __init__(self, network: ArrayNetwork, recipe: Recipe, batches: ArrayBatches):
        if recipe.precision == "bfloat16":
            message = "The compiled kernels do not compute in bfloat16."
            raise ModelError(message)
        if recipe.augmentation.distorts:
            message = "The compiled kernels do not turn, scale, squeeze or shear images."
            raise ModelError(message)
        if obstacle := network.training_obstacle:
            raise ModelError(obstacle)
        names = [field.name for field in fields(StepSettings)]
        self.network, self.batches = network, batches
        self._arrays = network.arrays
        self._program: TrainedProgram | None = None
        images, labels = batches.placed.images, batches.placed.labels
        settings: dict[str, Any] = {
            "batch_size": recipe.batch_size,
            "settings": StepSettings(**{name: getattr(recipe, name) for name in names}),
            "byte_values": batches.byte_values,
        }
        if are_fused(network, recipe):
            self._step: FusedStep | PlainStep = FusedStep(
                trained_blocks(network), images, labels, **settings
            )
        else:
            self._program = TrainedProgram(network)
            self._step = PlainStep(
                self._program.program,
                *self._program.arrays_of(network),
                images,
                labels,
                needs_two=network.network.needs_two_images,
                loss=recipe.loss,
                **settings,
            )
            self.draws_numbers = network.draws_numbers

    @property
    def gradients(self) -> list[NDArray[np.float32]]:
        return self._step.gradients

    def seed_draws(self, seed: int) -> None:
        if isinstance(self._step, PlainStep):
            self._step.seed = seed

    def compute_gradients(self, selection: Selection[Any], share: float = 1.0) -> tuple[float, int]:
        loss, correct = 0.0, 0
        if len(selection.indices):
            loss, correct = self._step.compute_gradients(
                self.batches.locate(selection.indices),
                mirrored=selection.changes.mirrored,
                shifts=selection.changes.shifts,
            )
        if share != 1.0:
            for gradient in self.gradients:
                gradient *= np.float32(share)
        return loss, correct

    def update(self, learning_rate: float) -> None:
        self._step.update(learning_rate)
        self.network.note_change()

    def state(self) -> OptimiserState:
        return self._step.state()

    def load_state(self, state: OptimiserState) -> None:
        self._step.load_state(state)

    def still_serves(self) -> bool:
        if self.network.training_obstacle or not self.network.is_in_training_mode:
            return False
        if self.network.arrays is not self._arrays:  # they have moved
            self._arrays = self.network.arrays
            if isinstance(self._step, PlainStep):
                assert self._program is not None
                self._step.use(*self._program.arrays_of(self.network))
            else:
                self._step.use(trained_blocks(self.network))
        return True
