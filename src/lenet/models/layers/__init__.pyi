from ._initial import initial_arrays as initial_arrays
from ._layer import MOST as MOST
from ._layer import Array as Array
from ._layer import Arrays as Arrays
from ._layer import Layer as Layer
from ._layer import Placed as Placed
from ._layer import Shape as Shape
from ._layer import arrays_under as arrays_under
from ._layer import place_layers as place_layers
from ._layer import receptive_fields as receptive_fields
from ._layer import shapes_of as shapes_of
from ._lenet5 import Distances as Distances
from ._lenet5 import PartialConvolution as PartialConvolution
from ._lenet5 import Subsampling as Subsampling
from ._lenet5 import connections_of as connections_of
from ._lenet5 import digit_pictures as digit_pictures
from ._lists import KINDS as KINDS
from ._lists import Initialisation as Initialisation
from ._lists import Residual as Residual
from ._lists import build_sequential as build_sequential
from ._lists import flat_layers as flat_layers
from ._lists import initialise as initialise
from ._lists import layers_from_dicts as layers_from_dicts
from ._lists import layers_to_dicts as layers_to_dicts
from ._lists import name_layers as name_layers
from ._numpy import apply as apply
from ._numpy import forward as forward
from ._numpy import forward_all as forward_all
from ._numpy import layer_values as layer_values
from ._standard import FUNCTIONS as FUNCTIONS
from ._standard import Activation as Activation
from ._standard import AdaptivePooling as AdaptivePooling
from ._standard import BatchNorm as BatchNorm
from ._standard import Convolution as Convolution
from ._standard import Dense as Dense
from ._standard import Dropout as Dropout
from ._standard import Flatten as Flatten
from ._standard import Padding as Padding
from ._standard import Pooling as Pooling

__all__ = [
    "FUNCTIONS",
    "KINDS",
    "MOST",
    "Activation",
    "AdaptivePooling",
    "Array",
    "Arrays",
    "BatchNorm",
    "Convolution",
    "Dense",
    "Distances",
    "Dropout",
    "Flatten",
    "Initialisation",
    "Layer",
    "Padding",
    "PartialConvolution",
    "Placed",
    "Pooling",
    "Residual",
    "Shape",
    "Subsampling",
    "apply",
    "arrays_under",
    "build_sequential",
    "connections_of",
    "digit_pictures",
    "flat_layers",
    "forward",
    "forward_all",
    "initial_arrays",
    "initialise",
    "layer_values",
    "layers_from_dicts",
    "layers_to_dicts",
    "name_layers",
    "place_layers",
    "receptive_fields",
    "shapes_of",
]
