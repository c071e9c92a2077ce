"""What an installation has: versions, device, cores, data, where runs are kept, peers.

PyTorch is imported by those who look at it alone: it may be missing or broken.
"""

import importlib.metadata
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lenet._version import __version__
from lenet.datasets import CATALOG, cached_datasets, data_folder, is_offline
from lenet.errors import install_command
from lenet.runs import core_count, processor_name

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_THREADS = "OMP_NUM_THREADS"
_HIDING = "CUDA_VISIBLE_DEVICES"
_DATA = "LENET_DATA"
_DEFAULT_DATASET = "fashion-mnist"
_LITTLE_SPACE = 1e9  # bytes
_PEERS = ("onnxruntime", "jax")


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


def find_versions() -> Finding:
    """Of lenet, Python and PyTorch, and whether PyTorch works and is one that was tested."""
    text = f"lenet {__version__}, Python {platform.python_version()}"
    wanted = _wanted_torch()
    install = install_command(f"'torch{wanted}'")
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding("versions", "wrong", f"{text}, no PyTorch", f"Install it: `{install}`.")
    text += f", PyTorch {version}"
    try:
        import torch  # noqa: F401
    except Exception as error:  # libraries that are missing or do not fit are of several classes
        command = install_command(f"--force-reinstall 'torch{wanted}'")
        advice = f"Install it again: `{command}`."
        return Finding("versions", "wrong", f"{text}, which can't be imported: {error}", advice)
    if wanted.contains(version, prereleases=True):
        return Finding("versions", "ok", text)
    return Finding("versions", "note", text, f"lenet was tested with torch{wanted}: `{install}`.")


def _wanted_torch() -> SpecifierSet:
    """The versions of PyTorch that the package asks for, any where it is not installed."""
    try:
        texts = importlib.metadata.requires("lenet") or []
    except importlib.metadata.PackageNotFoundError:
        texts = []
    requirements = map(Requirement, texts)
    return next((each.specifier for each in requirements if each.name == "torch"), SpecifierSet())


def find_machine() -> Finding:
    """Processor and system."""
    return Finding("machine", "ok", f"{processor_name()}, {platform.platform()}")


def find_device() -> Finding:
    """What `--device auto` takes, and whether it computes."""
    import torch

    from lenet.training import pick_device

    with warnings.catch_warnings(record=True) as caught:  # PyTorch's word on a driver or a GPU
        warnings.simplefilter("always")
        device = pick_device("auto")
    text = f"`auto` takes `{device.type}`"
    if device.type == "cuda":
        count = torch.cuda.device_count()
        text += f": {', '.join(torch.cuda.get_device_name(index) for index in range(count))}"
    elif device.type == "cpu" and _has_nvidia_driver():
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
    import torch

    threads, cores = torch.get_num_threads(), _usable_cores()
    text = (
        f"PyTorch takes {threads} CPU thread{'s' * (threads != 1)}, this process may use "
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


def find_data() -> Finding:
    """Which datasets are on this machine, and whether others can be fetched."""
    folder, here = data_folder().absolute(), cached_datasets()
    missing = [name for name in CATALOG if name not in here]
    place = f"{folder} (`{_DATA}`)" if os.environ.get(_DATA) else str(folder)
    text = f"{_names(here)} in {place}" if here else f"none yet in {place}"
    if not missing:
        return Finding("data", "ok", text)
    has_default = _DEFAULT_DATASET in here
    if is_offline():
        text += f"; `LENET_OFFLINE` forbids to fetch {_names(missing)}"
        if has_default:
            return Finding("data", "ok", text)
        advice = (
            "`lenet train` takes the bundled `digits`. Unset `LENET_OFFLINE`, or put the files "
            f"into {folder / _DEFAULT_DATASET} by hand."
        )
        return Finding("data", "note", text, advice)
    if obstacle := _find_obstacle(folder):
        text += f"; {_names(missing)} can't be fetched into it: {obstacle}"
        advice = f"Set `{_DATA}` to a folder that can be written."
        return Finding("data", "note" if has_default else "wrong", text, advice)
    text += f"; {_names(missing)} fetched at first use"
    if os.environ.get(_DATA) and not folder.exists():
        advice = f"There is no such folder yet. If that surprises you, correct `{_DATA}`."
        return Finding("data", "note", text, advice)
    return Finding("data", "ok", text)


def find_run_folder() -> Finding:
    """Whether a run can be kept where the person is."""
    folder = Path.cwd()
    if obstacle := _find_obstacle(folder / "runs"):
        text = f"{folder / 'runs'} can't be written: {obstacle}"
        advice = "Go to another folder, or choose one with `--runs-folder`."
        return Finding("runs", "wrong", text, advice)
    free = shutil.disk_usage(folder).free
    text = f"{folder} can be written, {free / 1e9:,.1f} GB free"
    if free < _LITTLE_SPACE:
        return Finding("runs", "note", text, "A run takes about a megabyte, a dataset 30.")
    return Finding("runs", "ok", text)


def _find_obstacle(folder: Path) -> str | None:
    """Why no file can be made in a folder, or in the nearest one above it that there is."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _names(datasets: list[str]) -> str:
    """Names in a row."""
    return ", ".join(f"`{name}`" for name in datasets)


def find_peers() -> Finding:
    """Which of the packages are here that nothing but `lenet bench` needs."""
    here = [name for name in _PEERS if find_spec(name)]
    missing = [name for name in _PEERS if name not in here]
    parts = [("installed", here), ("not installed", missing)]
    text = "; ".join(f"{state}: {', '.join(names)}" for state, names in parts if names)
    return Finding("peers", "ok", f"{text} (for `lenet bench` alone)")
