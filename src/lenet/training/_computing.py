"""Where a recipe is computed, its learning rate, and a constant that PyTorch leaves unsaid."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lenet.core import Compute, cpu_threads, has_torch, require_torch
from lenet.errors import SettingError
from lenet.kernels import use_engine
from lenet.training._recipe import Recipe

# The shape of one-cycle, as torch.optim.lr_scheduler.OneCycleLR has it by default.
_WARM_UP = 0.3
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4
CLIPPING_EPSILON = 1e-6  # that of nn.utils.clip_grad_norm_
# What a driver of NVIDIA's, of AMD's or of Windows' subsystem for Linux brings along.
_GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/proc/driver/nvidia")


@contextmanager
def computing(compute: Compute) -> Iterator[str]:
    """Compute as chosen until the block ends, on the device that comes out.

    Raises:
        SettingError: The device or the compiled kernels are not here.
    """
    device = pick_device(compute.device)
    with cpu_threads(compute.threads), use_engine(compute.engine):
        yield device


def pick_device(name: str = "auto") -> str:
    """The device of a name, or the best there is.

    PyTorch is not asked where no other device than the CPU can be.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, …; `auto` is the first of CUDA, Apple's
            Metal and the CPU that this machine has.

    Raises:
        SettingError: There is no such device, or it is not on this machine.
        MissingExtraError: PyTorch is not installed, and it is not the CPU.
    """
    name = str(name)
    if name == "cpu" or (name == "auto" and not (_may_have_gpu() and has_torch())):
        return "cpu"
    require_torch(f"The device `{name}`")
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        message = f"There is no device `{name}` here; `auto` takes the best one that is."
        raise SettingError(message) from error
    return "cpu" if device.type == "cpu" else str(device)  # `cpu:0` is a name of it


def _may_have_gpu() -> bool:
    """Whether this machine could have a GPU that PyTorch knows; surely not where this says no."""
    return not sys.platform.startswith("linux") or any(map(os.path.exists, _GPU_FILES))


def learning_rate_at(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, as a function of the step alone.

    Args:
        recipe: Its schedule, peak learning rate and epochs.
        step: The step in the whole training, counted from 0.
        steps_per_epoch: Batches an epoch.

    >>> learning_rate_at(Recipe(schedule="cosine", learning_rate=1, epochs=2), 5, 5)
    0.5
    """
    peak, total = recipe.learning_rate, recipe.epochs * steps_per_epoch
    if recipe.schedule == "step":
        changes = step // steps_per_epoch // recipe.step_epochs
        return float(peak * recipe.step_factor**changes)
    if recipe.schedule == "cosine":
        return _cosine(peak, 0.0, step / total)
    if recipe.schedule == "one-cycle":
        start = peak / _START_DIVISOR
        turn = _WARM_UP * total - 1
        if step <= turn:
            return _cosine(start, peak, step / turn)
        return _cosine(peak, start / _END_DIVISOR, (step - turn) / max(total - 1 - turn, 1))
    return peak


def _cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` at progress 0 to `end` at 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
