"""Recipes, the training loop, and what can be seen of it while it runs."""

from lenet.core import attach_names

__getattr__, __dir__ = attach_names(__name__, __file__)
