"""Errors as HTTP tells them: one JSON object with `detail`."""

from __future__ import annotations

import json
from http import HTTPStatus

from lenet.errors import LenetError

Headers = tuple[tuple[bytes, bytes], ...]

JSON_TYPE = (b"content-type", b"application/json")


class HttpError(LenetError):
    """A request that is refused.

    Args:
        status: The HTTP status.
        detail: What is wrong and what to do.
        headers: What else the client is told.
    """

    def __init__(self, status: int, detail: str, headers: Headers = ()):
        super().__init__(detail)
        self.status, self.headers = status, headers


def busy(detail: str) -> HttpError:
    """The refusal that asks a client to come again."""
    return HttpError(503, detail, ((b"retry-after", b"1"),))


def error_body(detail: str) -> bytes:
    """The body that tells what is wrong."""
    return json.dumps({"detail": detail}, ensure_ascii=False).encode(errors="replace")


def raw_error(status: int, detail: str) -> bytes:
    """A whole answer for a connection that is closed after it, before there is a request."""
    body = error_body(detail)
    retry = "retry-after: 1\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n"
    )
    return head.encode() + body
