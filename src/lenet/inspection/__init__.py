"""What happens inside a trained network: filters, activations, saliency, neighbours, a map."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
