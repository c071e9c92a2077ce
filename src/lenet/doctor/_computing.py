"""What an installation computes with: devices, cores, engines, and kernels that compute rightly.

PyTorch is imported by those who look at it alone: it may be broken, or not installed.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lenet.core import distribution_name, has_torch, install_command, thread_count
from lenet.kernels import kernel_status
from lenet.runs import core_count

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_THREADS = "OMP_NUM_THREADS"
_HIDING = "CUDA_VISIBLE_DEVICES"
_SELF_TEST = ("-m", "lenet.doctor._self_test")
_LARGEST_DIFFERENCE = 1e-4  # relative; rounding alone stays far below
_LAST_LINES = 3
_TIMEOUT = 120  # seconds, of which nearly all is for importing PyTorch on a slow disk
_VARIABLE = "LENET_INSTRUCTIONS"


@dataclass(frozen=True)
class Finding:
    """What was found about one part of an installation.

    Attributes:
        name: The part.
        state: `ok`; `note` where something could be better; `wrong` where something does not work.
        text: What is so.
        advice: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: Literal["ok", "note", "wrong"]
    text: str
    advice: str = ""


def find_device() -> Finding:
    """What `--device auto` takes, and whether it computes."""
    from lenet.training import pick_device

    if not has_torch():
        text = "`auto` takes `cpu`"
        if not _has_nvidia_driver():
            return Finding("device", "ok", text)
        text += ", though an NVIDIA driver is here; nothing but PyTorch computes on a GPU"
        return Finding("device", "note", text, f"Install it: `{install_command('torch')}`.")
    import torch

    with warnings.catch_warnings(record=True) as caught:  # PyTorch's word on a driver or a GPU
        warnings.simplefilter("always")
        device = pick_device("auto")
    text = f"`auto` takes `{device}`"
    if device == "cuda":
        count = torch.cuda.device_count()
        text += f": {', '.join(torch.cuda.get_device_name(index) for index in range(count))}"
    elif device == "cpu" and _has_nvidia_driver():
        warning = "".join(f" {warning.message}" for warning in caught)
        return _gpu_left_out(text, torch.version.cuda, warning)
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


def _gpu_left_out(text: str, cuda: str | None, warning: str) -> Finding:
    """That there seems to be a GPU, and why PyTorch does not take it."""
    text += ", though an NVIDIA driver is here"
    if cuda is None:
        text += "; this PyTorch is built for the CPU alone"
        advice = "https://pytorch.org has the command that installs a PyTorch for CUDA."
    elif _HIDING in os.environ:
        text += f"; `{_HIDING}` is `{os.environ[_HIDING]}`"
        advice = f"Unset `{_HIDING}` to use the GPU."
    else:
        text += f"; PyTorch for CUDA {cuda} finds no GPU.{warning}"
        advice = "Update the driver, or install a PyTorch for its CUDA: see https://pytorch.org."
    return Finding("device", "note", text, advice)


def find_cores() -> Finding:
    """CPU threads beside the cores that this process may use."""
    if has_torch():
        import torch  # noqa: F401  (which then says how many)
    threads, cores = thread_count(), _usable_cores()
    who = "PyTorch" if has_torch() else "lenet"
    text = (
        f"{who} takes {threads} CPU thread{'s' * (threads != 1)}, this process may use "
        f"{cores:g} core{'s' * (cores != 1)}"
    )
    if _THREADS in os.environ:
        text += f"; `{_THREADS}` is `{os.environ[_THREADS]}`"
    if threads <= cores:
        return Finding("cores", "ok", text)
    fitting = int(cores) or 1
    advice = (
        "More threads than cores slow each other down: use `lenet train --threads "
        f"{fitting}`, or set `{_THREADS}={fitting}` for every command."
    )
    return Finding("cores", "note", text, advice)


def _computes() -> str:
    """What computes where PyTorch would."""
    return "PyTorch" if has_torch() else "NumPy"


def _usable_cores() -> float:
    """Cores that the system lets this process use: affinity, and on Linux a container's quota."""
    return min([core_count(), *_quotas()])


def _quotas() -> Iterator[float]:
    """What the control groups that this process is in, and those above them, allow it in cores."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # the second version of control groups
            top, names = _CONTROL_GROUPS, ["cpu.max"]
        elif "cpu" in controllers.split(","):
            top, names = _CONTROL_GROUPS / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            try:
                quota, period = " ".join((folder / name).read_text() for name in names).split()
                if int(quota) > 0:  # -1 is no quota
                    yield int(quota) / int(period)
            except (OSError, ValueError):  # no such file, or `max` for no quota
                pass
            if folder == top:
                break


def find_kernels() -> Finding:
    """Which compiled kernels there are, or why there are none."""
    status = kernel_status()
    chosen = os.environ.get(_VARIABLE)
    failed = re.findall(r"^(\w+): failed", status.build_log, re.MULTILINE)
    if status.reason is not None:
        text = f"none, so {_computes()} does the work. {status.reason}"
        if chosen:
            advice = f"Unset `{_VARIABLE}` for the best that there are."
        else:
            advice = (
                "The kernels are several times faster on a CPU. With a C++17 compiler (`g++` or "
                f"`clang++`) on the path, install lenet again:\n{_install_again(status.build_log)}"
            )
        return Finding("kernels", "note", text, advice)
    text = f"compiled for {status.instructions}, {status.lanes} images in a vector"
    if chosen:
        text += f"; `{_VARIABLE}` chooses them"
    elif status.damaged:
        advice = f"Install lenet again:\n{_install_again(status.build_log)}"
        return Finding("kernels", "note", f"{text}. {' '.join(status.damaged)}", advice)
    elif failed:
        text += f"; could not be compiled for {', '.join(failed)}"
        advice = "A newer `g++` or `clang++` may do it. Then install lenet again:\n"
        return Finding("kernels", "note", text, advice + _install_again(status.build_log))
    return Finding("kernels", "ok", text)


def find_engines() -> Finding:
    """What can train here, and which of it `auto` takes."""
    native, torch = kernel_status().reason is None, has_torch()
    names = [f"`{name}`" for name, here in (("native", native), ("torch", torch)) if here]
    names.append("`numpy`")
    text = f"{', '.join(names)}; `auto` takes {names[0]} on a CPU"
    if native:
        text += f", and {names[1]} where that does not serve"
        return Finding("engines", "ok", text)
    if torch:
        return Finding("engines", "ok", text)
    advice = (
        "NumPy trains slowly. Much faster are PyTorch, and the kernels that a C++ compiler makes "
        "as lenet is installed."
    )
    return Finding("engines", "note", text, advice)


def check_kernel_results() -> Finding:
    """Whether the kernels and PyTorch agree on a small batch, forward and backward.

    Where that is not installed, they are compared with NumPy.
    """
    other = _computes()
    if has_torch():
        import torch  # noqa: F401  (with one that is broken there is nothing to compare)
    if kernel_status().reason is not None:
        return Finding("results", "ok", f"{other}'s own")
    advice = f"Set `{_VARIABLE}=none`, and please report this, with the whole output."
    process = subprocess.run(
        [sys.executable, *_SELF_TEST],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if process.returncode:
        text = f"the kernels crashed: {_last_words(process)}"
        return Finding("results", "wrong", text, advice)
    try:
        difference = float(process.stdout)
    except ValueError:  # the kernels are left out, for the reason that is told instead
        text, advice = process.stdout.strip(), "PyTorch computes by itself, with the same results."
        return Finding("results", "note", text, advice)
    if not math.isfinite(difference):
        text = "the kernels give numbers that are not finite"
        return Finding("results", "wrong", text, advice)
    if difference > _LARGEST_DIFFERENCE:
        text = f"the kernels' logits or gradients are {difference:.0e} of their norm off {other}'s"
        return Finding("results", "wrong", text, advice)
    text = f"logits and gradients agree with {other}'s to {difference:.0e} of their norm"
    return Finding("results", "ok", text)


def _last_words(process: subprocess.CompletedProcess[str]) -> str:
    """The signal that ended a process, or the end of what it said."""
    if process.returncode < 0:
        number = -process.returncode
        return signal.strsignal(number) or f"signal {number}"
    return (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]


def _install_again(build_log: str) -> str:
    """The command that installs lenet again, and the end of what the build said; as they are."""
    command = install_command("--force-reinstall --no-deps --no-cache-dir")
    lines = [f"  {command} {_origin() or '…, then what you installed it from'}"]
    if said := build_log.splitlines()[-_LAST_LINES:]:
        lines += ["The build said:", *(f"  {line}" for line in said)]
    return "\n".join(lines)


def _origin() -> str | None:
    """Where pip installed lenet from, as it takes it, if that holds the kernels' source."""
    try:
        text = importlib.metadata.distribution(distribution_name()).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    origin = json.loads(text or "{}")
    if "vcs_info" in origin:
        source = origin["vcs_info"]
        return shlex.quote(f"{source['vcs']}+{origin['url']}@{source['commit_id']}")
    if "dir_info" in origin:
        folder = shlex.quote(str(Path(url2pathname(urlsplit(origin["url"]).path))))
        return f"-e {folder}" if origin["dir_info"].get("editable") else folder
    return None
