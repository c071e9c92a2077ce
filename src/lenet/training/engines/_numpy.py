"""Steps in NumPy: the engine to read first, as it hides nothing and hurries nowhere."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lenet.datasets import ArrayBatches, Selection
from lenet.errors import ModelError
from lenet.kernels import BETA_OF_MEAN, BETA_OF_SQUARE, EPSILON, EngineName
from lenet.models import ArrayNetwork
from lenet.models.layers import forward_all
from lenet.training._computing import CLIPPING_EPSILON
from lenet.training._losses import loss_and_slopes
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState, Scores

Numbers: TypeAlias = npt.NDArray[Any]
State: TypeAlias = dict[str, Numbers]  # what the optimiser remembers of a weight


class NumpyEngine(Engine):
    """Steps in NumPy, to be read: weights, gradients and state are arrays by their names.

    It computes what PyTorch computes, up to rounding, for every network that is a list of layers
    and every recipe in float32; slowly, for it is there to be understood and to be compared with.

    Raises:
        ModelError: The recipe wants bfloat16, or a hook listens to the network.
    """

    name: EngineName = "numpy"
    network: ArrayNetwork
    batches: ArrayBatches

    def __init__(self, network: ArrayNetwork, recipe: Recipe, batches: ArrayBatches):
        if recipe.precision == "bfloat16":
            message = "`engine` can be `numpy` in float32 alone."
            raise ModelError(message)
        if not network.is_unwatched or network.hears_gradients:
            message = "A hook wants to see what goes through the network, or a gradient."
            raise ModelError(message)
        self.network, self.batches, self._recipe = network, batches, recipe
        self.draws_numbers = network.draws_numbers
        self._draws = np.random.default_rng(0)
        self._states: dict[str, State] = {}
        self._update = _RULES[recipe.optimiser]

    def seed_draws(self, seed: int) -> None:
        self._draws = np.random.default_rng(seed)

    def step(self, selection: Selection[Any], learning_rate: float) -> Scores:
        recipe, arrays = self._recipe, self.network.arrays
        images, labels = self.batches.take(selection)
        weights = self.batches.weights
        if weights is not None:
            weights = weights[selection.indices]
        with np.errstate(all="ignore"):  # the trainer tells of a loss that is not finite
            logits, back = forward_all(self.network.placed, images, arrays, self._draws)
            loss, slopes = loss_and_slopes(logits, labels, recipe, weights)
            _, found = back(slopes)
        frozen = self.network.frozen
        gradients = {name: found[name] for name in self.network.weight_names if name not in frozen}
        if recipe.gradient_clipping:
            norm = sum(float(np.square(each).sum()) for each in gradients.values()) ** 0.5
            share = min(1.0, recipe.gradient_clipping / (norm + CLIPPING_EPSILON))
            gradients = {name: each * np.float32(share) for name, each in gradients.items()}
        for name, gradient in gradients.items():
            state = self._states.setdefault(name, {})
            self._update(arrays[name], gradient, state, learning_rate, recipe)
        self.network.note_change()
        return loss, int((logits.argmax(axis=1) == labels).sum())

    def state(self) -> OptimiserState:
        names = enumerate(self.network.weight_names)
        return {place: self._states[name] for place, name in names if self._states.get(name)}

    def load_state(self, state: OptimiserState) -> None:
        names = self.network.weight_names
        self._states = {
            names[place]: {name: np.array(array) for name, array in values.items()}
            for place, values in state.items()
        }

    def still_serves(self) -> bool:
        network = self.network
        return network.is_unwatched and not network.hears_gradients and network.is_in_training_mode


def _update_by_sgd(
    weights: Numbers, gradient: Numbers, state: State, learning_rate: float, recipe: Recipe
) -> None:
    """Stochastic gradient descent with momentum, as PyTorch writes it (Sutskever et al. 2013)."""
    slope = gradient + recipe.weight_decay * weights
    if recipe.momentum:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = slope.copy()
        else:
            state["momentum_buffer"] *= recipe.momentum
            state["momentum_buffer"] += slope
        buffer = state["momentum_buffer"]
        slope = slope + recipe.momentum * buffer if recipe.nesterov else buffer
    weights -= learning_rate * slope


def _update_by_adam(
    weights: Numbers, gradient: Numbers, state: State, learning_rate: float, recipe: Recipe
) -> None:
    """Adam (Kingma and Ba 2015), and AdamW, which decays weights apart (Loshchilov 2019)."""
    if recipe.optimiser == "adamw":
        weights *= 1 - learning_rate * recipe.weight_decay
    else:
        gradient = gradient + recipe.weight_decay * weights
    if not state:
        state["step"] = np.zeros((), np.float32)
        state["exp_avg"], state["exp_avg_sq"] = np.zeros_like(weights), np.zeros_like(weights)
    state["step"] += 1
    steps = float(state["step"])
    for name, beta, new in (
        ("exp_avg", BETA_OF_MEAN, gradient),
        ("exp_avg_sq", BETA_OF_SQUARE, np.square(gradient)),
    ):
        state[name] += (1 - beta) * (new - state[name])
    mean = state["exp_avg"] / (1 - BETA_OF_MEAN**steps)
    square = state["exp_avg_sq"] / (1 - BETA_OF_SQUARE**steps)
    weights -= learning_rate * mean / (np.sqrt(square) + EPSILON)


_RULES: dict[str, Callable[[Numbers, Numbers, State, float, Recipe], None]] = {
    "sgd": _update_by_sgd,
    "adam": _update_by_adam,
    "adamw": _update_by_adam,
}
