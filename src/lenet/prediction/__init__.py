"""Answers for pictures of one's own: what they are, how sure that is, and what the network saw."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
