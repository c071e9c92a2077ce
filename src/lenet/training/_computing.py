"""How a recipe's steps are computed: device and numbers, loss, optimiser, learning rate."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lenet.core import Compute, check_range
from lenet.errors import SettingError
from lenet.kernels import use_kernels
from lenet.training._recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
Precision = Literal["float32", "tf32", "bfloat16"]

RUBBISH_PENALTY = 1.0
# The shape of one-cycle, as torch.optim.lr_scheduler.OneCycleLR has it by default.
_WARM_UP = 0.3
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4
# PyTorch's own, which `build_optimiser` leaves as they are.
BETA_OF_MEAN, BETA_OF_SQUARE, EPSILON = 0.9, 0.999, 1e-8
CLIPPING_EPSILON = 1e-6  # that of nn.utils.clip_grad_norm_


@contextmanager
def computing(compute: Compute) -> Iterator[torch.device]:
    """Compute as chosen until the block ends, on the device that comes out.

    Raises:
        SettingError: The device or the compiled kernels are not here.
    """
    device = pick_device(compute.device)
    with cpu_threads(compute.threads), use_kernels(compute.kernels):
        yield device


def pick_device(name: str = "auto") -> torch.device:
    """The device of a name, or the best there is.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, …; `auto` is the first of CUDA, Apple's
            Metal and the CPU that this machine has.

    Raises:
        SettingError: There is no such device, or it is not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        message = f"There is no device `{name}` here; `auto` takes the best one that is."
        raise SettingError(message) from error
    return device


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with a number of CPU threads until the block ends; `None` leaves it as it is.

    Raises:
        SettingError: The number is out of range.
    """
    if count is None:
        yield
        return
    check_range("threads", count, 1, 1024)
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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


def build_loss(recipe: Recipe) -> Loss:
    """The loss of a recipe: from logits (B, classes) and labels (B,) to their mean loss in nats."""
    if recipe.loss == "map":
        return map_loss
    return nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)


def map_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """LeNet-5's loss: a wrong class should be far away, but farther than rubbish is no merit.

    It is cross-entropy with one more class, rubbish, whose penalty is fixed. The paper calls it the
    maximum a posteriori criterion and leaves the penalty open but for its sign; here it is 1.

    Args:
        logits: Minus each class's penalty, (B, classes).
        labels: The true classes, int64 (B,).

    Source: LeCun et al. (1998), equation 9.
    """
    return F.cross_entropy(F.pad(logits, (0, 1), value=-RUBBISH_PENALTY), labels)


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


def learning_rate_at(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, as a function of the step alone.

    Args:
        recipe: Its schedule, peak learning rate and epochs.
        step: The step in the whole training, counted from 0.
        steps_per_epoch: Batches an epoch.

    >>> learning_rate_at(Recipe(schedule="cosine", learning_rate=1, epochs=2), 5, 5)
    0.5
    """
    peak, total = recipe.learning_rate, recipe.epochs * steps_per_epoch
    if recipe.schedule == "step":
        changes = step // steps_per_epoch // recipe.step_epochs
        return float(peak * recipe.step_factor**changes)
    if recipe.schedule == "cosine":
        return _cosine(peak, 0.0, step / total)
    if recipe.schedule == "one-cycle":
        start = peak / _START_DIVISOR
        turn = _WARM_UP * total - 1
        if step <= turn:
            return _cosine(start, peak, step / turn)
        return _cosine(peak, start / _END_DIVISOR, (step - turn) / max(total - 1 - turn, 1))
    return peak


def _cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` at progress 0 to `end` at 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


class StackedOptimiser:
    """SGD, Adam or AdamW for several networks, each with numbers of its own.

    It computes what PyTorch's optimisers compute, for a row of weights a network. PyTorch's own
    can't take a learning rate for each row.

    Args:
        recipes: One a network. Optimiser, Nesterov and gradient clipping are those of the first.
        weights: float32 (K, P), a row a network, updated in place.

    Attributes:
        learning_rates: float32 (K, 1), of the step that comes next.
        state: What is remembered from step to step, by PyTorch's names: (K, P), and the number of
            steps (K, 1).
    """

    def __init__(self, recipes: Sequence[Recipe], weights: Tensor):
        first = recipes[0]
        self._weights, self._kind, self._nesterov = weights, first.optimiser, first.nesterov
        self._largest_norm = first.gradient_clipping

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=weights.device)[:, None]

        self.learning_rates = column([recipe.learning_rate for recipe in recipes])
        self._momentum = column([recipe.momentum for recipe in recipes])
        decays = [recipe.weight_decay for recipe in recipes]
        self._decay = column(decays) if any(decays) else None
        names: tuple[str, ...] = ("exp_avg", "exp_avg_sq")
        if self._kind == "sgd":
            names = ("momentum_buffer",) if any(recipe.momentum for recipe in recipes) else ()
        self.state = {name: torch.zeros_like(weights) for name in names}
        if self._kind != "sgd":
            self.state["step"] = torch.zeros_like(self.learning_rates)

    @torch.no_grad()
    def step(self, gradients: Tensor) -> None:
        """Update the weights by their gradients (K, P)."""
        if self._largest_norm:
            norms = gradients.norm(dim=1, keepdim=True)
            shares = (self._largest_norm / (norms + CLIPPING_EPSILON)).clamp(max=1)
            gradients = gradients * shares
        if self._decay is not None and self._kind != "adamw":
            gradients = gradients.addcmul(self._weights, self._decay)
        if self._kind == "sgd":
            self._step_by_sgd(gradients)
        else:
            self._step_by_adam(gradients)

    def _step_by_sgd(self, gradients: Tensor) -> None:
        """The rule of `torch.optim.SGD`."""
        if self.state:
            buffer = self.state["momentum_buffer"]  # 0 at first, so that it begins as the gradient
            buffer.mul_(self._momentum).add_(gradients)
            gradients = gradients.addcmul(buffer, self._momentum) if self._nesterov else buffer
        self._weights.addcmul_(gradients, self.learning_rates, value=-1)

    def _step_by_adam(self, gradients: Tensor) -> None:
        """The rule of `torch.optim.Adam` and `torch.optim.AdamW`."""
        mean, square, steps = (self.state[name] for name in ("exp_avg", "exp_avg_sq", "step"))
        steps += 1
        if self._decay is not None and self._kind == "adamw":
            self._weights.mul_(1 - self.learning_rates * self._decay)
        mean.lerp_(gradients, 1 - BETA_OF_MEAN)
        square.mul_(BETA_OF_SQUARE).addcmul_(gradients, gradients, value=1 - BETA_OF_SQUARE)
        sizes = self.learning_rates / _one_minus_power(BETA_OF_MEAN, steps)
        roots = square.sqrt().div_(_one_minus_power(BETA_OF_SQUARE, steps).sqrt()).add_(EPSILON)
        self._weights.addcdiv_(mean * sizes, roots, value=-1)


def _one_minus_power(base: float, exponents: Tensor) -> Tensor:
    """1 - base^exponent, without losing digits where the power is near 1."""
    return -torch.expm1(exponents * math.log(base))
