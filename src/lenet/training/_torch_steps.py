"""A training step by PyTorch."""

from torch import Tensor, nn

from lenet.datasets import Batches, Selection
from lenet.kernels import KernelChoice
from lenet.training._losses import build_loss
from lenet.training._metrics import count_correct
from lenet.training._optimisation import OptimiserState, build_optimiser
from lenet.training._precision import compute_in
from lenet.training._recipe import Recipe


class TorchSteps:
    """Steps by PyTorch: any network on any device.

    Args:
        model: The network, trained in place.
        recipe: How the weights are updated.
        batches: Where the pixels come from; says what they stand for.
        learning_rate: Where the optimiser finds its learning rate, a number on the device, for
            steps that are captured in a CUDA graph; it is then what each step is given.
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

    def __call__(
        self, selection: Selection, learning_rate: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update the weights by a batch."""
        results = self.compute_gradients(selection)
        self.update(learning_rate)
        return results

    def compute_gradients(self, selection: Selection, share: float = 1.0) -> tuple[Tensor, Tensor]:
        """Make the first half of a step.

        Args:
            selection: The examples; where there are none, all gradients are 0.
            share: What the gradients of their mean loss are multiplied by.
        """
        images, labels = self._batches.take(selection)
        with compute_in(self._recipe.precision, images.device):
            logits = self._model(images)
            loss = self._loss(logits, labels) if len(labels) else logits.sum()
        self._optimiser.zero_grad()
        (loss * share).backward()
        return loss.detach(), count_correct(logits, labels)

    @property
    def gradients(self) -> list[Tensor]:
        """What the first half leaves and the second takes, one tensor a weight."""
        found = (parameter.grad for parameter in self._model.parameters())
        return [gradient for gradient in found if gradient is not None]

    def update(self, learning_rate: float | Tensor) -> None:
        """Make the second half of a step."""
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        if self._recipe.gradient_clipping:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.gradient_clipping)
        self._optimiser.step()

    def still_serves(self) -> bool:
        """Always."""
        return True

    def state(self) -> OptimiserState:
        """The optimiser's state."""
        state: OptimiserState = self._optimiser.state_dict()["state"]
        return {
            index: {name: value for name, value in values.items() if isinstance(value, Tensor)}
            for index, values in state.items()
        }

    def load_state(self, state: OptimiserState) -> None:
        """Go on from a state."""
        self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": state})
