"""Names of the book that are PyTorch's own, and those that are not here."""

import difflib
from collections.abc import Callable, Iterable
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
_CLASSES = "of the English edition's classes, which `lenet.d2l` does not have."
_NETWORK = "Write the network as an `nn.Sequential` and train it with `d2l.train_ch6`."
_KAGGLE = "of section 4.10, whose own cells define it. Run those, or open the file with pandas."

# What it is in the book, and what stands in for it here.
_ELSEWHERE = {
    **{
        name: f"{_CLASSES} {_NETWORK}"
        for name in (
            *("Classifier", "DataModule", "HyperParameters", "LinearRegression"),
            *("LinearRegressionScratch", "Module", "ProgressBoard", "SoftmaxRegression"),
            *("Trainer", "add_to_class", "nn_Module"),
        )
    },
    "FashionMNIST": f"{_CLASSES} `d2l.load_data_fashion_mnist(batch_size)` gives the batches.",
    "LeNet": f"{_CLASSES} `lenet.LeNet()` is the network, and `d2l.train_ch6` trains it.",
    "SGD": f"{_CLASSES} Take `torch.optim.SGD`, or section 3.2's `d2l.sgd`.",
    "SyntheticRegressionData": f"{_CLASSES} `d2l.synthetic_data` gives the tensors.",
    "init_cnn": "of the English edition; `d2l.train_ch6` draws the weights in the same way.",
    "cpu": 'of the English edition. Take `torch.device("cpu")`.',
    "gpu": "of the English edition. Take `d2l.try_gpu`.",
    "num_gpus": "of the English edition. Take `torch.cuda.device_count`.",
    **{
        name: _KAGGLE
        for name in ("DATA_HUB", "DATA_URL", "download", "download_all", "download_extract")
    },
    "Residual": "of section 7.6, whose own cells define it.",
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


def explain(name: str, names: Iterable[str]) -> str:
    """Why a name is not there, and what to use instead."""
    if name in _ELSEWHERE:
        return f"`d2l.{name}` is {_ELSEWHERE[name]}"
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return (
        f"`lenet.d2l` has no `{name}`.{hint} It has what chapters 3 to 7 of the book take from "
        "`d2l`; for a name of a later chapter, run the cell that defines it."
    )
