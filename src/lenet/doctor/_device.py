import os
import shutil
import warnings
from pathlib import Path

import torch

from lenet.doctor._finding import Finding
from lenet.training import pick_device

_HIDING = "CUDA_VISIBLE_DEVICES"


def find_device() -> Finding:
    """What `--device auto` takes, and whether it computes."""
    with warnings.catch_warnings(record=True) as caught:  # PyTorch's word on a driver or a GPU
        warnings.simplefilter("always")
        device = pick_device("auto")
    text = f"`auto` takes `{device.type}`"
    if device.type == "cuda":
        count = torch.cuda.device_count()
        text += f": {', '.join(torch.cuda.get_device_name(index) for index in range(count))}"
    elif device.type == "cpu" and _has_nvidia_driver():
        return _gpu_left_out(text, "".join(f" {warning.message}" for warning in caught))
    try:
        works = torch.ones(2, device=device).add(1).sum().item() == 4
        problem = "" if works else "1 + 1 is not 2 there"
    except RuntimeError as error:
        problem = str(error).partition("\n")[0]
    if not problem:
        return Finding("device", "ok", text)
    advice = "Use `--device cpu`, or install a PyTorch for this device: see https://pytorch.org."
    return Finding("device", "wrong", f"{text}, which does not compute: {problem}", advice)


def _has_nvidia_driver() -> bool:
    """Whether a GPU of NVIDIA's is set up here, whatever PyTorch makes of it."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _gpu_left_out(text: str, warning: str) -> Finding:
    """That there seems to be a GPU, and why PyTorch does not take it."""
    text += ", though an NVIDIA driver is here"
    if torch.version.cuda is None:
        text += "; this PyTorch is built for the CPU alone"
        advice = "https://pytorch.org has the command that installs a PyTorch for CUDA."
    elif _HIDING in os.environ:
        text += f"; `{_HIDING}` is `{os.environ[_HIDING]}`"
        advice = f"Unset `{_HIDING}` to use the GPU."
    else:
        text += f"; PyTorch for CUDA {torch.version.cuda} finds no GPU.{warning}"
        advice = "Update the driver, or install a PyTorch for its CUDA: see https://pytorch.org."
    return Finding("device", "note", text, advice)
