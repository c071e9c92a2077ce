"""Steps by PyTorch, which serves any network on any device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lenet.datasets import Batches, DrawnChanges, Selection
from lenet.kernels import EngineName
from lenet.models import draws_numbers
from lenet.training._losses import RUBBISH_PENALTY
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import OptimiserState, TwoPhaseEngine, as_array

Loss = Callable[[Tensor, Tensor], Tensor]
Reduction = Literal["mean", "none"]
Precision = Literal["float32", "tf32", "bfloat16"]


class TorchEngine(TwoPhaseEngine):
    """Steps by PyTorch: any network on any device.

    For steps that are captured in a CUDA graph the learning rate is a number on the device, where
    the optimiser finds it.
    """

    name: EngineName = "torch"
    network: nn.Module
    batches: Batches

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        batches: Batches,
        learning_rate: Tensor | None = None,
    ):
        self.network, self._recipe, self.batches = network, recipe, batches
        self.draws_numbers = draws_numbers(network)
        self._optimiser = build_optimiser(recipe, network.parameters(), learning_rate)
        self._loss = build_loss(recipe, "mean" if batches.weights is None else "none")

    @property
    def gradients(self) -> Sequence[Tensor]:
        found = (parameter.grad for parameter in self.network.parameters())
        return [gradient for gradient in found if gradient is not None]

    def compute_gradients(
        self, selection: Selection[Any], share: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        selection = _as_tensors(selection)
        images, labels = self.batches.take(selection)
        weights = self.batches.weights
        with compute_in(self._recipe.precision, images.device):
            logits = self.network(images)
            loss = self._loss(logits, labels) if len(labels) else logits.sum()
            if weights is not None and len(labels):
                loss = (loss * weights[selection.indices.to(weights.device)]).mean()
        self._optimiser.zero_grad()
        (loss * share).backward()
        return loss.detach(), (logits.argmax(dim=1) == labels).sum()

    def update(self, learning_rate: float | Tensor) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        if self._recipe.gradient_clipping:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._recipe.gradient_clipping)
        self._optimiser.step()

    def state(self) -> OptimiserState:
        state: dict[int, dict[str, Any]] = self._optimiser.state_dict()["state"]
        return {
            index: {
                name: as_array(value).astype(np.float32) if name == "step" else as_array(value)
                for name, value in values.items()
                if isinstance(value, Tensor)
            }
            for index, values in state.items()  # steps are of PyTorch's default type
        }

    def load_state(self, state: OptimiserState) -> None:
        tensors = {
            index: {name: torch.tensor(value, device="cpu") for name, value in values.items()}
            for index, values in state.items()
        }
        self._optimiser.load_state_dict(self._optimiser.state_dict() | {"state": tensors})

    def seed_draws(self, seed: int) -> None:
        torch.manual_seed(seed)

    @contextmanager
    def running(self) -> Iterator[None]:
        with running_torch(self.network, self._recipe):
            yield

    def make_scores(self, steps: int) -> tuple[Tensor, Tensor]:
        """On the device, so that a GPU is not waited for at every step."""
        place = self.batches.device
        return (
            torch.zeros(steps, dtype=torch.float32, device=place),
            torch.zeros(steps, dtype=torch.int64, device=place),
        )


def _as_tensors(selection: Selection[Any]) -> Selection:
    """A selection of arrays, which another engine's batches have made, as one of tensors."""
    if isinstance(selection.indices, Tensor):
        return selection
    changes = {
        name: None if value is None else torch.as_tensor(value, device="cpu")
        for name, value in vars(selection.changes).items()
    }
    if not any(value is not None for value in changes.values()):
        return Selection(torch.as_tensor(selection.indices, device="cpu"))
    return Selection(torch.as_tensor(selection.indices, device="cpu"), DrawnChanges(**changes))


@contextmanager
def running_torch(network: nn.Module, recipe: Recipe) -> Iterator[None]:
    """A recipe's precision, and PyTorch's random numbers put back where a network draws some."""
    numbers = torch.get_rng_state()
    with multiply_in(recipe.precision):
        try:
            yield
        finally:
            if draws_numbers(network):
                torch.set_rng_state(numbers)


@contextmanager
def multiply_in(precision: Precision) -> Iterator[None]:
    """Let a GPU's matrix units round the factors of float32 products to TF32, or forbid it.

    cuDNN does it unasked, which would make a GPU differ from a CPU by more than rounding.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def compute_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Where `bfloat16` is asked for: let convolutions and dense layers compute in it.

    The weights stay float32, and what needs its accuracy, such as the loss, is computed in it.
    """
    # Without a cache, which would keep the weights of the step that a CUDA graph was captured from.
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False
    )


def build_loss(recipe: Recipe, reduction: Reduction = "mean") -> Loss:
    """The loss of a recipe: from logits (B, classes) and labels (B,) to their mean loss in nats.

    Without a reduction it is that of each image, (B,).
    """
    if recipe.loss == "map":
        return partial(map_loss, reduction=reduction)
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing, reduction=reduction)


def map_loss(logits: Tensor, labels: Tensor, reduction: Reduction = "mean") -> Tensor:
    """LeNet-5's loss: a wrong class should be far away, but farther than rubbish is no merit.

    It is cross-entropy with one more class, rubbish, whose penalty is fixed. The paper calls it the
    maximum a posteriori criterion and leaves the penalty open but for its sign; here it is 1.

    Args:
        logits: Minus each class's penalty, (B, classes).
        labels: The true classes, int64 (B,).
        reduction: `mean`, or `none` for the loss of each image.

    Source: LeCun et al. (1998), equation 9.
    """
    return F.cross_entropy(
        F.pad(logits, (0, 1), value=-RUBBISH_PENALTY), labels, reduction=reduction
    )


def build_optimiser(
    recipe: Recipe,
    parameters: Iterable[nn.Parameter],
    learning_rate: Tensor | None = None,
) -> torch.optim.Optimizer:
    """The optimiser of a recipe over a network's parameters.

    Args:
        recipe: Its kind, momentum and weight decay.
        parameters: What it updates.
        learning_rate: Where it finds its learning rate at every step, a number on the parameters'
            device; then a step is one kernel, which may be captured in a CUDA graph.
    """
    settings: dict[str, Any] = {
        "lr": recipe.learning_rate if learning_rate is None else learning_rate,
        "weight_decay": recipe.weight_decay,
        "fused": learning_rate is not None,
    }
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **settings
        )
    kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
    return kind(parameters, **settings)
