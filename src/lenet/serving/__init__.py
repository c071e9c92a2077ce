"""Trained models behind an HTTP API, with the playground at its root."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
