"""Networks as lists of operations, for all that is no chain of fused blocks: plain, and any."""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lenet.errors import ModelError
from lenet.kernels._blocks import Native, addresses_of, call, pointers
from lenet.kernels._interface import Images, LossSettings, NativeOperation
from lenet.kernels._library import library
from lenet.kernels._step import BatchNormArrays, Numbers, Step, StepSettings

OperationKind = Literal[
    "convolution",
    "dense",
    "activation",
    "pooling",
    "batch_norm",
    "scale",
    "dropout",
    "padding",
    "distances",
    "sum",
]
_KINDS = OperationKind.__args__  # type: ignore[attr-defined]  # in the order of native/program.h
_LOSSES = ("cross-entropy", "map")  # in the order of native/plain_training.h
_MOST_VALUES = 2**24  # of an image in one place, and of weights, so that no index overflows
_MOST_IN_ALL = 2**30
Loss = Literal["cross-entropy", "map"]


@dataclass(frozen=True)
class Operation:
    """One layer, or the sum of two, as native/program.h describes it.

    Attributes:
        kind: What it is.
        input: The value that comes in: 0 for the image, i + 1 for what operation i makes.
        input_shape: Channels, height and width of that.
        output_shape: Channels, height and width of what comes out.
        other: The value that a sum adds.
        kernel: Height and width of a window, in pixels.
        stride: From each place of the window to the next, down and across.
        padding: Rows above and columns on the left, whose like is below and on the right.
        spread: From each number of the window to the next.
        groups: Into how many parts the channels of a convolution are divided.
        choice: The number of an activation's function, or of a pooling's method.
        is_adaptive: Whether a pooling's windows share the input out.
        counts_padding: Whether the padding counts in an average.
        draws_maps: Whether a dropout is of whole maps.
        weights: The place of its weights among the parameters; -1 for none.
        biases: The place of its biases; -1 for none.
        connections: Of a convolution of some pairs of maps: those of output and of input.
        number: A function's parameter, what a padding holds, or a dropout's probability.
    """

    kind: OperationKind
    input: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    other: int = 0
    kernel: tuple[int, ...] = (1, 1)
    stride: tuple[int, ...] = (1, 1)
    padding: tuple[int, ...] = (0, 0)
    spread: tuple[int, ...] = (1, 1)
    groups: int = 1
    choice: int = 0
    is_adaptive: bool = False
    counts_padding: bool = False
    draws_maps: bool = False
    weights: int = -1
    biases: int = -1
    connections: tuple[tuple[int, int], ...] = ()
    number: float = 0.0


class Program:
    """A network as a list of operations, in an order in which they can be computed.

    Args:
        operations: The list, of one or more.
        input_shape: Of an image.
        output_shape: Of what comes out for it.

    Raises:
        ModelError: It is too large.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    native: Native

    def __init__(
        self,
        operations: Sequence[Operation],
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
    ):
        self.input_shape, self.output_shape = input_shape, output_shape
        sizes = [math.prod(one.output_shape) for one in operations]
        for one, size in zip(operations, sizes, strict=True):
            padded = [
                side + 2 * more for side, more in zip(one.input_shape[1:], one.padding, strict=True)
            ]
            weights = one.output_shape[0] * one.input_shape[0] * math.prod(one.kernel) // one.groups
            largest = max(size, one.input_shape[0] * math.prod(padded))
            if max(largest, weights if one.weights >= 0 else 0) > _MOST_VALUES:
                message = "A layer is too large for the compiled kernels."
                raise ModelError(message)
        if sum(sizes) > _MOST_IN_ALL:
            message = "The network is too large for the compiled kernels."
            raise ModelError(message)
        pairs = [pair for one in operations for pair in one.connections]
        self._connections = np.array(pairs, np.int32).reshape(-1, 2)
        first, descriptions = 0, []
        for one in operations:
            descriptions.append(_describe(one, first))
            first += len(one.connections)
        array = (NativeOperation * len(operations))(*descriptions)
        self.native = Native(
            "program", array, len(operations), self._connections.ctypes.data, len(pairs)
        )
        self._values = len(operations) + 1

    def values(
        self, parameters: Sequence[Numbers], image: Numbers
    ) -> tuple[Numbers, NDArray[np.int32]]:
        """All that becomes of an image.

        Args:
            parameters: By their places in the operations, float32.
            image: As the network takes it, (C, H, W).

        Returns:
            All values one after the other, the image first; where each begins, and the last ends.
        """
        offsets = np.empty(self._values + 1, np.int32)
        library().lenet_program_offsets(self.native.handle, offsets.ctypes.data)
        values, given = np.empty(offsets[-1], np.float32), np.ascontiguousarray(image, np.float32)
        arrays = [np.ascontiguousarray(array, np.float32) for array in parameters]
        call(
            "program_values",
            self.native.handle,
            pointers(addresses_of(arrays)),
            given.ctypes.data,
            values.ctypes.data,
        )
        return values, offsets

    def contributions(
        self, parameters: Sequence[Numbers], values: Numbers, operation: int, place: int
    ) -> tuple[NDArray[np.int32], Numbers]:
        """What one number of an operation's output is made of.

        Args:
            parameters: By their places in the operations, float32.
            values: All that became of an image: see `values`.
            operation: Which operation.
            place: Which number of its output.

        Returns:
            The places among the values that it is made of, and what each is multiplied by.
        """
        arrays = [np.ascontiguousarray(array, np.float32) for array in parameters]
        found, most = 0, 64
        while True:
            inputs, weights = np.empty(most, np.int32), np.empty(most, np.float32)
            found = library().lenet_program_contributions(
                self.native.handle,
                pointers(addresses_of(arrays)),
                values.ctypes.data,
                operation,
                place,
                most,
                inputs.ctypes.data,
                weights.ctypes.data,
            )
            if found < 0:
                raise MemoryError
            if found <= most:
                return inputs[:found], weights[:found]
            most = found


def _describe(one: Operation, first_connection: int) -> NativeOperation:
    return NativeOperation(
        _KINDS.index(one.kind),
        one.input,
        one.other,
        *one.input_shape,
        *one.output_shape,
        *one.kernel,
        *one.stride,
        *one.padding,
        *one.spread,
        one.groups,
        one.choice,
        one.is_adaptive,
        one.counts_padding,
        one.draws_maps,
        one.weights,
        one.biases,
        first_connection,
        len(one.connections),
        one.number,
    )


class PlainPredictor:
    """A network with weights of its own, for answers; see `Predictor`, which knows fewer.

    Args:
        program: The network, for evaluation.
        parameters: By their places in its operations: float32 arrays, which are copied.
        byte_values: What the 256 values of a byte image stand for, float32 of shape (256,).
    """

    def __init__(self, program: Program, parameters: Sequence[Numbers], byte_values: Numbers):
        arrays = [np.ascontiguousarray(array, np.float32) for array in parameters]
        counts = (ctypes.c_int64 * len(arrays))(*[array.size for array in arrays])
        self._image_size = math.prod(program.input_shape)
        self._output_shape = program.output_shape
        self._byte_values = np.ascontiguousarray(byte_values, np.float32)
        self._native = Native(
            "plain_predictor",
            program.native.handle,
            pointers(addresses_of(arrays)),
            counts,
            len(arrays),
        )

    def __call__(self, images: NDArray[Any], threads: int = 1) -> Numbers:
        """The network's outputs for images: see `Predictor.__call__`."""
        if images.ndim < 2 or math.prod(images.shape[1:]) != self._image_size:
            message = f"Images have {images.shape[1:]} values each, not {self._image_size} in all."
            raise ModelError(message)
        is_bytes = images.dtype == np.uint8
        given = np.ascontiguousarray(images, np.uint8 if is_bytes else np.float32)
        outputs = np.empty((len(images), *self._output_shape), np.float32)
        address = given.ctypes.data
        source = (
            Images(None, address, self._byte_values.ctypes.data)
            if is_bytes
            else Images(address, None, None)
        )
        call(
            "plain_predict", self._native.handle, source, len(images), threads, outputs.ctypes.data
        )
        return outputs


class PlainStep(Step):
    """Steps of any network: see `Step`.

    Args:
        program: The network, for training.
        parameters: What is learnt, by its places in the operations; float32, changed in place.
        constants: What follows these places and is not learnt.
        norms: What each batch normalisation keeps, in their order; changed in place. A negative
            momentum stands for the mean of all batches.
        images: All images to train on, uint8 (N, C, H, W).
        labels: Their classes, int64 (N,).
        batch_size: Images a step at most.
        settings: How the weights are updated.
        byte_values: What the 256 values of a pixel stand for: float32 of shape (256,).
        needs_two: Whether a batch of one image has no variance somewhere.
        loss: `cross-entropy`, or LeNet-5's `map`.

    Attributes:
        seed: Of what dropout draws in the next step.

    Raises:
        ModelError: The network can't be trained so; the message says why.
    """

    _kind = "plain_trainer"

    def __init__(
        self,
        program: Program,
        parameters: Sequence[Numbers],
        constants: Sequence[Numbers],
        norms: Sequence[BatchNormArrays],
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        settings: StepSettings,
        byte_values: Numbers,
        needs_two: bool = False,
        loss: Loss = "cross-entropy",
    ):
        if len(program.output_shape) > 1:
            message = "The network does not end in a row of numbers."
            raise ModelError(message)
        super().__init__(
            images,
            labels,
            input_shape=program.input_shape,
            classes=program.output_shape[0],
            batch_size=batch_size,
            settings=settings,
            byte_values=byte_values,
        )
        self.seed = 0
        self._needs_two, self._loss = needs_two, _LOSSES.index(loss)
        self._trainer = Native("plain_trainer", program.native.handle, batch_size)
        self.use(parameters, constants, norms)
        self._make_room()

    def use(
        self,
        parameters: Sequence[Numbers],
        constants: Sequence[Numbers],
        norms: Sequence[BatchNormArrays],
    ) -> None:
        """Train the same network, whose arrays lie elsewhere now."""
        self._parameters, self._constants = list(parameters), list(constants)
        self._point([*parameters, *constants], norms)

    def _loss_settings(self) -> LossSettings:
        return LossSettings(self._loss, self._settings.label_smoothing, self.seed)
