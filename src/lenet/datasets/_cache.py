"""Where dataset files lie on this machine, and how they get there."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from lenet.core import hide_secrets, staged_file, storage_errors
from lenet.datasets._catalog import CATALOG, EMNIST, EMNIST_NAMES, CatalogEntry, RemoteFile
from lenet.errors import DataFileError, DownloadError, StorageError

_ROUNDS = 2  # how often every mirror is tried
_PAUSE = 0.5  # seconds between rounds
_TIMEOUT = (5, 30)  # seconds to connect, seconds between two pieces of a file
_PIECE = 2**14  # bytes


def data_folder() -> Path:
    """The folder with the datasets: `LENET_DATA`, or the platform's cache folder."""
    chosen = os.environ.get("LENET_DATA")
    return Path(os.path.expanduser(chosen)) if chosen else platform_cache() / "datasets"


def platform_cache() -> Path:
    """The platform's cache folder for lenet; one that can't be made, for somebody without a home.

    A home that nobody knows would be a folder `~` where the person is.
    """
    import platformdirs

    folder = platformdirs.user_cache_path("lenet")
    return folder if folder.is_absolute() else Path(os.devnull).absolute() / "lenet"


def is_offline() -> bool:
    """Whether `LENET_OFFLINE` forbids the network."""
    return os.environ.get("LENET_OFFLINE", "") not in ("", "0")


def find_file(entry: CatalogEntry, file: RemoteFile) -> Path:
    """The path of a dataset's file, fetched first where it is not there yet.

    It may lie in the cache compressed or not, with a dash or a dot before `idx`, in the dataset's
    own folder or in torchvision's.
    """
    return find_cached(entry, file) or download_file(entry, file)


def find_cached(entry: CatalogEntry, file: RemoteFile) -> Path | None:
    """The path of a dataset's file, if it is on this machine."""
    return next(filter(_is_there, _possible_paths(entry, file)), None)


def cached_datasets() -> list[str]:
    """Names of the datasets whose files are all on this machine; their contents are not read."""
    names = [entry.name for entry in CATALOG.values() if _is_cached(entry)]
    return names + list(EMNIST_NAMES if _is_cached(EMNIST) else ())


def _is_cached(entry: CatalogEntry) -> bool:
    return all(find_cached(entry, file) for file in entry.files)


def _is_there(path: Path) -> bool:
    """Whether a file can be read; what is in a folder that can't be looked into is not there."""
    return os.path.isfile(path) and os.access(path, os.R_OK)


def _possible_paths(entry: CatalogEntry, file: RemoteFile) -> Iterator[Path]:
    plain = file.name.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    for folder in (entry.name, entry.torchvision_folder):
        for name in (file.name, plain, f"{dotted}.gz", dotted):
            yield data_folder() / folder / name


def refuse_another_datasets_file(entry: CatalogEntry, path: Path) -> None:
    """Raise if a file is a published one of another dataset: their names are all the same."""
    if path.suffix != ".gz":
        return
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    for other in CATALOG.values():
        if other is not entry and digest in (file.md5 for file in other.files):
            message = f"`{path}` is a file of `{other.name}`, not of `{entry.name}`."
            raise DataFileError(message)


def download_file(entry: CatalogEntry, file: RemoteFile) -> Path:
    """Fetch a file from the first mirror that gives the right bytes, over one that is damaged."""
    folder = data_folder() / entry.name
    if is_offline():
        message = (
            f"`{file.name}` of `{entry.name}` is not in `{folder}`, and `LENET_OFFLINE` "
            "forbids the network."
        )
        raise DownloadError(message)
    import requests

    try:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except StorageError as error:
        message = f"{error} Set `LENET_DATA` to a folder that can be written."
        raise StorageError(message) from error
    failures: dict[str, str] = {}
    for round_number in range(_ROUNDS):
        if round_number:
            time.sleep(_PAUSE)
        unreachable = True
        for mirror in entry.mirrors:
            try:
                return _fetch(mirror + file.name, file, folder)
            except requests.ConnectionError as error:
                failures[mirror] = f"no connection ({_innermost(error)})"
                unreachable = unreachable and _never_connected(error)
            except requests.RequestException as error:
                failures[mirror] = str(error)
                unreachable = False
            except _OtherBytesError:
                failures[mirror] = "the bytes received are not the published file"
                unreachable = False
        if unreachable:  # without a network there is nothing to wait for
            break
    with suppress(OSError):  # it stays where there is something in it
        folder.rmdir()
    # A proxy's address may hold a password.
    tried = "\n".join(f"  {at}: {hide_secrets(reason)}" for at, reason in failures.items())
    message = (
        f"Could not download `{file.name}` of `{entry.name}`:\n{tried}\n"
        f"Check the network, or put the file into `{folder}` by hand."
    )
    raise DownloadError(message)


class _OtherBytesError(Exception):
    """A mirror sent something else than the published file."""


def _fetch(url: str, file: RemoteFile, folder: Path) -> Path:
    """Download to a temporary name, verify, rename."""
    import requests

    target = folder / file.name
    try:
        with staged_file(target) as made:
            if _stream(url, made) != file.sha256:
                raise _OtherBytesError
            made.replace(target)
    except requests.RequestException:
        raise
    except OSError as error:
        with storage_errors(target):
            raise error
    # A cache may be shared, as its folder is, but what others may change would be trusted by all.
    with suppress(OSError):
        target.chmod(folder.stat().st_mode & 0o664)
    return target


def _stream(url: str, path: Path) -> str:
    """Write what a mirror sends into a file, with a bar on stderr where that is a terminal.

    Gives its SHA-256.
    """
    import requests
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    progress, digest = Progress(*columns, console=console), hashlib.sha256()
    with (
        requests.get(url, stream=True, timeout=_TIMEOUT) as answer,
        path.open("wb") as file,
        progress if console.is_terminal else nullcontext(),
    ):
        answer.raise_for_status()
        size = int(answer.headers.get("content-length", 0))
        task = progress.add_task(url.rpartition("/")[2], total=size or None)
        for piece in answer.iter_content(_PIECE):
            file.write(piece)
            digest.update(piece)
            progress.advance(task, len(piece))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _never_connected(error: BaseException) -> bool:
    """Whether a connection was never made: an unknown name, a refusal, or no answer."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _innermost(error: BaseException) -> str:
    """The last words of the chain of causes that requests wraps a refusal in."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error)
