import os
import sys
from pathlib import Path

import torch

from lenet.doctor._finding import Finding
from lenet.runs import describe_environment
from lenet.training import pick_device


def find_machine() -> Finding:
    """System and processor."""
    environment = describe_environment(torch.device("cpu"))
    return Finding("machine", "ok", f"{environment['processor']}, {environment['platform']}")


def find_device() -> Finding:
    """What `--device auto` takes."""
    device = pick_device("auto")
    name = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return Finding("device", "ok", f"`auto` takes `{device.type}`{name}")


def find_cores() -> Finding:
    """CPU threads beside the cores that this process may use."""
    threads, cores = torch.get_num_threads(), _usable_cores()
    text = f"{threads} CPU threads, {cores:g} cores for this process"
    if threads > cores:
        advice = f"More threads than cores slow each other down: use `--threads {int(cores) or 1}`."
        return Finding("cores", "note", text, advice)
    return Finding("cores", "ok", text)


def _usable_cores() -> float:
    """Cores that the system lets this process use: affinity, and on Linux a container's quota."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or `max` for no quota
        return cores
