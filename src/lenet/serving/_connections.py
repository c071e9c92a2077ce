"""Connections whose clients are slow, broken or too many, which uvicorn leaves open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

import httptools
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from lenet.serving._messages import error_body

_MOST_CONNECTIONS = 512
KEEP_ALIVE_SECONDS = 65  # longer than a proxy keeps a connection, so that it closes first
_MOST_HEADER_BYTES = 2**15  # of headers, and between two pieces of a body
_MOST_AHEAD = 250  # requests of a connection that wait for the answers to earlier ones
_MOST_UNWANTED = 2**26  # bytes after an answer that came before the request's end
_LEAST_RATE = 2**15  # bytes of a body that a client has to send in a second
_SWEEP_SECONDS = 0.5


class _RefusedError(Exception):
    """Tells the parser that a request is not wanted."""


class _Refusal(NamedTuple):
    """What is said on a connection before it is closed."""

    status: int
    detail: str
    reason: str  # by which it is counted


class Connection(HttpToolsProtocol):
    """A connection that neither waits forever nor takes what never ends.

    While it waits for a request's headers, for the rest of a body that is not wanted, or for a
    client to read, the time is kept; `sweep` closes it when that was too long. What comes is
    counted from a request's begin to its end, wherever in it that stands: 32 KiB beside the pieces
    of a body, the body itself as the route that wants it allows, and what comes though the answer
    is given. What is refused is told after the answers to the requests before it.

    Args:
        dropped: Counts those that are closed, by reason.
        most: How many there may be.
        settings: What uvicorn makes it with.
    """

    def __init__(self, dropped: Callable[[str], Counter], most: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.dropped, self.most = dropped, most
        self.headers_since: float | None = None
        self.reading_since: float | None = None  # a body
        self.unread_since: float | None = None  # what was written to the client
        self.idle_since: float | None = None
        self._beside_bytes = 0  # come since the request began, or since its body's last piece
        self._body_bytes = 0
        self._unwanted_bytes = 0  # come since the request was answered
        self._refusal: _Refusal | None = None  # to be told after the answers that are due
        self._half_closed_since: float | None = None
        self._ending_since: float | None = None  # all is said
        self._on_leaving: Callable[[], None] | None = None
        self._answered: RequestResponseCycle | None = None  # the request whose turn it is

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, and let another go where there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.headers_since = self.idle_since = time.monotonic()
        if len(self.connections) > self.most and not self._make_room():
            self.refuse(503, "The service has too many connections; try again in a second.", "full")

    def data_received(self, data: bytes) -> None:
        """Take bytes, up to the limits."""
        self._unset_keepalive_if_required()
        if self._is_ending:
            self._pass_over(len(data))
            return
        if self._is_within_request():
            self._beside_bytes += len(data)
            if self.reading_since is not None and self.cycle.response_complete:
                self._unwanted_bytes += len(data)
        self._parse(data)
        if self._is_within_request():
            if self._beside_bytes > _MOST_HEADER_BYTES:
                self._refuse_headers()
            elif self._unwanted_bytes > _MOST_UNWANTED:
                self.dropped("unwanted body").inc()
                self.transport.close()

    def _pass_over(self, count: int) -> None:
        """Take bytes that come after a refusal: closing it at once would cut what was written."""
        self._unwanted_bytes += count
        if self._unwanted_bytes > _MOST_UNWANTED:
            self.transport.close()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:  # to what nobody here speaks
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self.refuse(400, "This is no valid HTTP request.", "not HTTP")
                return

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has sent all may still want its answers."""
        if not self._is_answer_due() or self._answered_is_cut():
            return False
        self._half_closed_since = time.monotonic()
        if self._is_within_request():
            self.refuse(400, "The request ends before its end.", "not HTTP")
        else:
            self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None:  # uvicorn tells the last request alone
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)
        if self._on_leaving is not None:
            self._on_leaving()
        # A request knows its connection: what is large goes now, not when it is looked for.
        self.cycle = self._answered = self.scope = None  # type: ignore[assignment]
        self.pipeline.clear()

    def when_client_leaves(self, leave: Callable[[], None] | None) -> None:
        """What is called if the connection breaks while the request waits for its answer."""
        self._on_leaving = leave
        if leave is not None and not self.pipeline:
            self.flow.resume_reading()  # it stops within large bodies, and sees no end then

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _MOST_AHEAD:
            detail = f"More than {_MOST_AHEAD} requests were sent ahead; wait for their answers."
            self.refuse(503, detail, "sent ahead")
            raise _RefusedError
        super().on_message_begin()
        self.scope["state"]["connection"] = self
        self.idle_since = None
        if self.headers_since is None:
            self.headers_since = time.monotonic()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer is passed over, as it may not speak for one (RFC 9110, 6.5.1)."""
        if self.reading_since is None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > (
            _MOST_HEADER_BYTES
        ):  # they may have come at once
            self._refuse_headers()
            raise _RefusedError
        super().on_headers_complete()  # which may find the address to be none
        self.headers_since = None
        self.reading_since = time.monotonic()
        self._beside_bytes = self._body_bytes = self._unwanted_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._beside_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.reading_since = None
        self._beside_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refusal is not None:
            if not self._is_answer_due() and not self.transport.is_closing():
                self._tell(self._refusal)
            return
        if self.pipeline:  # what waits already comes first
            self.flow.pause_reading()
        if self.headers_since is None and self.reading_since is None and not self.pipeline:
            self.idle_since = time.monotonic()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self.unread_since = time.monotonic()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None

    def refuse(self, status: int, detail: str, reason: str) -> None:
        """Read no more, say why after the answers that are due, and close it.

        A request that is cut within its body is not answered but told; if it has its answer
        already, nothing is said.
        """
        if self._is_ending:
            return
        cut = None if self.reading_since is None else self.cycle
        self.headers_since = self.reading_since = None
        refusal = _Refusal(status, detail, reason)
        if cut is not None:
            if cut.response_started:
                self._refusal = refusal
                self.dropped("unwanted body").inc()
                if cut.response_complete:
                    self._end()
                else:
                    cut.keep_alive = False
                return
            cut.scope["state"]["refused"] = status  # to be counted as
            cut.disconnected = True
            cut.waiting_for_100_continue = False  # nothing is written any more
            cut.message_event.set()
            if self.pipeline and self.pipeline[0][0] is cut:  # the last of those that wait
                self.pipeline.popleft()
        if self._is_answer_due() and self._answered is not cut:
            self._refusal = refusal
            self.transport.pause_reading()
            self.flow.read_paused = False  # for requests that would resume it
        else:
            self._tell(refusal)

    def _tell(self, refusal: _Refusal) -> None:
        self._refusal = refusal
        self.dropped(refusal.reason).inc()
        self.transport.write(_whole_answer(refusal.status, refusal.detail))
        if refusal.reason == "full":
            self.transport.close()
        else:
            self._end()

    def _end(self) -> None:
        """Close it when the client has read, or sent too much or for too long."""
        if self.transport.is_closing():  # what was written has found it broken
            return
        if self._half_closed_since is None:
            self._ending_since = time.monotonic()
            self.transport.write_eof()
            self.transport.resume_reading()
        else:
            self.transport.close()

    def check(self, now: float, timeout: float) -> None:
        """Close it if its client was slow for too long."""
        if self._ending_since is not None and now - self._ending_since > timeout:
            self.transport.abort()
        elif self.headers_since is not None and now - self.headers_since > timeout:
            if self.idle_since is not None:
                self.dropped("idle").inc()
                self.transport.close()
            else:
                detail = f"The request's headers did not come within {timeout:g} seconds."
                self.refuse(408, detail, "slow headers")
        elif self.idle_since is not None and now - self.idle_since > KEEP_ALIVE_SECONDS:
            self.dropped("idle").inc()
            self.transport.close()
        elif self.unread_since is not None and now - self.unread_since > timeout:
            self.dropped("unread answer").inc()
            self.transport.abort()
        elif self.reading_since is not None:
            allowed = timeout + self._body_bytes / _LEAST_RATE
            if now - self.reading_since > allowed:
                self.refuse(408, "The request's body came too slowly.", "slow body")
        since = self._half_closed_since
        if since is not None and now - since > _SWEEP_SECONDS and self._still_waits():
            # Who has closed both sides looks the same until something is sent, and resets it then.
            # A client has to take this from a server at any time (RFC 9110, section 15.2).
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _still_waits(self) -> bool:
        """Whether a request waits for its answer, from a client that may be sent another before."""
        is_open = self._on_leaving is not None and not self.transport.is_closing()
        return is_open and bool(self.cycle.scope["http_version"] == "1.1")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _is_within_request(self) -> bool:
        """Whether a request has begun, or may begin, whose end has not come."""
        return self.headers_since is not None or self.reading_since is not None

    @property
    def _is_ending(self) -> bool:
        return self._refusal is not None or self.transport.is_closing()

    def _is_answer_due(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    def _answered_is_cut(self) -> bool:
        """Whether the request whose turn it is has not come whole."""
        return self._answered is self.cycle and self.reading_since is not None

    def _refuse_headers(self) -> None:
        limit = f"more than {_MOST_HEADER_BYTES:,} bytes"
        if self.reading_since is None:
            self.refuse(431, f"The request's headers have {limit}.", "headers too large")
        else:
            detail = f"The request has {limit} beside its headers and the pieces of its body."
            self.refuse(431, detail, "trailers too large")

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a request, or else for a body."""
        others = [
            one for one in self.connections if isinstance(one, Connection) and one is not self
        ]
        waiting = {one: one.headers_since or one.idle_since or one._ending_since for one in others}
        reading = {one: one.reading_since for one in others}
        for candidates in (waiting, reading):
            since = {one: moment for one, moment in candidates.items() if moment is not None}
            if since:
                oldest = min(since, key=since.__getitem__)
                self.dropped("made room").inc()
                oldest.transport.abort()
                self.connections.discard(oldest)
                return True
        return False


def _whole_answer(status: int, detail: str) -> bytes:
    """What is said on a connection that is closed after it, before there is a request."""
    body = error_body(detail)
    retry = "retry-after: 1\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n"
    )
    return head.encode() + body


def most_connections() -> int:
    """How many there may be: each is a file, of which a process may have few, as 256 on macOS."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, files // 2)


async def sweep(connections: set[Any], timeout: float) -> None:
    """Close connections whose clients are silent for so many seconds, until it is cancelled."""
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        now = time.monotonic()
        for connection in list(connections):
            if isinstance(connection, Connection):
                connection.check(now, timeout)
