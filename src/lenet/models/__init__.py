"""The networks, their layer-by-layer summary, and the model file that explains itself."""

from lenet.core import attach_names

__getattr__, __dir__ = attach_names(__name__, __file__)
