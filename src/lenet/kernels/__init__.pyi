from ._autograd import check_pytorch as check_pytorch
from ._autograd import run_blocks as run_blocks
from ._blocks import Block as Block
from ._blocks import ConvBlock as ConvBlock
from ._blocks import DenseBlock as DenseBlock
from ._blocks import Predictor as Predictor
from ._blocks import fold_batch_norm as fold_batch_norm
from ._blocks import parameter_shapes as parameter_shapes
from ._library import EngineName as EngineName
from ._library import KernelStatus as KernelStatus
from ._library import WebCore as WebCore
from ._library import chosen_engine as chosen_engine
from ._library import kernel_status as kernel_status
from ._library import try_kernels as try_kernels
from ._library import use_engine as use_engine
from ._library import use_kernels as use_kernels
from ._library import web_core as web_core
from ._prepare import PreparedImage as PreparedImage
from ._prepare import TooManyError as TooManyError
from ._prepare import preparation_memory as preparation_memory
from ._prepare import preparation_sources as preparation_sources
from ._prepare import prepare_picture as prepare_picture
from ._prepare import prepare_symbols as prepare_symbols
from ._program import Operation as Operation
from ._program import PlainPredictor as PlainPredictor
from ._program import PlainStep as PlainStep
from ._program import Program as Program
from ._pytorch import buffers_of as buffers_of
from ._pytorch import has_gradient_hooks as has_gradient_hooks
from ._pytorch import has_hooks as has_hooks
from ._pytorch import layers_of as layers_of
from ._pytorch import parameters_of as parameters_of
from ._recognise import RecognisedBlock as RecognisedBlock
from ._recognise import find_observer as find_observer
from ._recognise import is_being_traced as is_being_traced
from ._recognise import is_listened_to as is_listened_to
from ._step import BETA_OF_MEAN as BETA_OF_MEAN
from ._step import BETA_OF_SQUARE as BETA_OF_SQUARE
from ._step import EPSILON as EPSILON
from ._step import BatchNormArrays as BatchNormArrays
from ._step import FusedStep as FusedStep
from ._step import StepSettings as StepSettings
from ._step import TrainedBlock as TrainedBlock

__all__ = [
    "BETA_OF_MEAN",
    "BETA_OF_SQUARE",
    "EPSILON",
    "BatchNormArrays",
    "Block",
    "ConvBlock",
    "DenseBlock",
    "EngineName",
    "FusedStep",
    "KernelStatus",
    "Operation",
    "PlainPredictor",
    "PlainStep",
    "Predictor",
    "PreparedImage",
    "Program",
    "RecognisedBlock",
    "StepSettings",
    "TooManyError",
    "TrainedBlock",
    "WebCore",
    "buffers_of",
    "check_pytorch",
    "chosen_engine",
    "find_observer",
    "fold_batch_norm",
    "has_gradient_hooks",
    "has_hooks",
    "is_being_traced",
    "is_listened_to",
    "kernel_status",
    "layers_of",
    "parameter_shapes",
    "parameters_of",
    "preparation_memory",
    "preparation_sources",
    "prepare_picture",
    "prepare_symbols",
    "run_blocks",
    "try_kernels",
    "use_engine",
    "use_kernels",
    "web_core",
]
