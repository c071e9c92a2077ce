import os
import shutil
import tempfile
from pathlib import Path

from lenet.datasets import cached_datasets, data_folder
from lenet.doctor._finding import Finding

_LITTLE_SPACE = 1e9  # bytes


def find_data() -> Finding:
    """Which datasets are on this machine, and whether others can be fetched."""
    folder, cached = data_folder(), cached_datasets()
    names = f"{', '.join(f'`{name}`' for name in cached)} in" if cached else "nothing yet in"
    text = f"{names} {folder}"
    if os.environ.get("LENET_OFFLINE", "") not in ("", "0"):
        return Finding("data", "ok", f"{text}; `LENET_OFFLINE` forbids to fetch others")
    if not _can_be_written(folder):
        advice = "`LENET_DATA` chooses another folder."
        return Finding("data", "note", f"{text}; others can't be fetched into it", advice)
    return Finding("data", "ok", f"{text}; others are fetched when they are first used")


def find_run_folder() -> Finding:
    """Whether a run can be kept where the person is."""
    folder = Path.cwd()
    free = shutil.disk_usage(folder).free
    text = f"{folder} has {free / 1e9:,.1f} GB free"
    if not _can_be_written(folder / "runs"):
        advice = "Go to another folder, or choose one with `--runs-folder`."
        return Finding("runs", "wrong", f"{folder} can't be written", advice)
    if free < _LITTLE_SPACE:
        return Finding("runs", "note", text, "A run takes about a megabyte, a dataset 30.")
    return Finding("runs", "ok", text)


def _can_be_written(folder: Path) -> bool:
    """Whether a file can be made in a folder, or in the nearest one above it that there is."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
