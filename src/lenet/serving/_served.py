"""What a service serves, where, to whom, and within which limits."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from lenet.core import check_range, read_arrays, reading_errors, storage_errors, write_atomically
from lenet.errors import ModelFileError, SettingError
from lenet.models import BUNDLED, ModelCard, read_card, with_layers
from lenet.pictures import MOST_BYTES
from lenet.runs import Run, core_count, locate_model, name_of_model

_HOST_NAME = re.compile(r"[\w.-]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]+")  # or an address of IPv6
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NO_WEIGHTS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class ServiceSettings:
    """Where a service listens, whom it answers, and how much it takes on.

    Attributes:
        host: The address that it listens on; `0.0.0.0` for all.
        port: The port; 0 takes a free one.
        api_key: What a client must know; `None` answers all.
        allow_origins: Web pages that may ask from a browser, as `https://example.org`; `*` for any.
        allow_hosts: Names by which the service may be called beside its own, as behind a proxy.
        max_body: Bytes that a request may have.
        max_pixels: Pixels that a picture may have.
        max_images: Pictures that a request may have.
        timeout: Seconds that the pictures of a request may take, and that a slow client may be
            silent.
        queue: Requests that may wait; for others the service is busy.
        workers: Processes that look at pictures; 0 for one a core.
        log: Whether each request is a line on stderr.

    Raises:
        SettingError: A value is out of range, or an origin is none.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str | None = None
    allow_origins: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    max_body: int = 16 * 2**20
    max_pixels: int = 50_000_000
    max_images: int = 64
    timeout: float = 10.0
    queue: int = 256
    workers: int = 0
    log: bool = False

    def __post_init__(self) -> None:
        check_range("port", self.port, 0, 65535)
        check_range("max_body", self.max_body, 1, MOST_BYTES)
        check_range("max_pixels", self.max_pixels, 1, 100_000_000)
        check_range("max_images", self.max_images, 1, 10_000)
        check_range("queue", self.queue, 1, 100_000)
        check_range("workers", self.workers, 0, 1000)
        key = self.api_key
        if not 0 < self.timeout <= 3600:
            message = f"`timeout` must be above 0 and up to 3600 seconds, not {self.timeout:g}."
        elif key is not None and not key.isprintable():
            message = "`api_key` must be printable text, without line breaks."
        elif key is not None and not key.strip():
            message = "`api_key` is empty; leave it out to answer all."
        elif key is not None and key != key.strip():
            message = "`api_key` has blanks at its ends, which HTTP takes away; leave them out."
        elif bad := [origin for origin in self.allow_origins if not _is_origin(origin)]:
            message = f"`{bad[0]}` is no origin; give it as `https://example.org`, or `*`."
        elif bad := [name for name in self.allow_hosts if not _HOST_NAME.fullmatch(name)]:
            message = f"`{bad[0]}` is no host's name; give it as `example.org`, without a port."
        else:
            return
        raise SettingError(message)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def worker_count(self) -> int:
        """How many processes look at pictures."""
        return self.workers or core_count()


def _is_origin(text: str) -> bool:
    """Whether it is `*`, or an origin in the one form in which browsers send it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    told = "" if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    is_whole = bool(parts.scheme and parts.hostname)
    return text == "*" or (is_whole and text == f"{parts.scheme}://{host}{told}")


@dataclass(frozen=True)
class ServedModel:
    """A model that a service answers with.

    Attributes:
        name: A bundled model's name, a run's or a file's.
        card: What its file says.
        source: The file.
        copy: A copy of it: a training that goes on must not change what is answered.
        content: The bytes of the file.
        parameters: How many weights and biases it has.
        bundled: The name under which it comes with the package, if it does.
        run: The folder of its run, if it is of one.
    """

    name: str
    card: ModelCard
    source: Path
    copy: Path
    content: bytes
    parameters: int
    bundled: str | None
    run: Path | None

    @property
    def address(self) -> str:
        """Where the service gives its file."""
        return f"/v1/models/{quote(self.name)}/file"

    @property
    def etag(self) -> str:
        """What changes when the file does."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def restore_copy(self) -> None:
        """Write the copy again if something, as a cleaner of temporary files, took it away.

        Raises:
            StorageError: The disk is full or read-only.
        """
        if not self.copy.exists():
            with storage_errors(self.copy):
                self.copy.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self.copy, self.content)


def take_models(
    names: Sequence[Run | Path | str], folder: Path, runs_folder: Path | str = "runs"
) -> list[ServedModel]:
    """Copy the files of models and read what they say.

    Args:
        names: Model files, runs, their folders or names, `latest`, `digits` or `fashion`; the
            bundled models where none are given.
        folder: An empty folder for the copies.
        runs_folder: Where names of runs are looked for.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: A file is damaged or not a model of ours.
        SettingError: Two models have the same name.
    """
    models: list[ServedModel] = []
    for name in names or list(BUNDLED):
        model = _take(name, folder, runs_folder)
        if any(model.name == other.name for other in models):
            message = f"Two models are called `{model.name}`; rename the file or folder of one."
            raise SettingError(message)
        models.append(model)
    return models


def _take(name: Run | Path | str, folder: Path, runs_folder: Path | str) -> ServedModel:
    """Copy one model's file and read what it says."""
    located = locate_model(name, runs_folder)
    source = located.require_model() if isinstance(located, Run) else located
    with reading_errors(source, ModelFileError):
        content = with_layers(source.read_bytes())
    copy = folder / f"{len(list(folder.iterdir()))}.safetensors"
    write_atomically(copy, content)
    name = name_of_model(located)
    if not name.isprintable():
        message = f"`{ascii(name)[1:-1]}` is no name for an address; rename the file or folder."
        raise SettingError(message)
    try:
        card = read_card(copy)  # `source` may be another one by now
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(str(copy), str(source))) from error
    parameters = sum(
        array.size for key, array in read_arrays(copy).items() if not key.endswith(_NO_WEIGHTS)
    )
    return ServedModel(
        name=name,
        card=card,
        source=source,
        copy=copy,
        content=content,
        parameters=parameters,
        bundled=next((known for known, file in BUNDLED.items() if file == source), None),
        run=located.folder.absolute() if isinstance(located, Run) else None,
    )
