import os
import shutil
import tempfile
from pathlib import Path

from lenet.datasets import CATALOG, cached_datasets, data_folder, is_offline
from lenet.doctor._finding import Finding

_DEFAULT_DATASET = "fashion-mnist"
_LITTLE_SPACE = 1e9  # bytes
_VARIABLE = "LENET_DATA"


def find_data() -> Finding:
    """Which datasets are on this machine, and whether others can be fetched."""
    folder, here = data_folder().absolute(), cached_datasets()
    missing = [name for name in CATALOG if name not in here]
    place = f"{folder} (`{_VARIABLE}`)" if os.environ.get(_VARIABLE) else str(folder)
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
        advice = f"Set `{_VARIABLE}` to a folder that can be written."
        return Finding("data", "note" if has_default else "wrong", text, advice)
    text += f"; {_names(missing)} fetched at first use"
    if os.environ.get(_VARIABLE) and not folder.exists():
        advice = f"There is no such folder yet. If that surprises you, correct `{_VARIABLE}`."
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
