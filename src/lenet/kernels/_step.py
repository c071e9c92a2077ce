import ctypes
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._blocks import Block
from lenet.kernels._library import Loss, NativeStepSettings, kernel_status
from lenet.kernels._network import Native, byte_images, call, native_network, pointers
from lenet.kernels._recognise import recognise_blocks

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


class FusedStep:
    """Forward, loss, backward and update of a batch as one call of compiled code.

    Its results do not depend on the number of threads.

    Args:
        model: A network that `recognise_blocks` knows, with all weights to be trained; its weights
            are changed in place.
        input_shape: Channels, height and width of an image.
        batch_size: Images a step at most.
        settings: How the weights are updated.
        byte_values: What the 256 values of a pixel stand for: float32 of shape (256,).

    Raises:
        ModelError: The network can't be trained so; the message says why.
    """

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, ...],
        batch_size: int,
        settings: StepSettings,
        byte_values: Tensor,
    ):
        if reason := kernel_status().reason:
            raise ModelError(reason)
        self._model, self._input_shape = model, input_shape
        self._settings = settings
        self._byte_values = byte_values.contiguous()
        self._blocks, self._parameters = self._recognise()
        self._network = native_network(self._blocks)
        self._trainer = Native("trainer", self._network.handle, batch_size)
        self._gradients = [torch.empty_like(parameter) for parameter in self._parameters]
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
            label_smoothing=settings.label_smoothing,
        )
        self._gradient_pointers = pointers([gradient.data_ptr() for gradient in self._gradients])
        addresses: list[int | None] = []
        for state in self._state:  # two a parameter
            of_parameter = [tensor.data_ptr() for tensor in state.values()]
            addresses += [*of_parameter, *[None] * (2 - len(of_parameter))]
        self._state_pointers = pointers(addresses)

    @property
    def classes(self) -> int:
        """Outputs of the network."""
        return self._blocks[-1].output_shape[0]

    def still_serves(self) -> bool:
        """Whether the network has the same layers, no hooks, and all weights to be trained."""
        try:
            blocks, parameters = self._recognise()
        except ModelError:
            return False
        same = all(a is b for a, b in zip(parameters, self._parameters, strict=False))
        return blocks == self._blocks and same

    def __call__(self, pixels: Tensor, labels: Tensor, learning_rate: float) -> tuple[float, int]:
        """Make a step.

        Args:
            pixels: uint8 (B, C, H, W), B up to the batch size.
            labels: int64 (B,), classes of the network.
            learning_rate: Of this step.

        Returns:
            The mean loss in nats before the update, and how many images were right.
        """
        self._steps += 1
        self._native_settings.step = self._steps
        self._native_settings.learning_rate = learning_rate
        pixels, labels, loss = pixels.contiguous(), labels.contiguous(), Loss()
        call(
            "trainer_step",
            self._trainer.handle,
            byte_images(pixels.data_ptr(), self._byte_values.data_ptr()),
            labels.data_ptr(),
            len(labels),
            self._native_settings,
            torch.get_num_threads(),
            pointers([parameter.data_ptr() for parameter in self._parameters]),
            self._gradient_pointers,
            self._state_pointers,
            ctypes.byref(loss),
        )
        torch._C._increment_version(self._parameters)
        return loss.sum / len(labels), loss.correct

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

    def _recognise(self) -> tuple[list[Block], list[Tensor]]:
        """The network's blocks and weights, if all of them are to be trained."""
        blocks, parameters = recognise_blocks(self._model.children(), self._input_shape)
        if not all(parameter.requires_grad for parameter in parameters):
            message = "Some weights are not to be trained."
            raise ModelError(message)
        return blocks, parameters

    def _state_names(self) -> tuple[str, ...]:
        """What is kept for each parameter."""
        if self._settings.optimiser == "sgd":
            return ("momentum_buffer",) if self._settings.momentum else ()
        return "exp_avg", "exp_avg_sq"
