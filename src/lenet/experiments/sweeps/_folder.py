"""A sweep's folder: its name, the file that says what is searched, and who works in it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from lenet._version import __version__
from lenet.core import read_json_object, storage_errors, write_atomically
from lenet.errors import LenetError, SettingError, SweepError, UnknownNameError
from lenet.experiments.sweeps._definition import Definition
from lenet.experiments.sweeps._trial_storage import Storage

_FORMAT = 1
_FILE = "sweep.json"


def is_begun(folder: Path) -> bool:
    """Whether there is a sweep in a folder."""
    return (folder / _FILE).exists()


def checked_name(name: str) -> str:
    """A name that a folder may have.

    Raises:
        SettingError: It is none.
    """
    if name in ("", ".", "..") or any(mark in name for mark in "/\\\0") or len(name) > 200:
        message = f"A sweep's name becomes a folder's; `{name}` can't be one."
        raise SettingError(message)
    return name


def find_sweep(name: str | Path, sweeps_folder: Path) -> Path:
    """The folder of a sweep.

    Raises:
        SweepError: There is none of that name.
    """
    for folder in (sweeps_folder / name, Path(name)):
        if (folder / _FILE).is_file():
            return folder
    found = sweeps_folder.iterdir() if sweeps_folder.is_dir() else ()
    names = sorted(folder.name for folder in found if (folder / _FILE).is_file())
    if not names:
        message = f"There is no sweep `{name}`; `lenet sweep --search …` begins one."
        raise SweepError(message)
    raise SweepError(str(UnknownNameError("sweep", str(name), names)))


def write_definition(folder: Path, definition: Definition, trials: int, place: Storage) -> None:
    """Keep what is needed to go on; never a password."""
    values = {
        "format": _FORMAT,
        "version": __version__,
        "trials": trials,
        "storage": place.shown if place.is_shared else None,
        **definition.to_dict(),
    }
    write_atomically(folder / _FILE, json.dumps(values, indent=2))


def read_definition(folder: Path) -> tuple[Definition, int, str | None]:
    """What is searched, how many trials are wanted, and where they are kept if on a server.

    Raises:
        SweepError: The file is damaged, or of another version.
    """
    path = folder / _FILE
    values = read_json_object(path, SweepError)
    try:
        if values["format"] != _FORMAT:
            message = f"it is not of format {_FORMAT}, the one this version of lenet reads"
            raise SweepError(message)
        trials, shown = values["trials"], values["storage"]
        if type(trials) is not int or not (shown is None or isinstance(shown, str)):
            message = "`trials` or `storage` is ill-typed"
            raise SweepError(message)
        return Definition.from_dict(values), trials, shown
    except KeyError as error:
        message = f"`{path}` is damaged: it has no {error}."
        raise SweepError(message) from error
    except (LenetError, TypeError, ValueError, AttributeError) as error:
        message = f"`{path}` can't be used: {error}"
        raise SweepError(message) from error


@contextmanager
def working_alone(folder: Path, place: Storage) -> Iterator[None]:
    """Hold the folder, where the trials in it are ours alone.

    Raises:
        SweepError: Another process holds it.
    """
    if place.is_shared:
        yield
        return
    lock = filelock.FileLock(folder / ".lock")
    with storage_errors(folder):
        try:
            lock.acquire(timeout=1.0)
        except filelock.Timeout:
            message = (
                f"`{folder}` is being worked on by another process. For more trials at a time, "
                "stop it and go on with more `--workers`."
            )
            raise SweepError(message) from None
    try:
        yield
    finally:
        lock.release()
