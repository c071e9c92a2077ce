from ._autograd import conv_block as conv_block
from ._autograd import dense_block as dense_block
from ._blocks import ConvBlock as ConvBlock
from ._blocks import DenseBlock as DenseBlock
from ._blocks import parameter_shapes as parameter_shapes
from ._choice import KernelChoice as KernelChoice
from ._choice import chosen_kernels as chosen_kernels
from ._choice import try_kernels as try_kernels
from ._choice import use_kernels as use_kernels
from ._folding import fold_batch_norm as fold_batch_norm
from ._library import KernelStatus as KernelStatus
from ._library import kernel_status as kernel_status
from ._predictor import Predictor as Predictor
from ._recognise import recognise_blocks as recognise_blocks
from ._sequential import KernelSequential as KernelSequential
from ._sequential import make_predictor as make_predictor
from ._sequential import recognise_network as recognise_network
from ._step import FusedStep as FusedStep
from ._step import StepSettings as StepSettings

__all__ = [
    "ConvBlock",
    "DenseBlock",
    "FusedStep",
    "KernelChoice",
    "KernelSequential",
    "KernelStatus",
    "Predictor",
    "StepSettings",
    "chosen_kernels",
    "conv_block",
    "dense_block",
    "fold_batch_norm",
    "kernel_status",
    "make_predictor",
    "parameter_shapes",
    "recognise_blocks",
    "recognise_network",
    "try_kernels",
    "use_kernels",
]
