from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# The book prints `torch.tensor(…)` and `X.reshape(…)`; the sources that it is made of, and whoever
# copies from them, write `d2l.tensor(…)` and `d2l.reshape(X, …)`.
_OF_TORCH = {
    **{name: name for name in "abs arange cos cosh exp eye float32 int32 linspace log".split()},
    **{name: name for name in "matmul meshgrid normal ones rand randn sin sinh stack".split()},
    **{name: name for name in "tanh tensor zeros".split()},
    "concat": "cat",
}
_METHODS = {
    **{name: name for name in ("argmax", "reshape", "to")},
    "astype": "type",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "transpose": "t",
}


def torch_alias(name: str) -> Any:
    """What the book's `d2l` merely calls by another name than PyTorch does; `None` for the rest."""
    if name in _OF_TORCH:
        return getattr(torch, _OF_TORCH[name])
    if name in _METHODS:
        return _as_function(_METHODS[name])
    return (lambda x: x.detach().numpy()) if name == "numpy" else None


def _as_function(method: str) -> Callable[..., Any]:
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, method)(*args, **kwargs)

    return call


def corr2d(X: Tensor, K: Tensor) -> Tensor:
    """The two-dimensional cross-correlation, without padding, in steps of one. Section 6.2.

    Args:
        X: The input, shape (H, W).
        K: The kernel, shape (h, w), no larger than the input.

    Returns:
        Floats of shape (H - h + 1, W - w + 1).

    >>> corr2d(torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    tensor([[19., 25.],
            [37., 43.]])
    """
    height, width = K.shape
    products = X.unfold(0, height, 1).unfold(1, width, 1) * K
    if not products.is_floating_point():
        products = products.to(torch.get_default_dtype())
    return products.sum((2, 3))
