"""Which engine makes the steps of a training."""

from torch import nn

from lenet.datasets import Batches
from lenet.errors import ModelError
from lenet.kernels import chosen_kernels, try_kernels
from lenet.training._recipe import Recipe
from lenet.training.engines._distributed import DistributedEngine
from lenet.training.engines._engine import Engine, NativeEngine, TorchEngine
from lenet.training.engines._graph import GraphEngine
from lenet.training.engines._numpy import NumpyEngine
from lenet.training.peers._group import ALONE, Peers


def pick_engine(model: nn.Module, recipe: Recipe, batches: Batches, peers: Peers = ALONE) -> Engine:
    """The engine that suits a device and a choice of kernels.

    On a GPU its steps are captured in graphs. On a CPU they are the compiled kernels' if
    `use_kernels` has chosen these and they serve, NumPy's if it has chosen that, else PyTorch's.
    Several processes on GPUs make them one by one, and the kernels leave batch normalisation over
    several processes to PyTorch.

    Raises:
        ModelError: `native` or `numpy` is chosen and does not serve.
    """
    if chosen_kernels() == "numpy":
        return NumpyEngine(model, recipe, batches, peers)
    if peers.size == 1 and batches.device.type == "cuda":
        return GraphEngine(model, recipe, batches)

    def native() -> NativeEngine:
        if peers.size > 1 and any(
            isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in model.modules()
        ):
            message = "The compiled kernels do no batch normalisation over several processes."
            raise ModelError(message)
        return NativeEngine(model, recipe, batches)

    engine = try_kernels(native)
    if engine is None:
        return torch_engine(model, recipe, batches, peers)
    return DistributedEngine(engine, model, peers) if peers.size > 1 else engine


def torch_engine(model: nn.Module, recipe: Recipe, batches: Batches, peers: Peers) -> Engine:
    """The engine that serves any network, whatever happens to it on the way."""
    engine = TorchEngine(model, recipe, batches)
    return DistributedEngine(engine, model, peers) if peers.size > 1 else engine
