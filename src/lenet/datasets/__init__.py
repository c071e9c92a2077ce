"""Named datasets, the readers of their files, and batches that come straight from memory."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
