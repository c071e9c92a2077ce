"""What all requests pass: who may ask, what is counted, and how errors are told."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import re
import sys
import time
import traceback
from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lenet.serving._messages import error_body
from lenet.serving._metrics import Metrics
from lenet.serving._predict_route import (
    JSON_TYPE,
    PATH,
    ClientGoneError,
    HttpError,
    PredictRoute,
    busy,
)
from lenet.serving._settings import ServiceSettings

_OPEN_PATH = "/healthz"  # for those who don't know the key
_ROUTES = frozenset({PATH, "/", "/docs", "/openapi.json", "/v1/models", "/healthz", "/metrics"})
_HOST = re.compile(rb"(\[[0-9a-z:.%]+\]|[^\s\[\]:/?#@]+)(:[0-9]*)?", re.IGNORECASE)  # RFC 9112, 3.2
_GONE = 499  # as nginx counts clients that did not wait
_CHALLENGE = (b"www-authenticate", b'Basic realm="lenet", charset="UTF-8"')
_ALWAYS = ((b"x-content-type-options", b"nosniff"),)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, x-api-key"),
    (b"access-control-max-age", b"3600"),
)


class Gate:
    """The service as ASGI: what most requests ask has a way of its own, `others` answers all else.

    `open` says which way, and for whom, before the first request and again.
    """

    def __init__(self, settings: ServiceSettings, others: ASGIApp, metrics: Metrics):
        self._others = others
        self._metrics = metrics
        self._log = settings.log
        self._origins = frozenset(settings.allow_origins)
        self._hosts = _allowed_hosts(settings)

    def open(self, keys: Sequence[str], predict: PredictRoute) -> None:
        """Let those ask who know one of the keys, or all where there are none."""
        self._keys = [key.encode() for key in keys]
        self._predict = predict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        headers = dict(scope["headers"])
        hosts = [value.strip() for name, value in scope["headers"] if name == b"host"]
        path: str = scope["path"]
        answer = _Answering(send, self._shared_headers(headers))
        try:
            _check_hosts(hosts, scope["http_version"])
            self._admit(path, scope["method"], headers)
            if path == PATH:
                await self._predict(scope, headers, receive, answer)
            else:
                # Headers alone are asked for as the whole answer: uvicorn leaves the body out.
                method = "GET" if scope["method"] == "HEAD" else scope["method"]
                await self._others({**scope, "method": method}, receive, answer)
        except ClientGoneError:
            answer.status = scope["state"].get("refused", _GONE)
        except asyncio.CancelledError:  # by uvicorn, when a service that stops has waited enough
            await answer.refuse(busy("The service stops; try again in a second."))
        except HttpError as error:
            await answer.refuse(error)
        except Exception as error:
            traceback.print_exception(error, file=sys.stderr)
            detail = "Something went wrong in the service; its log says what."
            await answer.refuse(HttpError(500, detail))
        seconds = time.perf_counter() - start
        self._metrics.requests(_route(path), answer.status).inc()
        if path == PATH:
            self._metrics.seconds.observe(seconds)
        if self._log:
            _log(scope, answer.status, seconds)

    def _admit(self, path: str, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise the error for those who may not ask."""
        if self._hosts is not None:
            host = _host_name(headers.get(b"host", b""))
            if host and host not in self._hosts:
                detail = (
                    f"This service is not called `{host}`. It answers to its own machine's names; "
                    "start it with `--allow-host` to add one."
                )
                raise HttpError(421, detail)
        origin = headers.get(b"origin")
        if origin is not None:
            self._admit_origin(origin.decode("latin-1"), method, headers)
        if self._keys and path != _OPEN_PATH and not self._knows_key(headers):
            detail = "This needs the API key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
            raise HttpError(401, detail, (_CHALLENGE,))

    def _admit_origin(self, origin: str, method: str, headers: Mapping[bytes, bytes]) -> None:
        """Let pages of our own and of allowed origins ask, and answer their preflights."""
        own = headers.get(b"host", b"").decode("latin-1")
        if origin.partition("://")[2] != own and not self._is_allowed(origin):
            detail = f"Pages of `{origin}` may not ask; start with `--allow-origin` to let them."
            raise HttpError(403, detail)
        if method == "OPTIONS" and b"access-control-request-method" in headers:
            raise HttpError(204, "", _PREFLIGHT)

    def _is_allowed(self, origin: str) -> bool:
        return not self._origins.isdisjoint((origin, "*"))

    def _shared_headers(self, headers: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
        """What stands in every answer to a client."""
        origin = headers.get(b"origin")
        always = (*_ALWAYS, (b"vary", b"origin")) if self._origins else _ALWAYS
        if origin is None or not self._is_allowed(origin.decode("latin-1")):
            return always
        return (*always, (b"access-control-allow-origin", origin))

    def _knows_key(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a client sent a key; the comparison takes the same time for any other."""
        given = headers.get(b"x-api-key", b"")
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            given = credentials.strip()
        elif scheme.lower() == b"basic":
            try:
                given = base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
            except binascii.Error:
                given = b""
        return any([hmac.compare_digest(given, key) for key in self._keys])


class _Answering:
    """Sends an answer, with the headers that all have, and knows its status."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]):
        self.status = 0
        self._send = send
        self._headers = headers

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)

    async def refuse(self, error: HttpError) -> None:
        if self.status:
            return
        body = b"" if error.status == 204 else error_body(str(error))
        headers = [*error.headers]
        if body:
            headers += [JSON_TYPE, (b"content-length", b"%d" % len(body))]
        await self({"type": "http.response.start", "status": error.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _allowed_hosts(settings: ServiceSettings) -> frozenset[str] | None:
    """The names by which a service on loopback may be called; any page's name may lead there."""
    if not settings.is_loopback:
        return None
    names = ("localhost", "127.0.0.1", "::1", settings.host, *settings.allow_hosts)
    return frozenset(name.lower() for name in names)


def _check_hosts(hosts: list[bytes], http_version: str) -> None:
    """Raise the error for a request that does not say once, in plain words, whom it is for."""
    if not hosts and http_version == "1.0":
        return
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise HttpError(400, "A request has one `Host` header with a name and, maybe, a port.")


def _host_name(host: bytes) -> str:
    """The name in a `Host` header, without its port."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _route(path: str) -> str:
    """What a path is counted as; there are only so many."""
    if path in _ROUTES:
        return path
    if path.startswith("/v1/models/"):
        return "/v1/models/{name}/file" if path.endswith("/file") else "/v1/models/{name}"
    return "other"


def _log(scope: Scope, status: int, seconds: float) -> None:
    client = scope["client"][0] if scope.get("client") else "-"
    moment = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    path = scope["raw_path"].decode("ascii", "backslashreplace")
    sys.stderr.write(
        f"{moment} {client} {scope['method']} {path} {status} {seconds * 1000:.1f} ms\n"
    )
