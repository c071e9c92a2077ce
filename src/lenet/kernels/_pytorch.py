"""What nothing public of PyTorch's tells: the one file with its private names.

A release may drop or change any of them: `check_pytorch` tries them before the kernels rely on it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

# What `register_module_forward_hook` and its like fill.
_GLOBAL_HOOKS: dict[str, dict[Any, Any]] = {
    name: hooks
    for name, hooks in vars(nn.modules.module).items()
    if name.startswith(("_global_forward", "_global_backward")) and isinstance(hooks, dict)
}


def layers_of(module: nn.Module) -> Mapping[str, nn.Module]:
    """The layers right in a module, by name; one in two places twice, unlike `named_children`."""
    return module._modules  # type: ignore[return-value]


def parameters_of(layer: nn.Module) -> Mapping[str, nn.Parameter | None]:
    """A layer's own parameters, and `None` for those that it does without."""
    return layer._parameters


def buffers_of(layer: nn.Module) -> Mapping[str, Tensor | None]:
    """A layer's own buffers, and `None` for those that it does without."""
    return layer._buffers


def has_global_hooks() -> bool:
    """Whether something wants to see what goes through every module there is."""
    return any(_GLOBAL_HOOKS.values())


def has_hooks(layer: nn.Module) -> bool:
    """Whether something wants to see what goes in and out of a layer, forward or backward."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def has_gradient_hooks(tensor: Tensor) -> bool:
    """Whether something wants to see a tensor's gradient."""
    return bool(tensor._backward_hooks or tensor._post_accumulate_grad_hooks)


def is_in_transform() -> bool:
    """Whether `torch.func`, or a forward gradient, is at work."""
    transformed = torch._C._functorch.peek_interpreter_stack() is not None
    return transformed or torch.autograd.forward_ad._current_level >= 0


def is_dispatched() -> bool:
    """Whether a mode wants to see PyTorch's operations."""
    return torch._C._len_torch_dispatch_stack() > 0


def find_unheard() -> str | None:
    """What could listen to PyTorch's layers or operations and go unnoticed here, if anything."""
    kinds = "forward_pre", "forward", "backward_pre", "backward"
    if not _GLOBAL_HOOKS.keys() >= {f"_global_{kind}_hooks" for kind in kinds}:
        return "hooks of all modules"
    layer = nn.Identity()
    tensor = torch.zeros(1, device="cpu", requires_grad=True)
    registering: list[Callable[..., Any]] = [
        layer.register_forward_hook,
        layer.register_forward_pre_hook,
        layer.register_full_backward_hook,
        layer.register_full_backward_pre_hook,
        tensor.register_hook,
        tensor.register_post_accumulate_grad_hook,
    ]
    for register in registering:
        hook = register(lambda *_: None)
        heard = [has_hooks(layer) or has_gradient_hooks(tensor)]
        hook.remove()
        heard.append(has_hooks(layer) or has_gradient_hooks(tensor))
        if heard != [True, False]:
            return "the hooks of a layer or a gradient"
    heard = [is_in_transform()]  # `vmap` is not tried: it would import PyTorch's compiler
    with torch.autograd.forward_ad.dual_level():
        heard.append(is_in_transform())
    if heard != [False, True]:
        return "`torch.func`"
    heard = [is_dispatched()]
    with TorchDispatchMode():  # type: ignore[no-untyped-call]
        heard.append(is_dispatched())
    return None if heard == [False, True] else "a mode that sees operations"
