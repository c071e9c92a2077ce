"""Compiled CPU code for the networks of this family, and its Python face.

A convolution with activation and pooling, a dense layer with activation, whole networks of them,
and the whole training step. Where the code could not be compiled or does not serve a network,
PyTorch's own operations do the work.
"""

from lenet.core import attach_names

__getattr__, __dir__ = attach_names(__name__, __file__)
