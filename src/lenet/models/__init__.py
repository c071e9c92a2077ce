"""The networks, their layer-by-layer summary, and the model file that explains itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
