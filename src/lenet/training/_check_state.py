"""Whether a training can go on from a kept state, told before anything of it is changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, get_args

from lenet.core import read_record, shortened
from lenet.errors import ModelError, SettingError
from lenet.kernels import EngineName
from lenet.models import ArrayNetwork, check_numbers, check_same, identify, learnt_weights
from lenet.training._history import CurvePoint, TrainerState

if TYPE_CHECKING:
    from torch import nn

    from lenet.datasets import Dataset
    from lenet.training._recipe import Recipe

# Of the values that JSON holds: the type, and the least.
_VALUES: dict[str, tuple[type, float]] = {
    "epoch": (int, 0),
    "step": (int, 0),
    "best_accuracy": (float, -1),
    "best_epoch": (int, 0),
    "told_stuck": (bool, 0),
    "seconds": (float, 0),
    "step_seconds": (float, 0),
}


def check_state(
    state: TrainerState,
    network: ArrayNetwork | nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    steps_per_epoch: int,
) -> None:
    """See that a training can go on from a state.

    Raises:
        ModelError: The state is damaged, or another training's.
    """
    values, weights, learnt = state.values, _kinds(network), learnt_weights(network)
    if not isinstance(values, dict):
        raise _misfit("values", values)
    for name, (kind, least) in _VALUES.items():
        if not _is(values.get(name), kind) or not least <= values[name] < float("inf"):
            raise _misfit(name, values.get(name))
    epoch, step = values["epoch"], values["step"]
    if step > steps_per_epoch:
        raise _misfit("step", step)
    history, frozen = values.get("history"), values.get("frozen")
    if not isinstance(history, list) or not all(map(_is_point, history)):
        raise _misfit("history", history)
    if epoch > max((point["epoch"] for point in history), default=0):
        raise _misfit("epoch", epoch)
    if not isinstance(frozen, list) or not all(name in learnt for name in frozen):
        raise _misfit("frozen", frozen)
    if values.get("engine", "torch") not in get_args(EngineName):
        raise _misfit("engine", values["engine"])

    wanted = {f"model.{name}": kind for name, kind in weights.items()}
    wanted["losses"] = f"float32 [{steps_per_epoch}]"
    wanted["correct"] = f"int64 [{steps_per_epoch}]"
    if state.under("best.") or (dataset.validation and epoch):
        wanted |= {f"best.{name}": kind for name, kind in weights.items()}
    optimised = _optimised(recipe, [weights[name] for name in learnt])
    # A weight may have no state: frozen, unused by a module of one's own, or without momentum,
    # unless the training was computed together with others that have some.
    is_bare = epoch + step == 0 or (recipe.optimiser == "sgd" and not recipe.momentum)
    bare = learnt if is_bare or not _is_known(network, dataset.image_shape) else frozen
    places = {f"optimiser.{learnt.index(name)}" for name in bare}
    optional = {name for name in optimised if name.rpartition(".")[0] in places}
    found = {name: f"{one.dtype} {list(one.shape)}" for name, one in state.arrays.items()}
    check_same(found, wanted | optimised, optional)
    for part in ("model.", "best."):
        check_numbers({name: one for name, one in state.arrays.items() if name.startswith(part)})
    _check_steps(state, optimised)
    for name, one in state.arrays.items():
        if name.endswith("num_batches_tracked") and int(one) < 0:
            raise _misfit(name, int(one))


def _kinds(network: ArrayNetwork | nn.Module) -> dict[str, str]:
    """The types and shapes of a network's numbers, by their names."""
    numbers = network.arrays if isinstance(network, ArrayNetwork) else network.state_dict()
    return {
        name: f"{str(one.dtype).removeprefix('torch.')} {list(one.shape)}"
        for name, one in numbers.items()
    }


def _is_known(network: ArrayNetwork | nn.Module, image_shape: tuple[int, ...]) -> bool:
    """Whether a network is a list of known layers, all weights of which are used in a step."""
    try:
        identify(network, image_shape)
    except ModelError:
        return False
    return True


def _optimised(recipe: Recipe, weights: Sequence[str]) -> dict[str, str]:
    """What the optimiser may remember."""
    adaptive = recipe.optimiser != "sgd"
    kinds: dict[str, str] = {}
    for place, kind in enumerate(weights):
        for name in ("exp_avg", "exp_avg_sq") if adaptive else ("momentum_buffer",):
            kinds[f"optimiser.{place}.{name}"] = kind
        if adaptive:
            kinds[f"optimiser.{place}.step"] = "float32 []"
    return kinds


def _check_steps(state: TrainerState, optimised: Iterable[str]) -> None:
    """See that a weight has all that its optimiser remembers, or nothing; and whole steps."""
    for name in optimised:
        place = f"{name.rpartition('.')[0]}."
        if name not in state.arrays and state.under(place):
            message = f"`{name}` is missing."
            raise ModelError(message)
        if name.endswith(".step") and name in state.arrays:
            made = float(state.arrays[name])
            if not (1 <= made < 2**31 and made.is_integer()):
                raise _misfit(name, made)


def _is(value: object, kind: type) -> bool:
    """Whether a value is of a type, where a whole number is a number but `true` is none."""
    if kind is float and type(value) is int:
        return abs(value) < sys.float_info.max
    return type(value) is kind


def _is_point(value: object) -> bool:
    """Whether a value is a point of a training curve."""
    try:
        read_record(CurvePoint, value)
    except SettingError:
        return False
    return True


def _misfit(name: str, value: object) -> ModelError:
    return ModelError(f"`{name}` can't be {shortened(value)}.")
