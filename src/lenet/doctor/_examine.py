"""All that `lenet doctor` looks at; here what is installed, where data and runs are kept."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lenet._version import __version__
from lenet.core import distribution_name, has_torch, install_command
from lenet.datasets import CATALOG, cache_folder, cached_datasets, data_folder, is_offline
from lenet.doctor._computing import (
    Finding,
    check_kernel_results,
    find_cores,
    find_device,
    find_engines,
    find_kernels,
)
from lenet.runs import processor_name

_DATA, _CACHE = "LENET_DATA", "LENET_CACHE"
_DEFAULT_DATASET = "fashion-mnist"
_DISTRIBUTIONS = ("lenet", "lenet-core")
_LITTLE_SPACE = 1e9  # bytes
_WRITTEN = b"lenet" * 2**14  # more than what a system keeps of a file without room on the disk
_PEERS = ("onnxruntime", "jax")


def examine() -> list[Finding]:
    """Look at every part of this installation. Nothing is fetched or left behind.

    Returns:
        A finding a part. A check that itself fails is a finding too, so that the others are told.

    >>> [finding.name for finding in examine()][:3]
    ['versions', 'machine', 'device']
    """
    return [examine_part(name) for name in CHECKS]


def examine_part(name: str) -> Finding:
    """What a check finds, or that it failed."""
    try:
        return CHECKS[name]()
    except Exception as error:  # whatever is broken on a machine, the rest is still worth telling
        if isinstance(error, ImportError) and sys.modules.get("torch") is None:
            return Finding(name, "wrong", "can't be looked at without PyTorch")
        text = f"The check failed: {type(error).__name__}: {error}"
        return Finding(name, "wrong", text, "Please report this, with the whole output.")


def find_versions() -> Finding:
    """Of lenet, Python and PyTorch, and whether PyTorch works and is new enough.

    It need not be installed.
    """
    return _find_doubled(_find_versions())


def _find_versions() -> Finding:
    text = f"lenet {__version__}, Python {platform.python_version()}"
    wanted = _wanted_torch()
    install = install_command(f"'torch{wanted}'")
    try:
        version = importlib.metadata.version("torch") if has_torch() else None
    except importlib.metadata.PackageNotFoundError:
        version = None
    if version is None:
        advice = (
            "Trainings on a CPU and nearly all else do without. GPUs, modules of one's own, "
            f"ONNX and `lenet.d2l` need it: `{install}`."
        )
        return Finding("versions", "note", f"{text}, no PyTorch", advice)
    text += f", PyTorch {version}"
    try:
        import torch  # noqa: F401
    except Exception as error:  # libraries that are missing or do not fit are of several classes
        command = install_command(f"--force-reinstall 'torch{wanted}'")
        advice = f"Install it again: `{command}`."
        return Finding("versions", "wrong", f"{text}, which can't be imported: {error}", advice)
    if wanted.contains(version, prereleases=True):
        return Finding("versions", "ok", text)
    return Finding("versions", "note", text, f"lenet needs torch{wanted}: `{install}`.")


def _wanted_torch() -> SpecifierSet:
    """The versions of PyTorch that the package asks for, any where it is not installed."""
    try:
        texts = importlib.metadata.requires(distribution_name()) or []
    except importlib.metadata.PackageNotFoundError:
        texts = []
    requirements = map(Requirement, texts)
    return next((each.specifier for each in requirements if each.name == "torch"), SpecifierSet())


def _find_doubled(found: Finding) -> Finding:
    """The same finding, or that lenet is installed as two distributions of the same files."""
    try:
        for name in _DISTRIBUTIONS:
            importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return found
    uninstall = install_command(" ".join(_DISTRIBUTIONS)).replace(" install ", " uninstall ")
    text = f"{found.text}; both `lenet` and `lenet-core` are installed, which hold the same files"
    advice = f"Uninstall both (`{uninstall}`), then install the one that you want."
    return Finding(found.name, "wrong", text, "\n".join(filter(None, (advice, found.advice))))


def find_machine() -> Finding:
    return Finding("machine", "ok", f"{processor_name()}, {platform.platform()}")


def find_data() -> Finding:
    """Which datasets are on this machine, and whether others can be fetched."""
    folder, here = data_folder().absolute(), cached_datasets()
    missing = [name for name in CATALOG if name not in here]
    place = f"{folder} (`{_DATA}`)" if os.environ.get(_DATA) else str(folder)
    if why := _find_blindness(folder):
        text = f"{place} can't be read: {why}, so that nothing is taken from it"
        return Finding("data", "wrong", text, f"Set `{_DATA}` to a folder that can be read.")
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


def find_cache() -> Finding:
    """Whether a person's own data can be kept as it was read, by default below their home."""
    folder = cache_folder().absolute()
    if obstacle := _find_obstacle(folder):
        text = f"{folder} can't be written: {obstacle}; data of your own is read anew each time"
        advice = f"Set `{_CACHE}` to a folder that can be written."
        return Finding("cache", "note", text, advice)
    return Finding("cache", "ok", f"data of your own is kept in {folder} as it was read")


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
    """Why no file can be kept in a folder, or in the nearest one above it that there is."""
    if why := _find_blindness(folder):
        return why
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_WRITTEN)
            file.flush()
            file.seek(0)
            return None if file.read() == _WRITTEN else "what is written is not what is read"
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _find_blindness(folder: Path) -> str | None:
    """Why nobody can look into a folder that may be there."""
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except (FileNotFoundError, NotADirectoryError):  # nothing is hidden there
        return None
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def _names(datasets: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in datasets)


def find_peers() -> Finding:
    """Which of the packages are here that nothing but `lenet bench` needs."""
    here = [name for name in _PEERS if find_spec(name)]
    missing = [name for name in _PEERS if name not in here]
    parts = [("installed", here), ("not installed", missing)]
    text = "; ".join(f"{state}: {', '.join(names)}" for state, names in parts if names)
    return Finding("peers", "ok", f"{text} (for `lenet bench` alone)")


CHECKS = {
    "versions": find_versions,
    "machine": find_machine,
    "device": find_device,
    "cores": find_cores,
    "kernels": find_kernels,
    "engines": find_engines,
    "results": check_kernel_results,
    "data": find_data,
    "cache": find_cache,
    "runs": find_run_folder,
    "peers": find_peers,
}
