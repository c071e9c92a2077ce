"""A network and its numbers as NumPy arrays: what is trained, looked into and shipped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import free_memory, require_torch
from lenet.errors import ModelError, ModelFileError
from lenet.kernels import BatchNormArrays, TrainedBlock
from lenet.models._configs import ModelConfig
from lenet.models._folding import kernel_blocks
from lenet.models._network import Network, check_same
from lenet.models._registry import MODELS, SEQUENTIAL, build_model, identify_layers, identify_model
from lenet.models.layers import (
    BatchNorm,
    Dropout,
    Placed,
    arrays_under,
    flat_layers,
    initial_arrays,
)

if TYPE_CHECKING:
    from torch import nn

    from lenet.models._watch import ModuleWatch


_LOOK_FROM = 2**28  # bytes; it costs a look at the system to know how many are free


class ArrayNetwork:
    """A network that is a list of layers, and its numbers.

    Nothing here needs PyTorch but `from_module` and `module`.

    Args:
        settings: The network's settings, or its list of layers.
        arrays: Its weights, float32, and statistics by the names in a model file; kept, and copied
            only where they are read-only or not contiguous.

    Attributes:
        settings: As given.
        network: Its list of layers.
        arrays: As given; whoever trains the network changes them in place.

    Raises:
        ModelError: The arrays are not those of such a network, or of another type.

    >>> from lenet.models import LeNetConfig
    >>> network = ArrayNetwork.build(LeNetConfig(), seed=0)
    >>> network.arrays["0.weight"].shape
    (6, 1, 5, 5)
    """

    settings: ModelConfig | Network
    network: Network
    arrays: Mapping[str, npt.NDArray[Any]]

    def __init__(
        self, settings: ModelConfig | Network, arrays: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        self.settings, self.network = settings, settings.network()
        wanted = self.network.weights() | self.network.statistics()
        check_same(
            {name: str(list(np.shape(array))) for name, array in arrays.items()},
            {name: str(list(shape)) for name, shape in wanted.items()},
        )
        self.arrays = MappingProxyType({name: _ordinary(name, arrays[name]) for name in arrays})
        self._module: nn.Module | None = None
        self._watch: ModuleWatch | None = None

    @classmethod
    def build(cls, settings: ModelConfig | Network, seed: int) -> ArrayNetwork:
        """A new network, with the weights that `build_model` draws from the same seed.

        Raises:
            ModelError: There is no memory for it.
        """
        network = settings.network()
        require_memory(network)
        initialisation = getattr(settings, "initialisation", "pytorch")
        return cls(settings, initial_arrays(network.placed, initialisation, seed))

    @classmethod
    def from_module(cls, module: nn.Module, input_shape: tuple[int, ...]) -> ArrayNetwork:
        """A network that was built in PyTorch, whose numbers stay where they are.

        Args:
            module: An `nn.Sequential` of layers that lenet knows, on the CPU.
            input_shape: Channels, height and width of an image.

        Raises:
            ModelError: It is something else, or somebody listens to what goes through it.
        """
        from lenet.models._watch import ModuleWatch, shared_arrays

        _, settings = identify_layers(module, input_shape)
        network = cls(settings, shared_arrays(module))
        network._module, network._watch = module, ModuleWatch(module)
        if not network.is_unwatched:
            message = "A hook wants to see what goes through the network."
            raise ModelError(message)
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.holds():
            message = "Its module was changed, so that a copy of its numbers would be another's."
            raise ModelError(message)
        return type(self), (self.settings, dict(self.arrays))  # a copy makes a module of its own

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of an image."""
        return self.network.input_shape

    @property
    def placed(self) -> list[Placed]:
        """The layers with the shapes between them."""
        return self.network.placed

    @property
    def name(self) -> str:
        """The name under which the network is known, in the registry or as one's own."""
        known = (name for name, kind in MODELS.items() if type(self.settings) is kind)
        return next(known, SEQUENTIAL)

    @property
    def draws_numbers(self) -> bool:
        """Whether training it draws random numbers."""
        return any(isinstance(one.layer, Dropout) for one in flat_layers(self.placed))

    @property
    def weight_names(self) -> list[str]:
        """What the network learns, in PyTorch's order."""
        return list(self.network.weights())

    def module(self) -> nn.Module:
        """The network in PyTorch, made once; both see the same numbers.

        Raises:
            MissingExtraError: PyTorch is not installed.
        """
        if self._module is None:
            require_torch("A module")
            import torch

            from lenet.models._watch import ModuleWatch

            with torch.inference_mode(False):  # or it could never be trained
                with torch.device("meta"):  # only its form is wanted: no weights, no random numbers
                    built = build_model(self.settings)
                tensors = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
                built.load_state_dict(tensors, assign=True)
            self._module = built
            with suppress(ModelError):  # of a PyTorch that does not tell; then it is watched
                self._watch = ModuleWatch(built)
        return self._module

    def holds(self) -> bool:
        """Whether the module, if it was made, still has these layers and numbers.

        Where its tensors have but moved, `arrays` are new ones from now on.
        """
        return self._watch is None or self._watch.is_unchanged() or self._take_again()

    @property
    def is_unwatched(self) -> bool:
        """Whether the arrays are all that there is to it.

        They are not while a hook listens to the module, or once it has other layers or tensors.
        """
        if self._watch is None:
            return self._module is None
        return self.holds() and not self._watch.is_listened_to()

    def _take_again(self) -> bool:
        """Take the module's arrays, if they have but moved."""
        from lenet.models._watch import ModuleWatch, shared_arrays

        assert self._module is not None
        assert self._watch is not None
        if not self._watch.has_same_tensors():
            return False
        try:
            self.arrays = ArrayNetwork(self.settings, shared_arrays(self._module)).arrays
        except ModelError:
            return False
        self._watch = ModuleWatch(self._module)
        return True

    @property
    def training_obstacle(self) -> str | None:
        """Why its module asks for PyTorch to train it, if it does: a weight is frozen, say."""
        if not self.is_unwatched:
            return "A hook wants to see what goes through the network, or it was changed."
        return None if self._watch is None else self._watch.obstacle()

    @property
    def hears_gradients(self) -> bool:
        """Whether a hook of its module wants to see a gradient."""
        return self._watch is not None and self._watch.hears_gradients()

    @property
    def is_in_training_mode(self) -> bool:
        """Whether the layers of its module, if it was made, do what they do when they learn."""
        return self._watch is None or self._watch.is_in_training_mode()

    @property
    def frozen(self) -> list[str]:
        """The names of weights that are not to be trained."""
        return [] if self._watch is None else self._watch.frozen()

    def train(self, mode: bool = True) -> None:
        """Say to the module, if it was made, whether it is trained."""
        if self._module is not None:
            self._module.train(mode)

    def note_change(self) -> None:
        """Say to PyTorch, if it holds the arrays, that they were changed."""
        if self._watch is not None:
            self._watch.note_change()

    def load(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over numbers, in place.

        Raises:
            ModelError: They are another network's.
        """
        new = ArrayNetwork(self.settings, arrays).arrays
        self.holds()
        for name, array in self.arrays.items():
            array[...] = new[name]
        self.note_change()


def _ordinary(name: str, array: object) -> npt.NDArray[Any]:
    """An array as compiled code and PyTorch may read and write it; a copy where it is not so."""
    kind = np.int64 if name.endswith("num_batches_tracked") else np.float32
    if not isinstance(array, np.ndarray) or array.dtype != kind or not array.dtype.isnative:
        found = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        message = f"`{name}` is {found}, not an array of {np.dtype(kind)}."
        raise ModelError(message)
    return np.require(array, requirements=["C", "A", "W"])


def _settled(network: ArrayNetwork | nn.Module) -> ArrayNetwork | nn.Module:
    """The network as it is now: its module where that has become another."""
    if isinstance(network, ArrayNetwork) and not network.holds():
        return network.module()
    return network


def trained_blocks(network: ArrayNetwork) -> list[TrainedBlock]:
    """A network for a step of the compiled kernels, with its own arrays.

    Raises:
        ModelError: The kernels do not train such a network.
    """
    arrays, blocks = network.arrays, []
    for block, place, norm_place in kernel_blocks(network.placed):
        layer = network.placed[place].layer
        own = arrays_under(layer.name, arrays)
        if norm_place is None:
            if "bias" not in own:
                message = (
                    f"The compiled kernels train no layer without biases, as {layer.label} is."
                )
                raise ModelError(message)
            blocks.append(TrainedBlock(block, own["weight"], own["bias"]))
            continue
        norm = network.placed[norm_place].layer
        assert isinstance(norm, BatchNorm)
        if "bias" in own:
            message = f"{layer.label} has biases, which a batch normalisation takes away again."
            raise ModelError(message)
        if norm.momentum == "cumulative":
            message = f"The compiled kernels want a momentum for the statistics of {norm.label}."
            raise ModelError(message)
        of = arrays_under(norm.name, arrays)
        kept = [of[name] for name in ("running_mean", "running_var", "num_batches_tracked")]
        statistics = BatchNormArrays(norm.epsilon, norm.momentum, *kept)
        blocks.append(TrainedBlock(block, own["weight"], of["bias"], of["weight"], statistics))
    return blocks


def is_chain_of_blocks(network: ArrayNetwork) -> bool:
    """Whether the compiled kernels train a network by their fused blocks."""
    try:
        blocks = trained_blocks(network)
    except ModelError:
        return False
    return len(blocks[-1].block.output_shape) == 1


def identify(
    network: ArrayNetwork | nn.Module, input_shape: tuple[int, ...] = (1, 28, 28)
) -> tuple[str, ModelConfig | Network]:
    """The name under which any network is known, and its settings: see `identify_model`."""
    network = _settled(network)
    if isinstance(network, ArrayNetwork):
        return network.name, network.settings
    return identify_model(network, input_shape)


def module_of(network: ArrayNetwork | nn.Module) -> nn.Module:
    """A network in PyTorch.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """
    return network.module() if isinstance(network, ArrayNetwork) else network


def count_weights(network: ArrayNetwork | nn.Module) -> int:
    """How many numbers a network learns."""
    network = _settled(network)
    if isinstance(network, ArrayNetwork):
        return network.network.parameters
    return sum(parameter.numel() for parameter in network.parameters())


def learnt_weights(network: ArrayNetwork | nn.Module) -> list[str]:
    """The names of what a network learns, in PyTorch's order; of what is frozen, too."""
    if isinstance(network, ArrayNetwork):
        return network.weight_names
    return [name for name, _ in network.named_parameters()]


def frozen_weights(network: ArrayNetwork | nn.Module) -> list[str]:
    """The names of the weights that are not to be trained."""
    if isinstance(network, ArrayNetwork):
        return network.frozen
    return [name for name, one in network.named_parameters() if not one.requires_grad]


def require_memory(network: Network) -> None:
    """Refuse a network for which there is no memory: the system may end who asks for too much.

    Raises:
        ModelError: There is none.
    """
    shapes = network.input_shape, *(placed.output_shape for placed in network.placed)
    largest = max(map(math.prod, shapes))
    needed = 4 * (network.parameters + largest)  # one image alone; a training needs some times that
    free = free_memory() if needed > _LOOK_FROM else None
    if free is not None and needed > free:
        message = (
            f"The network needs {needed / 1e9:,.0f} GB for its {network.parameters:,} weights and "
            f"what it makes of an image; {free / 1e9:,.1f} GB are free."
        )
        raise ModelError(message)


def check_numbers(arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """See that a network can compute with its numbers.

    Args:
        arrays: Its arrays by their names in a model file.

    Raises:
        ModelFileError: Some are not finite, or variances are below 0.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            message = (
                f"`{name}` holds numbers that are not finite, as a training leaves that diverged."
            )
            raise ModelFileError(message)
        if name.endswith("running_var") and array.min(initial=0) < 0:
            message = f"`{name}` holds variances below 0."
            raise ModelFileError(message)


def arrays_of(network: ArrayNetwork | nn.Module) -> dict[str, npt.NDArray[Any]]:
    """Copies of a network's numbers as they are now, wherever they lie."""
    network = _settled(network)
    if isinstance(network, ArrayNetwork):
        return {name: np.array(array) for name, array in network.arrays.items()}
    state = network.state_dict()
    return {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in state.items()}


def load_arrays(network: ArrayNetwork | nn.Module, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Give a network numbers, in place.

    Raises:
        ModelError: They are another network's.
    """
    network = _settled(network)
    if isinstance(network, ArrayNetwork):
        network.load(arrays)
    else:
        import torch

        tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(str(error)) from error


def known_network(
    network: ArrayNetwork | nn.Module, input_shape: tuple[int, ...]
) -> ArrayNetwork | None:
    """A network as arrays, if it is a list of known layers on the CPU that nobody listens to."""
    if isinstance(network, ArrayNetwork):
        return network if network.is_unwatched else None
    try:
        return ArrayNetwork.from_module(network, input_shape)
    except ModelError:
        return None
