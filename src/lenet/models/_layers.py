from typing import Any

from torch import nn


def same_layers(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks compute the same of the same weights, as far as their layers decide."""
    return [_describe(layer) for layer in one.children()] == [
        _describe(layer) for layer in other.children()
    ]


def _describe(layer: nn.Module) -> tuple[str, dict[str, Any]]:
    """All that decides what a layer computes, besides its weights; not all of it is printed."""
    settings = {name: value for name, value in vars(layer).items() if not name.startswith("_")}
    settings.pop("training")
    return repr(layer), settings
