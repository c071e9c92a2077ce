"""Training steps by the compiled kernels: gradients, update, the state of the optimiser."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lenet.core import thread_count
from lenet.errors import ModelError
from lenet.kernels._blocks import Block, Native, addresses_of, call, native_network, pointers
from lenet.kernels._interface import (
    BatchNormState,
    Examples,
    Loss,
    NativeStepSettings,
    Selection,
)
from lenet.kernels._library import kernel_status

_KINDS = ("sgd", "adam", "adamw")  # in the order of native/optimisers.h
BETA_OF_MEAN, BETA_OF_SQUARE, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as PyTorch has them
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class StepSettings:
    """How a fused step updates the weights; each field as PyTorch's optimisers have it.

    Attributes:
        optimiser: The rule.
        momentum: Of SGD.
        nesterov: Of SGD.
        weight_decay: AdamW applies it apart from the gradient.
        label_smoothing: Share of the target that is spread over all classes.
        gradient_clipping: Largest norm of all gradients together; 0 for no limit.
    """

    optimiser: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    gradient_clipping: float = 0.0


@dataclass(frozen=True, eq=False)
class BatchNormArrays:
    """What a batch normalisation keeps and how; a step updates the arrays in place.

    Attributes:
        epsilon: What is added to the variance.
        momentum: The share of a new batch in the running statistics.
        mean: The running means, float32 (outputs,).
        variance: The running variances, float32 (outputs,).
        batches: How many batches went in, int64 ().
    """

    epsilon: float
    momentum: float
    mean: Numbers
    variance: Numbers
    batches: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrainedBlock:
    """A block, and the arrays that a step trains; all are contiguous and changed in place.

    Attributes:
        block: What it computes, bar the batch normalisation.
        weight: float32, of the block's `weight_shape`.
        shift: What is added, float32 (outputs,): the biases, or with batch normalisation its own.
        scale: What batch normalisation multiplies by, float32 (outputs,), where there is one.
        norm: Its statistics.
    """

    block: Block
    weight: Numbers
    shift: Numbers
    scale: Numbers | None = None
    norm: BatchNormArrays | None = None

    @property
    def parameters(self) -> list[Numbers]:
        """What is learnt, in PyTorch's order."""
        return [self.weight, *([] if self.scale is None else [self.scale]), self.shift]


class Step(ABC):
    """Forward, loss, backward and update of a batch by compiled code.

    A step is whole, or in two halves between which `gradients` may be changed. Its results do not
    depend on the number of threads. Images and labels are checked once, here. One Python thread at
    a time may make steps.

    Attributes:
        gradients: What `compute_gradients` leaves and `update` takes, one array a weight.

    Raises:
        ModelError: The network can't be trained so; the message says why.
    """

    gradients: list[Numbers]
    _kind: ClassVar[str]  # of the library's functions
    _trainer: Native
    _parameters: list[Numbers]
    _norms: list[BatchNormArrays]
    _needs_two: bool

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        input_shape: tuple[int, ...],
        classes: int,
        batch_size: int,
        settings: StepSettings,
        byte_values: Numbers,
    ):
        if reason := kernel_status().reason:
            raise ModelError(reason)
        self._batch_size, self._settings = batch_size, settings
        _check_examples(images, labels, byte_values, input_shape, classes)
        self._data = tuple(map(np.ascontiguousarray, (images, labels, byte_values)))
        images, labels, byte_values = self._data
        addresses = addresses_of([images, byte_values, labels])
        self._examples = Examples(*addresses, *images.shape[1:])
        self._steps = 0

    def _make_room(self) -> None:
        """Make the gradients and the optimiser's state, once the parameters are there."""
        settings = self._settings
        self.gradients = [np.zeros_like(parameter) for parameter in self._parameters]
        self._state: list[dict[str, Numbers]] = [
            {name: np.zeros_like(parameter) for name in self._state_names()}
            for parameter in self._parameters
        ]
        self._native_settings = NativeStepSettings(
            kind=_KINDS.index(settings.optimiser),
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            momentum=settings.momentum,
            beta1=BETA_OF_MEAN,
            beta2=BETA_OF_SQUARE,
            epsilon=EPSILON,
            largest_norm=settings.gradient_clipping,
        )
        self._gradient_pointers = pointers(addresses_of(self.gradients))
        state_addresses: list[int | None] = []
        for state in self._state:  # two a parameter
            of_parameter = addresses_of(list(state.values()))
            state_addresses += [*of_parameter, *[None] * (2 - len(of_parameter))]
        self._state_pointers = pointers(state_addresses)

    def _point(self, parameters: Sequence[Numbers], norms: Sequence[BatchNormArrays]) -> None:
        """Say to the library where the numbers are."""
        self._norms = list(norms)  # which must live as long as the addresses are used
        self._parameter_pointers = pointers(addresses_of(parameters))
        states = [
            BatchNormState(
                norm.epsilon, norm.momentum, *addresses_of([norm.mean, norm.variance, norm.batches])
            )
            for norm in norms
        ]
        self._norm_states = (BatchNormState * len(states))(*states)

    @abstractmethod
    def _loss_settings(self) -> Any:
        """What the library's function wants to know of the loss."""

    def __call__(
        self,
        indices: NDArray[np.int64],
        learning_rate: float,
        *,
        mirrored: NDArray[np.bool_] | None = None,
        shifts: NDArray[np.int64] | None = None,
    ) -> tuple[float, int]:
        """Make a step: `compute_gradients`, which says the rest, and `update`."""
        results = self.compute_gradients(indices, mirrored=mirrored, shifts=shifts)
        self.update(learning_rate)
        return results

    def compute_gradients(
        self,
        indices: NDArray[np.int64],
        *,
        mirrored: NDArray[np.bool_] | None = None,
        shifts: NDArray[np.int64] | None = None,
    ) -> tuple[float, int]:
        """Make the first half of a step.

        Args:
            indices: Which images make the batch: int64 (B,), B up to the batch size.
            mirrored: Which of them change left and right, before any shift: bool (B,).
            shifts: What becomes the pixel at (y, x) lies at (y + shifts[0], x + shifts[1]) or is 0
                where that is outside: int64 (2, B), in pixels.

        Returns:
            The mean loss in nats, and how many images were right.

        Raises:
            ValueError: There is no such image, the batch is empty or has more than it may have, or
                an argument is not as said here.
        """
        count = len(indices)
        self._check_batch(indices, mirrored, shifts)
        loss = Loss()
        # What is made contiguous must live until the call is over.
        given = [
            None if one is None else np.ascontiguousarray(one)
            for one in (indices, mirrored, *([None, None] if shifts is None else shifts))
        ]
        selection = Selection(
            *(None if one is None else one.ctypes.data for one in given), count=count
        )
        call(
            f"{self._kind}_gradients",
            self._trainer.handle,
            self._examples,
            selection,
            self._loss_settings(),
            thread_count(),
            self._parameter_pointers,
            self._gradient_pointers,
            self._norm_states,
            loss,
        )
        return loss.sum / count, loss.correct

    def update(self, learning_rate: float) -> None:
        """Make the second half of a step: the update of the weights by `gradients`.

        Args:
            learning_rate: Of this step.
        """
        self._steps += 1
        self._native_settings.step = self._steps
        self._native_settings.learning_rate = learning_rate
        call(
            f"{self._kind}_update",
            self._trainer.handle,
            self._native_settings,
            thread_count(),
            self._parameter_pointers,
            self._gradient_pointers,
            self._state_pointers,
        )

    def state(self) -> dict[int, dict[str, NDArray[Any]]]:
        """The optimiser's state, as `state_dict()["state"]` of PyTorch's optimisers has it."""
        if not self._steps:
            return {}
        adaptive = self._settings.optimiser != "sgd"
        step = {"step": np.array(self._steps, np.float32)} if adaptive else {}
        return {
            index: {**step, **state} for index, state in enumerate(self._state) if step or state
        }

    def load_state(self, state: dict[int, dict[str, NDArray[Any]]]) -> None:
        """Go on from a state that `state()`, or a PyTorch optimiser of the same kind, has given."""
        self._steps = 0
        for kept in self._state:
            for array in kept.values():
                array[...] = 0
        for index, values in state.items():
            for name, array in values.items():
                if name == "step":
                    self._steps = int(array)
                else:
                    self._state[index][name][...] = array
        self._steps = max(self._steps, 1 if state else 0)

    def _check_batch(
        self,
        indices: NDArray[np.int64],
        mirrored: NDArray[np.bool_] | None,
        shifts: NDArray[np.int64] | None,
    ) -> None:
        count, images = len(indices), len(self._data[0])
        fits = (
            1 <= count <= self._batch_size
            and _is(indices, np.int64, (count,))
            and (mirrored is None or _is(mirrored, np.bool_, (count,)))
            and (shifts is None or _is(shifts, np.int64, (2, count)))
            and 0 <= indices.min() <= indices.max() < images
        )
        if not fits:
            message = f"Not a batch of up to {self._batch_size} of {images} images."
            raise ValueError(message)
        if count == 1 and self._needs_two:
            message = "One image has no variance, which batch normalisation needs."
            raise ValueError(message)

    def _state_names(self) -> tuple[str, ...]:
        if self._settings.optimiser == "sgd":
            return ("momentum_buffer",) if self._settings.momentum else ()
        return "exp_avg", "exp_avg_sq"


class FusedStep(Step):
    """Steps of a network of blocks: see `Step`.

    Args:
        blocks: A network with its weights, which are changed in place.
        images: All images to train on, uint8 (N, C, H, W).
        labels: Their classes, int64 (N,).
        batch_size: Images a step at most.
        settings: How the weights are updated.
        byte_values: What the 256 values of a pixel stand for: float32 of shape (256,).

    Raises:
        ModelError: The network can't be trained so; the message says why.
    """

    _kind = "trainer"

    def __init__(
        self,
        blocks: Sequence[TrainedBlock],
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        settings: StepSettings,
        byte_values: Numbers,
    ):
        first, last = blocks[0].block, blocks[-1].block
        if len(last.output_shape) > 1:
            message = "The network does not end in a dense layer."
            raise ModelError(message)
        super().__init__(
            images,
            labels,
            input_shape=first.input_shape,
            classes=last.output_shape[0],
            batch_size=batch_size,
            settings=settings,
            byte_values=byte_values,
        )
        self._network = native_network(
            [one.block for one in blocks], [one.norm is not None for one in blocks]
        )
        self._trainer = Native("trainer", self._network.handle, batch_size)
        self.use(blocks)
        self._make_room()

    def use(self, blocks: Sequence[TrainedBlock]) -> None:
        """Train the same network, whose arrays lie elsewhere now."""
        for one in blocks:
            _check_arrays(one)
        self._parameters = [parameter for one in blocks for parameter in one.parameters]
        self._needs_two = any(one.norm and len(one.block.output_shape) == 1 for one in blocks)
        self._point(self._parameters, [one.norm for one in blocks if one.norm])

    def _loss_settings(self) -> float:
        return self._settings.label_smoothing


def _is(array: NDArray[Any], dtype: type, shape: tuple[int, ...]) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape


def _check_arrays(trained: TrainedBlock) -> None:
    """Raise where the compiled code would read or write something else than what is meant."""
    block, norm = trained.block, trained.norm
    outputs = block.weight_shape[:1]
    shapes = [block.weight_shape, *[outputs] * (len(trained.parameters) - 1)]
    arrays: list[NDArray[Any]] = [*trained.parameters]
    kinds: list[type] = [np.float32] * len(arrays)
    if norm is not None:
        arrays += [norm.mean, norm.variance, norm.batches]
        shapes += [outputs, outputs, ()]
        kinds += [np.float32, np.float32, np.int64]
    for array, kind, shape in zip(arrays, kinds, shapes, strict=True):
        if not _is(array, kind, shape) or not array.flags.carray:
            message = f"An array of {block} is not contiguous {kind.__name__} {list(shape)}."
            raise ModelError(message)


def _check_examples(
    images: NDArray[Any],
    labels: NDArray[Any],
    byte_values: NDArray[Any],
    wanted: tuple[int, ...],
    classes: int,
) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        message = "The images must be uint8 (N, C, H, W)."
        raise ModelError(message)
    shape = images.shape[1:]
    if wanted not in (shape, (math.prod(shape),)):
        message = f"The network takes {list(wanted)}, but an image is {list(shape)}."
        raise ModelError(message)
    if not _is(labels, np.int64, (len(images),)):
        message = "The labels must be int64, one an image."
        raise ModelError(message)
    if not _is(byte_values, np.float32, (256,)):
        message = "The byte values must be 256 of float32."
        raise ModelError(message)
    if not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        message = f"There are labels outside of the network's {classes} classes."
        raise ModelError(message)
