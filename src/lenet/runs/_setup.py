"""How a training is set up in its process: options, threads, and what it runs on."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet._version import __version__
from lenet.core import (
    Compute,
    check_range,
    has_torch,
    hide_in_command,
    install_command,
    option,
    set_thread_count,
    thread_count,
)
from lenet.kernels import kernel_status
from lenet.training import PRESETS

if TYPE_CHECKING:
    from lenet.training import Trainer


@dataclass(frozen=True)
class RunsOptions(Compute):
    """Where runs are made, and whether those that are there are taken.

    Attributes:
        runs_folder: Where the run folder is made.
        reuse: Where a run in `runs_folder` has the same network, recipe, data, seed and version of
            lenet, take that one: as it is if it is complete, and gone on with if it was stopped.
    """

    runs_folder: Path = Path("runs")
    reuse: bool = False


@dataclass(frozen=True)
class TrainOptions(RunsOptions):
    """How a training is made, besides network, images and recipe.

    Attributes:
        preset: A network and recipe that work together.
        seed: Decides weights, order, augmentation and split.
        track: Tell a tracker too: `tensorboard` or `mlflow`. May be given twice; may stand beside
            `--resume`.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    preset: str | None = option(None, usual="the one that suits network and data", names=PRESETS)
    seed: int = 0
    track: tuple[str, ...] = option((), metavar="NAME")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("seed", self.seed, 0, 2**63 - 1)


def set_threads(threads: int | None, processes: int = 1) -> int:
    """Set the number of CPU threads, and say what it is.

    Where none is given, several processes share the cores, and one leaves it as it is.
    """
    if threads is None and processes > 1:
        threads = max(1, core_count() // processes)
    if threads is not None:
        set_thread_count(threads)
    return thread_count()


def advice_on_speed(trainer: "Trainer") -> str | None:
    """What would make a training on the CPU faster, where the fastest engine does not serve."""
    if trainer.device != "cpu":
        return None
    engine, status = trainer.engine.name, kernel_status()
    reason, torch = status.reason, install_command("torch")
    wanted = os.environ.get("LENET_INSTRUCTIONS")
    chosen = bool(wanted)
    if engine == "native" and status.damaged:
        return f"{status.damaged[-1]} Install lenet again to be faster."
    if engine == "torch" and reason and chosen and wanted != "none":
        return f"PyTorch trains this network. {reason} Correct it, or unset it, to be faster."
    if engine == "torch" and reason and not chosen:
        return (
            f"PyTorch trains this network. {reason} A C++ compiler and then lenet again would "
            "make it several times faster."
        )
    if engine != "numpy":
        return None
    if reason and chosen:  # by which they are turned off
        return f"NumPy trains this network, slowly. {reason} Unset it to be much faster."
    if reason:
        return (
            f"NumPy trains this network, slowly. {reason} Install PyTorch (`{torch}`), or a C++ "
            "compiler and then lenet again, to be much faster."
        )
    return (
        "NumPy trains this network, slowly, as the compiled kernels do not serve it. Install "
        f"PyTorch to be much faster: `{torch}`."
    )


def describe_environment(device: str) -> dict[str, Any]:
    """What a run ran on: versions, machine, and the git commit of the folder it was started in."""
    import numpy as np

    return {
        "lenet": __version__,
        "python": platform.python_version(),
        "torch": _version_of_torch(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": processor_name(),
        "device": _name_of(device),
        "kernels": kernel_status().instructions,
        "command": hide_in_command([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "git_commit": _git("rev-parse", "HEAD"),
        "git_changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def _version_of_torch() -> str | None:
    try:
        return version("torch") if has_torch() else None
    except PackageNotFoundError:
        return None


def _name_of(device: str) -> str:
    """A GPU's own name, or the kind of the device."""
    if not device.startswith("cuda"):
        return device.partition(":")[0]
    import torch

    return torch.cuda.get_device_name(device)


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
