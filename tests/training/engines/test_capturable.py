"""What a CUDA graph could not hold is not in a step, as far as a CPU can show it.

A graph holds kernels. Whatever brings numbers from the CPU or waits for a result of the GPU is
forbidden while it is captured, so here every operation of a step is looked at.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from lenet.datasets import Batches, Dataset
from lenet.models import build_model, model_config
from lenet.training import Recipe

# What a graph holds is inside of an engine, which the room's face does not name.
from lenet.training.engines._graph import GraphEngine
from lenet.training.engines._stacked import StackedEngine

FORBIDDEN = {
    "_local_scalar_dense",  # Tensor.item()
    "lift_fresh",  # torch.tensor(), or a Python list as an index
    "lift_fresh_copy",
    "nonzero",
    "index by truth",  # which has to be counted first
    "masked_select",
    "_unique2",
}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "lenet": ("lenet", {}),
    "batch norm": ("lenet", {"batch_norm": True, "activation": "gelu", "pooling": "max"}),
    "mlp": ("mlp", {}),
}
RECIPES = {
    "sgd": Recipe(batch_size=8, momentum=0.9, nesterov=True, weight_decay=0.1, shift=2, flip=True),
    "adam": Recipe(batch_size=8, optimiser="adam", weight_decay=0.1, label_smoothing=0.1),
    "adamw": Recipe(
        batch_size=8, optimiser="adamw", gradient_clipping=1, rotation=10, precision="bfloat16"
    ),
}


class Watch(TorchDispatchMode):
    """Notes the names of all operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = function.overloadpacket.__name__
        if name.startswith("index") and any(
            isinstance(index, Tensor) and index.dtype == torch.bool
            for argument in args
            if isinstance(argument, (list, tuple))
            for index in argument
        ):
            name = "index by truth"
        self.names.add(name)
        return function(*args, **(kwargs or {}))


def watch(action: Callable[[], object]) -> set[str]:
    """The operations that an action makes."""
    with Watch() as watching:
        action()
    assert len(watching.names) > 5
    return watching.names


def steps_of(
    models: list[nn.Module], recipe: Recipe, data: Dataset, *, stacked: bool
) -> Callable[[], tuple[Tensor, Tensor]]:
    """A step as it is captured, the first already made."""
    batches = [
        Batches(
            data.train,
            recipe.batch_size,
            shuffle=True,
            seed=seed,
            mean=0.1 * seed,
            augmentation=recipe.augmentation,
        )
        for seed in range(len(models))
    ]
    selections = [next(one.selections(0)) for one in batches]
    if stacked:
        together = StackedEngine(models, [recipe] * len(models), batches, [{} for _ in models])
        together.step(selections, [0.1] * len(models))
        joined = together.join(selections)
        return lambda: together.compute(joined)
    alone = GraphEngine(models[0], recipe, batches[0])
    alone.step(selections[0], 0.1)
    return lambda: alone.compute(selections[0])


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", RECIPES)
def test_a_step_is_kernels_alone(
    few_digits: Dataset, name: str, network: str, stacked: bool
) -> None:
    if stacked and network == "batch norm" and RECIPES[name].precision == "bfloat16":
        pytest.skip("such networks are trained by themselves")
    model, settings = NETWORKS[network]
    models = [build_model(model_config(model, settings), seed=seed) for seed in range(2)]
    step = steps_of(models, RECIPES[name], few_digits, stacked=stacked)
    assert not watch(step) & FORBIDDEN


def test_what_is_forbidden_is_noticed() -> None:
    numbers = torch.arange(5.0)
    assert "_local_scalar_dense" in watch(lambda: _busy(numbers) + numbers[0].item())
    assert "lift_fresh" in watch(lambda: _busy(numbers)[[0, 1]])
    assert "index by truth" in watch(lambda: _busy(numbers)[numbers > 2])
    assert "nonzero" in watch(lambda: _busy(numbers).nonzero())


def _busy(numbers: Tensor) -> Tensor:
    """Some operations."""
    return numbers.add(1).mul(2).sub(3).sin().cos().exp()
