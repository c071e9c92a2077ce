from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._blocks import Block, Native, call, native_network, pointers
from lenet.kernels._interface import Examples, Loss, NativeStepSettings, Selection
from lenet.kernels._library import kernel_status
from lenet.kernels._recognise import (
    BatchNorm,
    RecognisedBlock,
    check_trainable,
    is_listened_to,
    native_states,
    statistics_of,
)

_KINDS = ("sgd", "adam", "adamw")  # in the order of native/optimisers.h
_BETAS, _EPSILON = (0.9, 0.999), 1e-8  # PyTorch's own


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


class NetworkView(Protocol):
    """What a step wants to know of the network that it trains."""

    network: nn.Module

    def layers(self) -> list[nn.Module]:
        """Its layers as they are now, in the order of the forward pass."""

    def recognise(self) -> list[RecognisedBlock]:
        """The network as blocks; `ModelError` where the compiled kernels do not serve it."""


class FusedStep:
    """Forward, loss, backward and update of a batch by compiled code.

    A step is whole, or in two halves between which `gradients` may be changed. Its results do not
    depend on the number of threads. Images and labels are checked once, here. One Python thread at
    a time may make steps.

    Args:
        view: A network that the compiled kernels serve, with all weights to be trained; its
            weights are changed in place.
        images: All images to train on, uint8 (N, C, H, W).
        labels: Their classes, int64 (N,).
        batch_size: Images a step at most.
        settings: How the weights are updated.
        byte_values: What the 256 values of a pixel stand for: float32 of shape (256,).

    Attributes:
        gradients: What `compute_gradients` leaves and `update` takes, one tensor a weight.

    Raises:
        ModelError: The network can't be trained so; the message says why.
    """

    gradients: list[torch.Tensor]

    def __init__(
        self,
        view: NetworkView,
        images: Tensor,
        labels: Tensor,
        *,
        batch_size: int,
        settings: StepSettings,
        byte_values: Tensor,
    ):
        if reason := kernel_status().reason:
            raise ModelError(reason)
        self._view = view
        self._batch_size, self._settings = batch_size, settings
        recognised = self._recognise()
        self._blocks, self._parameters, self._norms = _take_apart(recognised)
        self._snapshot = self._take_snapshot()
        _check_examples(images, labels, byte_values, self._blocks[-1].output_shape[0])
        self._data = images.contiguous(), labels.contiguous(), byte_values.contiguous()
        images, labels, byte_values = self._data
        self._examples = Examples(
            images.data_ptr(), byte_values.data_ptr(), labels.data_ptr(), *images.shape[1:]
        )
        self._network = native_network(
            self._blocks, [one.batch_norm is not None for one in recognised]
        )
        self._trainer = Native("trainer", self._network.handle, batch_size)
        self.gradients = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0
        self._state: list[dict[str, Tensor]] = [
            {name: torch.zeros_like(parameter) for name in self._state_names()}
            for parameter in self._parameters
        ]
        self._native_settings = NativeStepSettings(
            kind=_KINDS.index(settings.optimiser),
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            momentum=settings.momentum,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            epsilon=_EPSILON,
            largest_norm=settings.gradient_clipping,
        )
        self._gradient_pointers = pointers([gradient.data_ptr() for gradient in self.gradients])
        addresses: list[int | None] = []
        for state in self._state:  # two a parameter
            of_parameter = [tensor.data_ptr() for tensor in state.values()]
            addresses += [*of_parameter, *[None] * (2 - len(of_parameter))]
        self._state_pointers = pointers(addresses)

    def still_serves(self) -> bool:
        """Whether the network has the same layers and weights, no hooks, and all are trained.

        A batch normalisation must be in training mode, too. A setting that is changed within
        another layer, such as its padding, goes unnoticed.
        """
        if not all(norm.training and norm.momentum is not None for norm in self._norms):
            return False
        if self._take_snapshot() == self._snapshot:
            return not is_listened_to([self._view.network, *self._view.layers()])
        try:
            blocks, parameters, norms = _take_apart(self._recognise())
        except ModelError:
            return False
        before, now = [*self._parameters, *self._norms], [*parameters, *norms]
        if blocks != self._blocks or list(map(id, before)) != list(map(id, now)):
            return False
        self._snapshot = self._take_snapshot()
        return True

    def __call__(
        self,
        indices: Tensor,
        learning_rate: float,
        *,
        mirrored: Tensor | None = None,
        shifts: Tensor | None = None,
    ) -> tuple[float, int]:
        """Make a step: `compute_gradients`, which says the rest, and `update`."""
        results = self.compute_gradients(indices, mirrored=mirrored, shifts=shifts)
        self.update(learning_rate)
        return results

    def compute_gradients(
        self, indices: Tensor, *, mirrored: Tensor | None = None, shifts: Tensor | None = None
    ) -> tuple[float, int]:
        """Make the first half of a step. Only while `still_serves()`.

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
        loss, statistics = Loss(), statistics_of(self._norms)
        # What is made contiguous must live until the call is over.
        indices = indices.contiguous()
        mirrored = None if mirrored is None else mirrored.contiguous()
        shifts = None if shifts is None else shifts.contiguous()
        selection = Selection(
            indices=indices.data_ptr(),
            mirrored=None if mirrored is None else mirrored.data_ptr(),
            row_shifts=None if shifts is None else shifts[0].data_ptr(),
            column_shifts=None if shifts is None else shifts[1].data_ptr(),
            count=count,
        )
        call(
            "trainer_gradients",
            self._trainer.handle,
            self._examples,
            selection,
            self._settings.label_smoothing,
            torch.get_num_threads(),
            pointers([parameter.data_ptr() for parameter in self._parameters]),
            self._gradient_pointers,
            native_states(self._norms, statistics),
            loss,
        )
        torch.autograd.graph.increment_version(statistics)
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
            "trainer_update",
            self._trainer.handle,
            self._native_settings,
            torch.get_num_threads(),
            pointers([parameter.data_ptr() for parameter in self._parameters]),
            self._gradient_pointers,
            self._state_pointers,
        )
        torch.autograd.graph.increment_version(self._parameters)

    def state(self) -> dict[int, dict[str, Tensor]]:
        """The optimiser's state, as `state_dict()["state"]` of PyTorch's optimisers has it."""
        if not self._steps:
            return {}
        adaptive = self._settings.optimiser != "sgd"
        step = {"step": torch.tensor(float(self._steps))} if adaptive else {}
        return {index: step | state for index, state in enumerate(self._state) if step or state}

    def load_state(self, state: dict[int, dict[str, Tensor]]) -> None:
        """Go on from a state that `state()`, or a PyTorch optimiser of the same kind, has given."""
        for index, values in state.items():
            for name, tensor in values.items():
                if name == "step":
                    self._steps = int(tensor)
                else:
                    self._state[index][name].copy_(tensor)
        self._steps = max(self._steps, 1 if state else 0)

    def _check_batch(self, indices: Tensor, mirrored: Tensor | None, shifts: Tensor | None) -> None:
        count, images = len(indices), len(self._data[0])
        fits = (
            1 <= count <= self._batch_size
            and _is(indices, torch.int64, (count,))
            and (mirrored is None or _is(mirrored, torch.bool, (count,)))
            and (shifts is None or _is(shifts, torch.int64, (2, count)))
        )
        if fits:
            lowest, highest = torch.aminmax(indices)
            fits = 0 <= int(lowest) <= int(highest) < images
        if not fits:
            message = f"Not a batch of up to {self._batch_size} of {images} images."
            raise ValueError(message)
        if count == 1 and any(isinstance(norm, nn.BatchNorm1d) for norm in self._norms):
            message = "One image has no variance, which batch normalisation needs."
            raise ValueError(message)

    def _recognise(self) -> list[RecognisedBlock]:
        """The network's blocks, if all of their weights are to be trained."""
        recognised = self._view.recognise()
        blocks, parameters, norms = _take_apart(recognised)
        for norm in norms:
            check_trainable(norm)
        if not all(parameter.requires_grad for parameter in parameters):
            message = "Some weights are not to be trained."
            raise ModelError(message)
        if any(p._backward_hooks or p._post_accumulate_grad_hooks for p in parameters):
            message = "A hook wants to see a gradient."
            raise ModelError(message)
        if len({parameter.data_ptr() for parameter in parameters}) < len(parameters):
            message = "Layers share weights."
            raise ModelError(message)
        if len(blocks[-1].output_shape) > 1:
            message = "The network does not end in a dense layer."
            raise ModelError(message)
        return recognised

    def _take_snapshot(self) -> list[tuple[object, ...]]:
        """What tells at little cost whether the network is as it was."""
        layers = self._view.layers()
        return [
            tuple(map(id, layers)),
            *(
                (
                    id(parameter),
                    parameter.data_ptr(),
                    parameter.dtype,
                    parameter.shape,
                    parameter.stride(),
                    parameter.requires_grad,
                    bool(parameter._backward_hooks or parameter._post_accumulate_grad_hooks),
                )
                for layer in layers
                for parameter in (*layer._parameters.values(), *layer._buffers.values())
                if parameter is not None
            ),
        ]

    def _state_names(self) -> tuple[str, ...]:
        if self._settings.optimiser == "sgd":
            return ("momentum_buffer",) if self._settings.momentum else ()
        return "exp_avg", "exp_avg_sq"


def _take_apart(
    recognised: list[RecognisedBlock],
) -> tuple[list[Block], list[Tensor], list[BatchNorm]]:
    """The blocks, all of their weights in PyTorch's order, and their batch normalisations."""
    blocks = [one.block for one in recognised]
    parameters = [parameter for one in recognised for parameter in one.trained_parameters()]
    return blocks, parameters, [one.batch_norm for one in recognised if one.batch_norm]


def _is(tensor: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> bool:
    return tensor.dtype == dtype and tensor.shape == shape and tensor.device.type == "cpu"


def _check_examples(images: Tensor, labels: Tensor, byte_values: Tensor, classes: int) -> None:
    if images.device.type != "cpu" or labels.device.type != "cpu":
        message = "The compiled kernels are for the CPU."
        raise ModelError(message)
    if images.dtype != torch.uint8 or images.ndim != 4 or not len(images):
        message = "The images must be uint8 (N, C, H, W)."
        raise ModelError(message)
    if not _is(labels, torch.int64, (len(images),)):
        message = "The labels must be int64, one an image."
        raise ModelError(message)
    if not _is(byte_values, torch.float32, (256,)):
        message = "The byte values must be 256 of float32."
        raise ModelError(message)
    if not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        message = f"There are labels outside of the network's {classes} classes."
        raise ModelError(message)
