from torch import Tensor, nn

from lenet.errors import ModelError
from lenet.kernels._autograd import run_blocks, unusable
from lenet.kernels._choice import chosen_kernels
from lenet.kernels._library import kernel_status
from lenet.kernels._recognise import recognise_blocks


class KernelSequential(nn.Sequential):
    """An `nn.Sequential` whose layers run as one piece of compiled code where that is possible.

    It is not possible, and the layers run one by one as PyTorch's own, on other devices than the
    CPU, for other types than float32, for layers that the kernels do not know, and while a hook
    listens to a layer. Results are the same up to rounding. `use_kernels` decides otherwise.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The output for a batch (B, …).

        Raises:
            ModelError: `native` kernels are chosen and can't do it.
        """
        choice = chosen_kernels()
        if choice == "torch" or (choice == "auto" and kernel_status().reason):
            return self.layer_by_layer(input)
        try:
            blocks, parameters = recognise_blocks(self, tuple(input.shape[1:]))
        except ModelError as error:
            if choice == "native":
                raise unusable(str(error)) from None
            return self.layer_by_layer(input)
        return run_blocks(blocks, input, parameters)

    def layer_by_layer(self, images: Tensor) -> Tensor:
        """The output as PyTorch's own layers give it."""
        output: Tensor = super().forward(images)  # type: ignore[no-untyped-call]
        return output
