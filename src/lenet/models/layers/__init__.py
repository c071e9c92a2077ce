"""What a network is made of: every kind of layer, as plain data that knows all about its kind.

A network is a list of such layers (`lenet.Network`). Whatever computes a network, shows it or
writes it down goes by that list: PyTorch, the compiled kernels, the summary, C, the page, the model
file.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
