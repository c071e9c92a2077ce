"""The lab on this machine: a server for one person, who reads it and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np

from lenet.core import check_range
from lenet.datasets import Split
from lenet.errors import SettingError
from lenet.playground._lab import LabSet, build_lab
from lenet.playground._playground import PlaygroundModel

_HOST = "127.0.0.1"
_NAMES = {_HOST, "localhost"}  # other names may be another site's, which led them here
_SILENT = 60.0  # seconds after which a connection is closed
_Content = tuple[bytes | memoryview, str]  # with its type
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def serve_lab(
    sets: Sequence[LabSet],
    models: Sequence[PlaygroundModel] = (),
    *,
    examples: Mapping[str, Split] | None = None,
    port: int = 8000,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve the lab on this machine, to it alone, until Ctrl-C.

    Args:
        sets: What is learnt from; the server gives their images, whatever `url` says.
        models: As for `build_lab`.
        examples: As for `build_lab`.
        port: The port; 0 takes a free one.
        on_start: Called with the address once the page can be opened.

    Raises:
        SettingError: The port is out of range or taken, or a set can't be shown.
    """
    check_range("port", port, 0, 65535)
    served = [LabSet(one.dataset, one.source, f"sets/{place}") for place, one in enumerate(sets)]
    contents: dict[str, _Content] = {
        "/": (build_lab(served, models, examples=examples).encode(), "text/html; charset=utf-8")
    }
    for one in served:
        for name, split in one.splits.items():
            pixels = np.ascontiguousarray(split.images).reshape(-1).data
            contents[f"/{one.url}/{name}"] = (pixels, "application/octet-stream")

    class Handler(_Handler):
        answers = contents

    try:
        server = ThreadingHTTPServer((_HOST, port), Handler)
    except OSError as error:
        message = f"Port {port} of `{_HOST}` can't be listened on: {error.strerror or error}."
        raise SettingError(message) from error
    with server:
        if on_start:
            on_start(f"http://{_HOST}:{server.server_address[1]}/")
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    """Answers what it has to whoever calls it by this machine's own name."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENT
    answers: dict[str, _Content]

    def do_GET(self) -> None:
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        found = self.answers.get(self.path)
        if name not in _NAMES:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            content, kind = found
            self.send_response(HTTPStatus.OK)
            headers = {"Content-Type": kind, "Content-Length": str(len(content)), **_HEADERS}
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(content)

    def version_string(self) -> str:
        """Say no more of this machine than has to be said."""
        return "lenet"

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal is the person's."""
