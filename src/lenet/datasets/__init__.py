"""Named datasets, the readers of their files, and batches that come straight from memory."""

from lenet.core import attach_names

__getattr__, __dir__ = attach_names(__name__, __file__)
