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
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lenet.doctor import _self_test
from lenet.doctor._finding import Finding
from lenet.errors import install_command
from lenet.kernels import kernel_status

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
    if kernel_status().reason is not None:
        return Finding("results", "ok", "PyTorch's own")
    advice = f"Set `{_VARIABLE}=none`, and please report this, with the whole output."
    process = _run_self_test()
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


def _run_self_test() -> subprocess.CompletedProcess[str]:
    """The self-test in a process of its own: code that crashes takes its process with it."""
    return subprocess.run(
        [sys.executable, str(_self_test.__file__)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


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
