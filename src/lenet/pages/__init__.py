"""Self-contained HTML pages: what stands in them, how it looks, and nothing from elsewhere."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
