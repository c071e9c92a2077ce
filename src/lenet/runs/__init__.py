"""The run folder: what was trained, how, on what, how it went, and how to go on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
