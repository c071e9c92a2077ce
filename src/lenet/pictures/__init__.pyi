from ._preparation import Preparation as Preparation

__all__ = [
    "Preparation",
]
