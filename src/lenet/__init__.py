"""Train, understand and ship a small image classifier.

>>> import lenet
>>> digits = lenet.load_dataset("digits")
>>> digits.image_shape
(1, 28, 28)

Importing the package costs next to nothing: PyTorch is imported when a name that needs it is
first used.
"""

import lazy_loader

from lenet._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
