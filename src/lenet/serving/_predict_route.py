"""`POST /v1/predict` as plain ASGI: FastAPI would double what such a request costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from lenet.errors import LenetError, UnknownNameError
from lenet.serving._connections import Connection
from lenet.serving._messages import Answer, BodyKind, Job, Question
from lenet.serving._metrics import Metrics
from lenet.serving._pool import BusyError, PictureTakesTooLongError, WorkerBrokeError, WorkerPool
from lenet.serving._schema import Parameters
from lenet.serving._settings import ServiceSettings

PATH = "/v1/predict"
JSON_TYPE = (b"content-type", b"application/json")
_MOST_HELD = 2**28  # bytes of bodies that are kept at a time
_MOST_QUERIES = 256  # that are kept as read; most of them are equal
_LONGEST_KEPT = 256  # bytes of one
_RAW_TYPES = (b"application/octet-stream", b"application/x-www-form-urlencoded", b"")
_IN_WORDS = {
    "top": "a whole number from 1 to 1000",
    "threshold": "a number from 0 to 1",
    "many": "`true` or `false`",
    "image": "`true` or `false`",
}


class HttpError(LenetError):
    """A request that is refused: with which status and headers, and why."""

    def __init__(self, status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()):
        super().__init__(detail)
        self.status, self.headers = status, headers


class ClientGoneError(LenetError):
    """A client has left before it was answered."""


def busy(detail: str) -> HttpError:
    """The refusal that asks a client to come again."""
    return HttpError(503, detail, ((b"retry-after", b"1"),))


class PredictRoute:
    """Takes a request's body within limits, has it answered by the workers, and sends that."""

    def __init__(
        self,
        settings: ServiceSettings,
        model_names: Sequence[str],
        pool: WorkerPool,
        metrics: Metrics,
    ):
        self._most_bytes = settings.max_body
        self._names = list(model_names)
        self._question = lru_cache(_MOST_QUERIES)(self._read_question)
        self._pool = pool
        self._metrics = metrics
        self._held = 0
        self.under_way = 0  # requests

    async def __call__(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Answer a request; a `ClientGoneError` says that nobody waits for it."""
        self.under_way += 1
        try:
            await self._answer(scope, headers, receive, send)
        finally:
            self.under_way -= 1

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        if scope["method"] != "POST":
            detail = f"Pictures come by POST, not by {scope['method']}."
            raise HttpError(405, detail, ((b"allow", b"POST"),))
        query: bytes = scope["query_string"]
        is_kept = len(query) <= _LONGEST_KEPT
        question = self._question(query) if is_kept else self._read_question(query)
        content_type = headers.get(b"content-type", b"")
        kind = _kind_of(content_type)
        declared = headers.get(b"content-length", b"")
        if len(declared) > 18 or (declared and int(declared) > self._most_bytes):
            raise self._too_large()  # before it is read
        body, held = await self._read_body(receive)
        try:
            job = Job(question, kind, content_type if kind == "form" else b"", body)
            answer = await self._ask(job, scope["state"]["connection"])
        finally:
            self._held -= held
        self._count(self._names[question.model], answer)
        head = [JSON_TYPE, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": answer.body})

    def _read_question(self, query: bytes) -> Question:
        """What a query such as `model=digits&top=3` asks; the first model where none is named."""
        values: dict[str, str] = {}
        try:
            for name, value in parse_qsl(query.decode(), keep_blank_values=True):
                if name not in Parameters.model_fields:
                    unknown = UnknownNameError("parameter", name, Parameters.model_fields)
                    raise HttpError(422, str(unknown))
                if name in values:
                    raise HttpError(422, f"`{name}` stands twice in the address.")
                values[name] = value
            asked = Parameters.model_validate(values).model_dump()
        except ValidationError as error:
            name = str(error.errors(include_url=False)[0]["loc"][0])
            detail = f"`{name}` must be {_IN_WORDS[name]}, not `{values[name]}`."
            raise HttpError(422, detail) from error
        except UnicodeDecodeError as error:
            raise HttpError(422, "The address holds bytes that are no text.") from error
        model = values.get("model", self._names[0])
        if model not in self._names:
            raise HttpError(404, str(UnknownNameError("model", model, self._names)))
        return Question(**{**asked, "model": self._names.index(model)})

    def _too_large(self) -> HttpError:
        limit = self._most_bytes
        told = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit:,} bytes"
        return HttpError(413, f"The request is larger than {told}.")

    async def _read_body(self, receive: Receive) -> tuple[bytes, int]:
        """The body, and how many bytes of it count as held: none if it came in one piece."""
        parts: list[bytes] = []
        size = held = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                part: bytes = message.get("body", b"")
                parts.append(part)
                size += len(part)
                if size > self._most_bytes:
                    raise self._too_large()
                if len(parts) == 1 and not message.get("more_body"):
                    return part, 0
                self._held += len(part)
                held = size
                if not message.get("more_body"):
                    return b"".join(parts), held
                if self._held > _MOST_HELD:
                    raise busy("The service is busy with large pictures; try again in a second.")
        except BaseException:
            self._held -= held
            raise

    async def _ask(self, job: Job, connection: Connection) -> Answer:
        """What the workers answer, if the client waits for it."""
        answer = self._pool.ask(job)

        def leave() -> None:
            if not answer.done():
                answer.set_exception(ClientGoneError())

        connection.when_client_leaves(leave)
        try:
            return await answer
        except BusyError as error:
            raise busy(str(error)) from error
        except (PictureTakesTooLongError, WorkerBrokeError) as error:
            raise HttpError(400, str(error)) from error
        finally:
            connection.when_client_leaves(None)

    def _count(self, model: str, answer: Answer) -> None:
        doubts = {"blank": answer.blank, "unsure": answer.unsure, "far": answer.far}
        doubts["none"] = answer.predictions - sum(doubts.values())
        for doubt, count in doubts.items():
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
