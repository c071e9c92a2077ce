"""`POST /v1/predict` as plain ASGI: FastAPI would double what such a request costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import Receive, Scope, Send

from lenet.errors import LenetError
from lenet.serving._connections import Connection
from lenet.serving._http_errors import JSON_TYPE, HttpError, busy
from lenet.serving._messages import Answer, BodyKind, Job
from lenet.serving._metrics import Metrics
from lenet.serving._pool import BusyError, PictureTakesTooLongError, WorkerBrokeError, WorkerPool
from lenet.serving._questions import QuestionReader
from lenet.serving._settings import ServiceSettings

PATH = "/v1/predict"
_MOST_HELD = 2**28  # bytes of bodies that are kept at a time
_RAW_TYPES = (b"application/octet-stream", b"application/x-www-form-urlencoded", b"")


class ClientGoneError(LenetError):
    """A client has left before it was answered."""


class PredictRoute:
    """Takes a request's body within limits, has it answered by the workers, and sends that.

    Args:
        settings: The limits.
        model_names: Of the models that are served.
        pool: The workers.
        metrics: Is told what was answered.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        model_names: Sequence[str],
        pool: WorkerPool,
        metrics: Metrics,
    ):
        self._settings = settings
        self._names = model_names
        self._read_question = QuestionReader(model_names)
        self._pool = pool
        self._metrics = metrics
        self._held = 0

    async def __call__(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Answer a request.

        Raises:
            HttpError: It is refused.
        """
        if scope["method"] != "POST":
            detail = f"Pictures come by POST, not by {scope['method']}."
            raise HttpError(405, detail, ((b"allow", b"POST"),))
        question = self._read_question(scope["query_string"])
        content_type = headers.get(b"content-type", b"")
        kind = _kind_of(content_type)
        self._check_size(headers.get(b"content-length", b""))
        form_type = content_type if kind == "form" else b""
        body, held = await self._read_body(receive)
        try:
            job = Job(question, kind, form_type, body)
            answer = await self._ask(job, scope["state"]["connection"])
        finally:
            self._held -= held
        self._count(self._names[question.model], answer)
        length = b"%d" % len(answer.body)
        start_headers = [JSON_TYPE, (b"content-length", length)]
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": start_headers}
        )
        await send({"type": "http.response.body", "body": answer.body})

    def _check_size(self, declared: bytes) -> None:
        """Refuse a body that says itself that it is too large, before it is read."""
        if len(declared) > 18 or (declared and int(declared) > self._settings.max_body):
            raise self._too_large()

    def _too_large(self) -> HttpError:
        limit = self._settings.max_body
        told = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit:,} bytes"
        return HttpError(413, f"The request is larger than {told}.")

    async def _read_body(self, receive: Receive) -> tuple[bytes, int]:
        """The body, and how many bytes of it count as held."""
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            body = await self._read_long_body(body, receive)
            return body, len(body)
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        if len(body) > self._settings.max_body:
            raise self._too_large()
        return body, 0

    async def _read_long_body(self, begin: bytes, receive: Receive) -> bytes:
        """A body that comes in pieces; its bytes count as held from when they have come."""
        parts = [begin]
        size = len(begin)
        self._held += size
        more = True
        try:
            while more:
                if size > self._settings.max_body:
                    raise self._too_large()
                if self._held > _MOST_HELD:
                    raise busy("The service is busy with large pictures; try again in a second.")
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                part: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(part)
                self._held += len(part)
                parts.append(part)
            if size > self._settings.max_body:
                raise self._too_large()
        except BaseException:
            self._held -= size
            raise
        return b"".join(parts)

    async def _ask(self, job: Job, connection: Connection) -> Answer:
        """What the workers answer, if the client waits for it."""
        try:
            answer = self._pool.ask(job)

            def leave() -> None:
                if not answer.done():
                    answer.set_exception(ClientGoneError())

            connection.when_client_leaves(leave)
            try:
                return await answer
            finally:
                connection.when_client_leaves(None)
        except BusyError as error:
            raise busy(str(error)) from error
        except (PictureTakesTooLongError, WorkerBrokeError) as error:
            raise HttpError(400, str(error)) from error

    def _count(self, model: str, answer: Answer) -> None:
        sure = answer.predictions - answer.blank - answer.unsure
        for doubt, count in ("none", sure), ("blank", answer.blank), ("unsure", answer.unsure):
            if count:
                self._metrics.predictions(model, doubt).inc(count)


def _kind_of(content_type: bytes) -> BodyKind:
    """How pictures stand in a body.

    Forms of the other kind are raw pictures too: `curl --data-binary` calls everything so.
    """
    kind = content_type.partition(b";")[0].strip().lower()
    if kind.startswith(b"image/") or kind in _RAW_TYPES:
        return "picture"
    if kind == b"multipart/form-data":
        return "form"
    if kind == b"application/json":
        return "json"
    detail = (
        f"Pictures come as `image/…`, `application/octet-stream`, `multipart/form-data` or "
        f"`application/json`, not as `{kind.decode(errors='replace')}`."
    )
    raise HttpError(415, detail)
