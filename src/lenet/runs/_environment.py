import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lenet._version import __version__
from lenet.kernels import kernel_status
from lenet.runs._processor import processor_name


def describe_environment(device: torch.device) -> dict[str, Any]:
    """What a run ran on: versions, machine, and the git commit of the folder it was started in."""
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
