import os
from collections.abc import Iterator
from pathlib import Path

import torch

from lenet.doctor._finding import Finding
from lenet.runs import core_count

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_VARIABLE = "OMP_NUM_THREADS"


def find_cores() -> Finding:
    """CPU threads beside the cores that this process may use."""
    threads, cores = torch.get_num_threads(), _usable_cores()
    text = (
        f"PyTorch takes {_count(threads, 'CPU thread')}, this process may use "
        f"{_count(cores, 'core')}"
    )
    if _VARIABLE in os.environ:
        text += f"; `{_VARIABLE}` is `{os.environ[_VARIABLE]}`"
    if threads <= cores:
        return Finding("cores", "ok", text)
    fitting = int(cores) or 1
    advice = (
        "More threads than cores slow each other down: use `lenet train --threads "
        f"{fitting}`, or set `{_VARIABLE}={fitting}` for every command."
    )
    return Finding("cores", "note", text, advice)


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


def _count(number: float, name: str) -> str:
    """A number of things."""
    return f"{number:g} {name}{'' if number == 1 else 's'}"
