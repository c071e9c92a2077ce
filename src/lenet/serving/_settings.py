"""Where a service listens, to whom, and within which limits; the command line reads it at once."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lenet.core import Settings, check_range, open_to_read, option
from lenet.errors import SettingError
from lenet.runs import core_count

KEY_VARIABLE = "LENET_API_KEY"
_HOST_NAME = re.compile(r"[\w.-]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]+")  # or an address of IPv6
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class ServiceSettings(Settings):
    """Where a service listens, whom it answers, and how much it takes on.

    Attributes:
        host: The address to listen on; `0.0.0.0` for all.
        port: The port; 0 takes a free one.
        api_key: What clients must know; without one all are answered. In the variable it does not
            show in lists of processes.
        api_key_file: A file with such a key a line, of which a client must know one; it is read
            again on SIGHUP.
        allow_origins: Web pages that may ask from a browser, as `https://example.org`; `*` for any.
            May be given several times.
        allow_hosts: A name by which a service on this machine alone may be called, as behind a
            proxy. May be given several times.
        max_body: The largest request.
        max_pixels: The largest picture.
        max_images: The most pictures of a request.
        timeout: How long pictures may take, and a slow client be silent.
        queue: Requests that may wait; others get 503 and `Retry-After`.
        workers: Processes that look at pictures; 0 for one a core.
        log: Print a line a request, to stderr.

    Raises:
        SettingError: A value is out of range, or an origin is none.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str | None = option(None, metavar="TEXT", variable=KEY_VARIABLE)
    api_key_file: Path | None = option(None, metavar="FILE", variable=f"{KEY_VARIABLE}_FILE")
    allow_origins: tuple[str, ...] = option((), flags=("--allow-origin",), metavar="ORIGIN")
    allow_hosts: tuple[str, ...] = option((), flags=("--allow-host",), metavar="NAME")
    max_body: int = option(16 * 2**20, metavar="BYTES")
    max_pixels: int = 50_000_000
    max_images: int = 64
    timeout: float = option(10.0, metavar="SECONDS")
    queue: int = 256
    workers: int = 0
    log: bool = False

    def __post_init__(self) -> None:
        from lenet.pictures import MOST_BYTES  # with NumPy, which `lenet serve --help` does without

        super().__post_init__()
        check_range("port", self.port, 0, 65535)
        check_range("max_body", self.max_body, 1, MOST_BYTES)
        check_range("max_pixels", self.max_pixels, 1, 100_000_000)
        check_range("max_images", self.max_images, 1, 10_000)
        check_range("queue", self.queue, 1, 100_000)
        check_range("workers", self.workers, 0, 1000)
        problem = None if self.api_key is None else _key_problem(self.api_key)
        if not 0 < self.timeout <= 3600:
            message = f"`timeout` must be above 0 and up to 3600 seconds, not {self.timeout:g}."
        elif problem:
            message = f"`api_key` {problem}."
        elif self.api_key is not None and self.api_key_file is not None:
            message = "`api_key` and `api_key_file` are two places for keys; leave one out."
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
    def asks_for_key(self) -> bool:
        return self.api_key is not None or self.api_key_file is not None

    def read_keys(self) -> tuple[str, ...]:
        """The keys of which a client must know one, the file's as it is now; none for all.

        Raises:
            SettingError: The file can't be read, or holds no key or what can be none.
        """
        file = self.api_key_file
        if file is None:
            return () if self.api_key is None else (self.api_key,)
        with open_to_read(file, SettingError) as stream:
            content = stream.read()
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError as error:
            message = f"`{file}` is no text; write a key a line, in UTF-8."
            raise SettingError(message) from error
        keys = {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}
        for number, key in keys.items():
            if problem := _key_problem(key):
                message = f"Line {number} of `{file}` {problem}."
                raise SettingError(message)
        if not keys:
            message = f"`{file}` holds no key; write one a line."
            raise SettingError(message)
        return tuple(keys.values())

    @property
    def worker_count(self) -> int:
        return self.workers or core_count()


def _key_problem(key: str) -> str | None:
    """Why a text can be no key."""
    if not key.isprintable():
        return "must be printable text, without line breaks"
    if not key.strip():
        return "is empty; leave it out to answer all"
    if key != key.strip():
        return "has blanks at its ends, which HTTP takes away; leave them out"
    return None


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
