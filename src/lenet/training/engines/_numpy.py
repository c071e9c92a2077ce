from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lenet.datasets import Batches, Selection
from lenet.errors import ModelError
from lenet.kernels import KernelChoice
from lenet.models import Network
from lenet.models.layers import forward_all
from lenet.training._computing import (
    BETA_OF_MEAN,
    BETA_OF_SQUARE,
    CLIPPING_EPSILON,
    EPSILON,
    RUBBISH_PENALTY,
)
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState, Scores
from lenet.training.peers._group import ALONE, Peers

Numbers: TypeAlias = npt.NDArray[Any]
State: TypeAlias = dict[str, Numbers]  # what the optimiser remembers of a weight


class NumpyEngine(Engine):
    """Steps in NumPy, to be read: weights, gradients and state are arrays by their names.

    It computes what PyTorch computes, up to rounding, for every network that is a list of layers
    and every recipe in float32; slowly, for it is there to be understood and to be compared with.

    Raises:
        ModelError: The network is no list of layers, the recipe wants bfloat16, or the training is
            not on one CPU in one process.
    """

    kernels: KernelChoice = "numpy"

    def __init__(self, model: nn.Module, recipe: Recipe, batches: Batches, peers: Peers = ALONE):
        if recipe.precision == "bfloat16" or batches.device.type != "cpu" or peers.size > 1:
            message = "`kernels` can be `numpy` on a CPU, in one process and in float32 alone."
            raise ModelError(message)
        shape = tuple(batches.placed.images.shape[1:])
        self._layers = Network.from_module(model, shape).placed
        self._recipe, self._batches = recipe, batches
        # Both see the same memory: the arrays are what the module's tensors hold.
        self._arrays = {name: each.detach().numpy() for name, each in model.state_dict().items()}
        self._learns = dict(model.named_parameters())
        self._states: dict[str, State] = {}
        self._update = _RULES[recipe.optimiser]

    def step(self, selection: Selection, learning_rate: float) -> Scores:
        images, labels = (tensor.numpy() for tensor in self._batches.take(selection))
        draws = np.random.default_rng(int(torch.randint(2**62, (1,))))
        logits, back = forward_all(self._layers, images, self._arrays, draws)
        loss, slopes = _LOSSES[self._recipe.loss](logits, labels, self._recipe.label_smoothing)
        _, found = back(slopes)
        gradients = {name: found[name] for name, one in self._learns.items() if one.requires_grad}
        if self._recipe.gradient_clipping:
            norm = sum(float(np.square(each).sum()) for each in gradients.values()) ** 0.5
            share = min(1.0, self._recipe.gradient_clipping / (norm + CLIPPING_EPSILON))
            gradients = {name: each * np.float32(share) for name, each in gradients.items()}
        for name, gradient in gradients.items():
            state = self._states.setdefault(name, {})
            self._update(self._arrays[name], gradient, state, learning_rate, self._recipe)
        return loss, int((logits.argmax(axis=1) == labels).sum())

    def state(self) -> OptimiserState:
        return {
            place: {name: torch.from_numpy(array) for name, array in self._states[weight].items()}
            for place, weight in enumerate(self._learns)
            if self._states.get(weight)
        }

    def load_state(self, state: OptimiserState) -> None:
        self._states = {
            weight: {name: tensor.cpu().numpy().copy() for name, tensor in state[place].items()}
            for place, weight in enumerate(self._learns)
            if place in state
        }


def cross_entropy(logits: Numbers, labels: Numbers, smoothing: float) -> tuple[float, Numbers]:
    """The mean of -log p(label) in nats, and its slope by the logits (B, classes).

    Args:
        logits: Of B images, (B, classes).
        labels: The true classes (B,).
        smoothing: The share of the truth that all classes have alike (Szegedy et al. 2016).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    truth = np.full_like(logits, smoothing / logits.shape[1])
    truth[np.arange(len(labels)), labels] += 1 - smoothing
    loss = -(truth * log_probabilities).sum() / len(labels)
    return float(loss), (np.exp(log_probabilities) - truth) / len(labels)


def map_loss(logits: Numbers, labels: Numbers, _: float) -> tuple[float, Numbers]:
    """LeNet-5's: cross-entropy with a class more, rubbish (LeCun et al. 1998, equation 9)."""
    with_rubbish = np.pad(logits, ((0, 0), (0, 1)), constant_values=-RUBBISH_PENALTY)
    loss, slopes = cross_entropy(with_rubbish, labels, 0.0)
    return loss, slopes[:, :-1]


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


_LOSSES = {"cross-entropy": cross_entropy, "map": map_loss}
_RULES: dict[str, Callable[[Numbers, Numbers, State, float, Recipe], None]] = {
    "sgd": _update_by_sgd,
    "adam": _update_by_adam,
    "adamw": _update_by_adam,
}
