"""The book's own names, over this package's code.

Put `from lenet import d2l` where the book has `from d2l import torch as d2l`, and the programs of
its chapters 3, 4 and 6 run.

Source: Zhang, Lipton, Li and Smola, *Dive into Deep Learning*, second Chinese edition, whose
sections are those named here. The English edition trains by classes since its version 1.0,
`d2l.Trainer` and `d2l.Classifier`, which are not here; before, it had these functions.
"""

from typing import Any

import lazy_loader

from lenet.core import require_torch

_own_name, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        require_torch("`lenet.d2l`")
    if name in __all__ or name.startswith("_"):
        return _own_name(name)
    from lenet.d2l._names import explain, torch_alias

    alias = torch_alias(name)
    if alias is None:
        # `obj` is set, or an interactive Python would add a suggestion of its own.
        raise AttributeError(explain(name, __all__), name=name, obj=None)
    return alias
