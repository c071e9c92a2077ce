"""What goes through the pipes between the service and its workers; nothing is pickled.

A message is its length and that many bytes. To a worker goes a batch: a number of requests, and
after each other their questions and bodies. From it come as many answers, in the same order, in one
message or several.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

BodyKind = Literal["picture", "form", "json"]

_LENGTH = struct.Struct("<I")
_COUNT = struct.Struct("<H")
_JOB = struct.Struct("<HId??BII")
_ANSWER = struct.Struct("<HIIIII")
_KINDS: tuple[BodyKind, ...] = ("picture", "form", "json")


class Question(NamedTuple):
    """What is asked about the pictures of a request."""

    model: int  # its place among those that are served
    top: int = 3  # classes to give
    threshold: float | None = None  # the least probability of an answer; `None`: the model's own
    many: bool = False  # pictures hold several symbols
    image: bool = False  # what the network saw is to be shown


class Job(NamedTuple):
    """A request for a worker."""

    question: Question
    kind: BodyKind  # how the pictures stand in the body
    content_type: bytes  # the header, which tells how parts of a form are divided
    body: bytes


class Answer(NamedTuple):
    """What a worker makes of a request."""

    status: int  # of HTTP
    body: bytes  # JSON, complete
    predictions: int = 0  # in it
    blank: int = 0  # of them saw nothing
    unsure: int = 0  # of them are below the threshold
    far: int = 0  # of them are beyond the reach


def error_body(detail: str) -> bytes:
    """The body of an answer that says what is wrong, as all have it."""
    return json.dumps({"detail": detail}, ensure_ascii=False).encode(errors="replace")


def write_batch(jobs: Sequence[Job]) -> bytes:
    """The message that brings requests to a worker."""
    parts = [_COUNT.pack(len(jobs))]
    for (model, top, threshold, many, image), kind, content_type, body in jobs:
        least = -1.0 if threshold is None else threshold
        sizes = len(content_type), len(body)
        head = _JOB.pack(model, top, least, many, image, _KINDS.index(kind), *sizes)
        parts += head, content_type, body
    return _with_length(b"".join(parts))


def read_batch(message: memoryview) -> Iterator[Job]:
    """The requests in a message, without its length."""
    (count,) = _COUNT.unpack_from(message)
    place = _COUNT.size
    for _ in range(count):
        model, top, least, many, image, kind, *sizes = _JOB.unpack_from(message, place)
        start = place + _JOB.size
        middle = start + sizes[0]
        place = middle + sizes[1]
        question = Question(model, top, None if least < 0 else least, many, image)
        content_type, body = bytes(message[start:middle]), bytes(message[middle:place])
        yield Job(question, _KINDS[kind], content_type, body)


def write_answers(answers: Sequence[Answer]) -> bytes:
    """The message that brings answers back."""
    parts = []
    for status, body, *counts in answers:
        parts += [_ANSWER.pack(status, *counts, len(body)), body]
    return _with_length(b"".join(parts))


def read_answers(message: bytes) -> Iterator[Answer]:
    """The answers in a message, without its length."""
    place = 0
    while place < len(message):
        status, *counts, size = _ANSWER.unpack_from(message, place)
        place += _ANSWER.size
        yield Answer(status, message[place : place + size], *counts)
        place += size


def _with_length(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


class MessageReader:
    """Puts messages together from what a pipe gives piece by piece."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a piece and give the messages that are complete by it, without their lengths."""
        self._waiting += data
        while len(self._waiting) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._waiting)
            end = _LENGTH.size + size
            if len(self._waiting) < end:
                return
            message = bytes(self._waiting[_LENGTH.size : end])
            del self._waiting[:end]
            yield message
