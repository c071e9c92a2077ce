"""A trained model where its users are: ONNX, C, a web page, a folder for a hub; each is checked."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
