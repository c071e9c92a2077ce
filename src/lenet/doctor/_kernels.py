"""What the compiled kernels of an installation are, and whether they compute as PyTorch does.

`python -m lenet.doctor._kernels` compares them, in a process that they may crash, and prints the
largest difference.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lenet.doctor._installation import Finding
from lenet.errors import install_command
from lenet.kernels import KernelChoice, kernel_status, use_kernels

if TYPE_CHECKING:
    from torch import Tensor

_SELF_TEST = ("-m", "lenet.doctor._kernels")
_IMAGES = 33  # two full vectors of the widest kind, and one image more
_LARGEST_DIFFERENCE = 1e-4  # relative; rounding alone stays far below
_LAST_LINES = 3
_TIMEOUT = 120  # seconds, of which nearly all is for importing PyTorch on a slow disk
_VARIABLE = "LENET_INSTRUCTIONS"


def find_kernels() -> Finding:
    """Which compiled kernels there are, or why there are none."""
    status = kernel_status()
    chosen = os.environ.get(_VARIABLE)
    failed = re.findall(r"^(\w+): failed", status.build_log, re.MULTILINE)
    if status.reason is not None:
        text = f"none, so PyTorch does the work. {status.reason}"
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


def check_kernel_results() -> Finding:
    """Whether the kernels and PyTorch agree on a small batch, forward and backward."""
    import torch  # noqa: F401  (without it there is nothing to compare with)

    if kernel_status().reason is not None:
        return Finding("results", "ok", "PyTorch's own")
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
    difference = float(process.stdout)
    if not math.isfinite(difference):
        text = "the kernels give numbers that are not finite"
        return Finding("results", "wrong", text, advice)
    if difference > _LARGEST_DIFFERENCE:
        text = f"the kernels' logits or gradients are {difference:.0e} of their norm off PyTorch's"
        return Finding("results", "wrong", text, advice)
    text = f"logits and gradients agree with PyTorch's to {difference:.0e} of their norm"
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
        text = importlib.metadata.distribution("lenet").read_text("direct_url.json")
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


def largest_difference() -> float:
    """The norm of a difference relative to that of PyTorch's numbers, the largest that there is.

    Not finite where one of the kernels' numbers is not.
    """
    import torch

    differences = [
        (ours - theirs).norm() / theirs.norm()
        for ours, theirs in zip(_numbers("native"), _numbers("torch"), strict=True)
    ]
    return float(torch.stack(differences).max())  # unlike Python's, this maximum keeps `nan`


def _numbers(kernels: KernelChoice) -> list[Tensor]:
    """Logits and gradients of the tutorial's network."""
    import torch
    from torch import nn

    from lenet.models import LeNetConfig, build_model

    network = build_model(LeNetConfig(), seed=0)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_IMAGES, 1, 28, 28, generator=generator)
    labels = torch.randint(10, (_IMAGES,), generator=generator)
    with use_kernels(kernels):
        logits = network(images)
        loss = nn.functional.cross_entropy(logits, labels)
        return [logits.detach(), *torch.autograd.grad(loss, list(network.parameters()))]


if __name__ == "__main__":
    sys.stdout.write(f"{largest_difference()}\n")
