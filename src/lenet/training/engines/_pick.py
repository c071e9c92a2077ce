"""Which engine makes the steps of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lenet.core import has_torch, require_torch
from lenet.datasets import ArrayBatches
from lenet.errors import ModelError
from lenet.kernels import chosen_engine, kernel_status, try_kernels
from lenet.models import ArrayNetwork, is_quick_by_plain_passes, module_of
from lenet.models.layers import BatchNorm, flat_layers
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, OptimiserState, TwoPhaseEngine
from lenet.training.engines._native import NativeEngine, are_fused
from lenet.training.engines._numpy import NumpyEngine
from lenet.training.peers._group import ALONE, Peers

if TYPE_CHECKING:
    from torch import nn

    from lenet.datasets import Batches

_LEAST_BATCH = 16  # images, as many as the widest vector has lanes: fewer would leave some idle
_MOST_SUMS = 2**27  # numbers that the tiles of a batch leave behind: half a gigabyte


def pick_engine(
    network: ArrayNetwork | nn.Module,
    recipe: Recipe,
    device: str,
    arrays: Callable[[], ArrayBatches],
    tensors: Callable[[], Batches],
    peers: Peers = ALONE,
) -> Engine:
    """The engine that suits a device and a choice of kernels.

    On a GPU its steps are captured in graphs. On a CPU they are the compiled kernels' if
    `use_engine` has chosen these and they serve, unless it left the choice and PyTorch is the
    quicker; NumPy's if it has chosen that or PyTorch is not installed, else PyTorch's. Weighted
    images are for PyTorch and NumPy. Several
    processes on GPUs make them one by one, and the kernels leave batch normalisation over several
    processes to PyTorch.

    Args:
        network: What is trained; a module already if it is no list of layers.
        recipe: How.
        device: Where.
        arrays: Makes its batches as arrays.
        tensors: Makes them as tensors on the device.
        peers: The processes that train together.

    Raises:
        ModelError: `native` or `numpy` is chosen and does not serve.
        MissingExtraError: PyTorch is needed and not installed.
    """
    choice = chosen_engine()
    needs_torch = device != "cpu" or not isinstance(network, ArrayNetwork)

    def native() -> TwoPhaseEngine:
        if device != "cpu":
            message = "The compiled kernels are for the CPU."
            raise ModelError(message)
        batches = arrays()
        if batches.weights is not None:
            message = "The compiled kernels do not weigh images; `torch` and `numpy` do."
            raise ModelError(message)
        known = _known(network, batches)
        if peers.size > 1 and any(
            isinstance(one.layer, BatchNorm) for one in flat_layers(known.placed)
        ):
            message = "The compiled kernels do no batch normalisation over several processes."
            raise ModelError(message)
        if choice == "auto" and has_torch() and not _is_quick(known, recipe):
            message = "PyTorch is the quicker."
            raise ModelError(message)
        return NativeEngine(known, recipe, batches)

    if choice != "numpy":
        engine = try_kernels(native)
        if engine is not None:
            return _together(engine, peers)
        if choice == "torch" or needs_torch or recipe.precision == "bfloat16" or has_torch():
            return torch_engine(network, recipe, device, tensors, peers, captures=True)
    if device != "cpu" or peers.size > 1:
        message = "`engine` can be `numpy` on a CPU and in one process alone."
        raise ModelError(message)
    batches = arrays()
    return NumpyEngine(_known(network, batches), recipe, batches)


def torch_engine(
    network: ArrayNetwork | nn.Module,
    recipe: Recipe,
    device: str,
    tensors: Callable[[], Batches],
    peers: Peers = ALONE,
    *,
    captures: bool = False,
) -> Engine:
    """PyTorch's engine, which serves any network, whatever happens to it on the way.

    On a GPU it may capture its steps, for a network that nothing listens to.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    require_torch("This training")
    from lenet.training.engines._graph import GraphEngine, is_watched
    from lenet.training.engines._torch import TorchEngine

    module, batches = module_of(network).to(device), tensors()
    captures = captures and peers.size == 1 and device.startswith("cuda")
    captures = captures and batches.weights is None  # a graph has the mean loss in it
    if captures and not is_watched(module):
        return GraphEngine(module, recipe, batches)
    return _together(TorchEngine(module, recipe, batches), peers)


def hand_over(
    engine: Engine,
    module: nn.Module,
    recipe: Recipe,
    device: str,
    tensors: Callable[[], Batches],
    peers: Peers,
) -> Engine:
    """PyTorch's engine in the place of another, for the module that this one's network is now."""
    successor = torch_engine(module, recipe, device, tensors, peers)
    successor.load_state(_state_for(module, engine))
    return successor


def _state_for(module: nn.Module, engine: Engine) -> OptimiserState:
    """An engine's state for the weights that a module has now, which may be others."""
    state = engine.state()
    if not isinstance(engine.network, ArrayNetwork):
        return state
    arrays, names = engine.network.arrays, engine.network.weight_names
    # One that was pruned or is shared now stands under another name, where it has always been.
    places = {arrays[name].ctypes.data: place for place, name in enumerate(names)}
    moved = {}
    for place, (name, weight) in enumerate(module.named_parameters()):
        by_name = names.index(name) if name in names else -1
        before = places.get(weight.data_ptr(), by_name)
        if before in state and arrays[names[before]].shape == tuple(weight.shape):
            moved[place] = state[before]
    return moved


def _known(network: ArrayNetwork | nn.Module, batches: ArrayBatches) -> ArrayNetwork:
    """A network as arrays, or the error that says why it is no list of layers."""
    if isinstance(network, ArrayNetwork):
        return network
    return ArrayNetwork.from_module(network, tuple(batches.placed.images.shape[1:]))


def _is_quick(network: ArrayNetwork, recipe: Recipe) -> bool:
    """Whether the compiled kernels are as quick as PyTorch."""
    if are_fused(network, recipe):
        return True
    sums = network.network.parameters * recipe.batch_size / kernel_status().lanes
    suits = recipe.batch_size >= _LEAST_BATCH and sums <= _MOST_SUMS
    return suits and is_quick_by_plain_passes(network.network)


def _together(engine: TwoPhaseEngine, peers: Peers) -> Engine:
    if peers.size == 1:
        return engine
    from lenet.training.engines._distributed import DistributedEngine

    return DistributedEngine(engine, peers)
