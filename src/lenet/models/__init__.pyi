from ._blocks import network_blocks as network_blocks
from ._bundled import BUNDLED as BUNDLED
from ._card import HEADER_KEY as HEADER_KEY
from ._card import Calibration as Calibration
from ._card import ModelCard as ModelCard
from ._card import Normalisation as Normalisation
from ._card import check_numbers as check_numbers
from ._card import read_card as read_card
from ._file import load_model as load_model
from ._file import save_model as save_model
from ._initialisation import initialise as initialise
from ._lenet import LeNet as LeNet
from ._lenet5 import LeNet5 as LeNet5
from ._lenet5_config import LeNet5Config as LeNet5Config
from ._lenet5_layers import PartialConvolution as PartialConvolution
from ._lenet5_layers import RadialBasis as RadialBasis
from ._lenet5_layers import ScaledTanh as ScaledTanh
from ._lenet_config import LeNetConfig as LeNetConfig
from ._model_config import ModelConfig as ModelConfig
from ._plain_layers import ActivationLayer as ActivationLayer
from ._plain_layers import ConvolutionLayer as ConvolutionLayer
from ._plain_layers import DenseLayer as DenseLayer
from ._plain_layers import DistanceLayer as DistanceLayer
from ._plain_layers import PlainLayer as PlainLayer
from ._plain_layers import PoolingLayer as PoolingLayer
from ._plain_layers import SubsamplingLayer as SubsamplingLayer
from ._plain_layers import plain_layers as plain_layers
from ._predecessor_configs import MLPConfig as MLPConfig
from ._predecessor_configs import SoftmaxConfig as SoftmaxConfig
from ._predecessors import MLP as MLP
from ._predecessors import SoftmaxRegression as SoftmaxRegression
from ._recognise import recognise_lenet as recognise_lenet
from ._registry import MODELS as MODELS
from ._registry import build_model as build_model
from ._registry import identify_model as identify_model
from ._registry import model_config as model_config
from ._registry import unknown_setting as unknown_setting
from ._summary import LayerSummary as LayerSummary
from ._summary import summarise as summarise

__all__ = [
    "BUNDLED",
    "HEADER_KEY",
    "MLP",
    "MODELS",
    "ActivationLayer",
    "Calibration",
    "ConvolutionLayer",
    "DenseLayer",
    "DistanceLayer",
    "LayerSummary",
    "LeNet",
    "LeNet5",
    "LeNet5Config",
    "LeNetConfig",
    "MLPConfig",
    "ModelCard",
    "ModelConfig",
    "Normalisation",
    "PartialConvolution",
    "PlainLayer",
    "PoolingLayer",
    "RadialBasis",
    "ScaledTanh",
    "SoftmaxConfig",
    "SoftmaxRegression",
    "SubsamplingLayer",
    "build_model",
    "check_numbers",
    "identify_model",
    "initialise",
    "load_model",
    "model_config",
    "network_blocks",
    "plain_layers",
    "read_card",
    "recognise_lenet",
    "save_model",
    "summarise",
    "unknown_setting",
]
