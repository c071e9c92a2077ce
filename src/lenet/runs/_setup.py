"""What a run runs on: versions, machine, the git commit."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet._version import __version__
from lenet.kernels import kernel_status

if TYPE_CHECKING:
    import torch


def describe_environment(device: "torch.device") -> dict[str, Any]:
    """What a run ran on: versions, machine, and the git commit of the folder it was started in."""
    import numpy as np
    import torch

    return {
        "lenet": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "kernels": kernel_status().instructions,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git_commit": _git("rev-parse", "HEAD"),
        "git_changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def _git(*arguments: str) -> str | None:
    """What a git command prints, or nothing where there is no git or no repository."""
    try:
        process = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() or None if process.returncode == 0 else None


def processor_name() -> str:
    """The processor's name, as Linux has it or else as Python does."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def core_count() -> int:
    """How many cores this process may run on, as far as it is tied to some."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
