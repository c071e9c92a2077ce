"""What is known of a trained network: scores, the look inside, and pages that show it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
