"""Train, understand and ship a small image classifier.

>>> import lenet
>>> digits = lenet.load_dataset("digits")
>>> digits.image_shape
(1, 28, 28)

Importing the package costs next to nothing: PyTorch is imported when a name that needs it is
first used.
"""

from typing import Any

import lazy_loader

from lenet._version import __version__ as __version__

_find_name, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "__all__":
        from lenet.core import names_to_be_had

        return names_to_be_had(__name__, _names)
    return _find_name(name)
