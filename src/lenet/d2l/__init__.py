"""The tutorial's own names, over this package's code.

Put `from lenet import d2l` where the tutorial has `from d2l import torch as d2l`, and its program
runs unchanged.

Source: Zhang, Lipton, Li and Smola, *Dive into Deep Learning*, section 7.6 and the sections that it
takes these names from.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
