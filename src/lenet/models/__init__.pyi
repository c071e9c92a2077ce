from . import layers as layers
from ._array_network import ArrayNetwork as ArrayNetwork
from ._array_network import arrays_of as arrays_of
from ._array_network import check_numbers as check_numbers
from ._array_network import count_weights as count_weights
from ._array_network import frozen_weights as frozen_weights
from ._array_network import identify as identify
from ._array_network import is_chain_of_blocks as is_chain_of_blocks
from ._array_network import known_network as known_network
from ._array_network import learnt_weights as learnt_weights
from ._array_network import load_arrays as load_arrays
from ._array_network import module_of as module_of
from ._array_network import trained_blocks as trained_blocks
from ._card import BUNDLED as BUNDLED
from ._card import HEADER_KEY as HEADER_KEY
from ._card import ModelCard as ModelCard
from ._card import Normalisation as Normalisation
from ._card import save_model as save_model
from ._configs import CustomConfig as CustomConfig
from ._configs import LeNet5Config as LeNet5Config
from ._configs import LeNetConfig as LeNetConfig
from ._configs import MLPConfig as MLPConfig
from ._configs import ModelConfig as ModelConfig
from ._configs import SoftmaxConfig as SoftmaxConfig
from ._decision import LEAST_PROBABILITY as LEAST_PROBABILITY
from ._decision import NO_ANSWER as NO_ANSWER
from ._decision import Calibration as Calibration
from ._decision import Decisions as Decisions
from ._decision import decide as decide
from ._file import load_model as load_model
from ._file import load_weights as load_weights
from ._file import read_card as read_card
from ._file import read_network as read_network
from ._file import with_layers as with_layers
from ._folding import TrainedLayer as TrainedLayer
from ._folding import fold_network as fold_network
from ._folding import network_blocks as network_blocks
from ._modules import PartialConvolution as PartialConvolution
from ._modules import RadialBasis as RadialBasis
from ._modules import Residual as Residual
from ._modules import ScaledTanh as ScaledTanh
from ._modules import Subsampling as Subsampling
from ._network import Network as Network
from ._network import check_same as check_same
from ._networks import MLP as MLP
from ._networks import KernelNetwork as KernelNetwork
from ._networks import KernelSequential as KernelSequential
from ._networks import LeNet as LeNet
from ._networks import LeNet5 as LeNet5
from ._networks import SoftmaxRegression as SoftmaxRegression
from ._networks import as_lenet as as_lenet
from ._networks import make_predictor as make_predictor
from ._networks import recognise_blocks as recognise_blocks
from ._networks import recognise_network as recognise_network
from ._operations import TrainedProgram as TrainedProgram
from ._operations import evaluated_program as evaluated_program
from ._operations import is_quick_by_plain_passes as is_quick_by_plain_passes
from ._operations import kernel_predictor as kernel_predictor
from ._recognise import count_outputs as count_outputs
from ._recognise import draws_numbers as draws_numbers
from ._recognise import in_evaluation_mode as in_evaluation_mode
from ._registry import CUSTOM as CUSTOM
from ._registry import MODELS as MODELS
from ._registry import SEQUENTIAL as SEQUENTIAL
from ._registry import build_model as build_model
from ._registry import identify_model as identify_model
from ._registry import model_config as model_config
from ._registry import settings_from as settings_from
from ._registry import unknown_setting as unknown_setting
from ._summary import LayerSummary as LayerSummary
from ._summary import summarise as summarise
from .layers import initialise as initialise

__all__ = [
    "BUNDLED",
    "CUSTOM",
    "HEADER_KEY",
    "LEAST_PROBABILITY",
    "MLP",
    "MODELS",
    "NO_ANSWER",
    "SEQUENTIAL",
    "ArrayNetwork",
    "Calibration",
    "CustomConfig",
    "Decisions",
    "KernelNetwork",
    "KernelSequential",
    "LayerSummary",
    "LeNet",
    "LeNet5",
    "LeNet5Config",
    "LeNetConfig",
    "MLPConfig",
    "ModelCard",
    "ModelConfig",
    "Network",
    "Normalisation",
    "PartialConvolution",
    "RadialBasis",
    "Residual",
    "ScaledTanh",
    "SoftmaxConfig",
    "SoftmaxRegression",
    "Subsampling",
    "TrainedLayer",
    "TrainedProgram",
    "arrays_of",
    "as_lenet",
    "build_model",
    "check_numbers",
    "check_same",
    "count_outputs",
    "count_weights",
    "decide",
    "draws_numbers",
    "evaluated_program",
    "fold_network",
    "frozen_weights",
    "identify",
    "identify_model",
    "in_evaluation_mode",
    "initialise",
    "is_chain_of_blocks",
    "is_quick_by_plain_passes",
    "kernel_predictor",
    "known_network",
    "layers",
    "learnt_weights",
    "load_arrays",
    "load_model",
    "load_weights",
    "make_predictor",
    "model_config",
    "module_of",
    "network_blocks",
    "read_card",
    "read_network",
    "recognise_blocks",
    "recognise_network",
    "save_model",
    "settings_from",
    "summarise",
    "trained_blocks",
    "unknown_setting",
    "with_layers",
]
