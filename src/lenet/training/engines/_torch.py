from collections.abc import Sequence

from torch import Tensor, nn

from lenet.datasets import Batches, Selection
from lenet.kernels import KernelChoice
from lenet.training._device import compute_in
from lenet.training._metrics import build_loss, count_correct
from lenet.training._optimisation import build_optimiser
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import OptimiserState, TwoPhaseEngine


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
