from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core import temporary_folder
from lenet.errors import MissingExtraError, SettingError
from lenet.serving._settings import ServiceSettings

if TYPE_CHECKING:
    from lenet.runs import Run
    from lenet.serving._models import ServedModel

_PACKAGES = ("fastapi", "uvicorn", "httptools", "python_multipart", "prometheus_client")
_BACKLOG = 1024  # connections that the system keeps until they are taken


def serve(
    models: Sequence[Run | Path | str] = (),
    settings: ServiceSettings | None = None,
    *,
    runs_folder: Path | str = "runs",
    on_start: Callable[[str, list[str]], None] = lambda address, names: None,
) -> None:
    """Answer requests over HTTP until Ctrl-C or SIGTERM.

    What was begun is answered then; a second signal ends it at once. It runs in the main thread.
    On SIGHUP it takes the models and the file of keys again, and goes on with what it had where
    that fails; where its terminal was closed, it ends.

    Args:
        models: Model files, runs, their folders or names, `latest`, `digits` or `fashion`; the
            bundled models where none are given. The first answers where a request names none.
        settings: Where to listen, whom to answer, and limits.
        runs_folder: Where names of runs are looked for.
        on_start: Is told the service's address and the models' names when it takes requests.

    Raises:
        MissingExtraError: The packages of the extra `serve` are not installed.
        SettingError: The address can't be listened on, two models have the same name, or the file
            of keys holds none.
        RunError, ModelFileError: A model can't be had or used.
    """
    if any(find_spec(package) is None for package in _PACKAGES):
        raise MissingExtraError("`lenet serve`", "serve")
    from lenet.serving._models import take_models
    from lenet.serving._service import Service, run_service

    chosen = settings or ServiceSettings()
    with temporary_folder("lenet-serve-") as folder:

        def take() -> list[ServedModel]:
            place = folder / os.urandom(4).hex()
            place.mkdir()
            try:
                return take_models(models, place, runs_folder)
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)
                raise

        keys, served = chosen.read_keys(), take()
        with _listen(chosen) as listener:
            run_service(Service(chosen, keys, served, take, listener, on_start))


@contextlib.contextmanager
def _listen(settings: ServiceSettings) -> Iterator[socket.socket]:
    """Open the socket, so that a port that is taken is told before anything is started."""
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        message = f"`{host}` is no address of this machine: {error.strerror or error}."
        raise SettingError(message) from error
    with listener:
        if os.name == "posix":  # elsewhere it would let two services take one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"Could not listen on `{host}:{port}`: {reason}; try another `--port`."
            raise SettingError(message) from error
        yield listener
