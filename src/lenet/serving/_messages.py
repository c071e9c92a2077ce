"""What goes through the pipes between the service and its workers; nothing is pickled.

A message is its length and that many bytes. To a worker goes a batch: a number of requests, and
after each other their questions and bodies. From it come as many answers, in the same order, in one
message or several.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

BodyKind = Literal["picture", "form", "json"]

_LENGTH = struct.Struct("<I")
_COUNT = struct.Struct("<H")
_QUESTION = struct.Struct("<HIdBB")
_SIZES = struct.Struct("<II")
_ANSWER = struct.Struct("<HIIII")
_KINDS: tuple[BodyKind, ...] = ("picture", "form", "json")
_MANY, _IMAGE = 1, 2


@dataclass(frozen=True)
class Question:
    """What is asked about the pictures of a request.

    Attributes:
        model: The model's place among those that are served.
        top: How many classes to give.
        threshold: The least probability of an answer; `None` for the model's own.
        many: Whether pictures hold several symbols.
        image: Whether to show what the network saw.
    """

    model: int
    top: int = 3
    threshold: float | None = None
    many: bool = False
    image: bool = False


@dataclass(frozen=True)
class Job:
    """A request for a worker.

    Attributes:
        question: What is asked.
        kind: How the pictures stand in the body.
        content_type: The header of that name, which tells how parts of a form are divided.
        body: The pictures.
    """

    question: Question
    kind: BodyKind
    content_type: bytes
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a worker makes of a request.

    Attributes:
        status: The HTTP status.
        body: JSON, complete.
        predictions: How many answers it holds.
        blank: How many of them saw nothing.
        unsure: How many of them are below the threshold.
    """

    status: int
    body: bytes
    predictions: int = 0
    blank: int = 0
    unsure: int = 0


def write_batch(jobs: Sequence[Job]) -> bytes:
    """The message that brings requests to a worker."""
    parts = [_COUNT.pack(len(jobs))]
    for job in jobs:
        question = job.question
        parts += (
            _QUESTION.pack(
                question.model,
                question.top,
                -1.0 if question.threshold is None else question.threshold,
                _KINDS.index(job.kind),
                _MANY * question.many | _IMAGE * question.image,
            ),
            _SIZES.pack(len(job.content_type), len(job.body)),
            job.content_type,
            job.body,
        )
    return _with_length(b"".join(parts))


def read_batch(message: memoryview) -> Iterator[Job]:
    """The requests in a message, without its length."""
    (count,) = _COUNT.unpack_from(message)
    place = _COUNT.size
    for _ in range(count):
        model, top, threshold, kind, flags = _QUESTION.unpack_from(message, place)
        place += _QUESTION.size
        type_size, body_size = _SIZES.unpack_from(message, place)
        place += _SIZES.size
        content_type = bytes(message[place : place + type_size])
        place += type_size
        body = bytes(message[place : place + body_size])
        place += body_size
        question = Question(
            model,
            top,
            None if threshold < 0 else threshold,
            bool(flags & _MANY),
            bool(flags & _IMAGE),
        )
        yield Job(question, _KINDS[kind], content_type, body)


def write_answers(answers: Sequence[Answer]) -> bytes:
    """The message that brings answers back."""
    parts = []
    for answer in answers:
        counts = answer.predictions, answer.blank, answer.unsure
        parts += [_ANSWER.pack(answer.status, *counts, len(answer.body)), answer.body]
    return _with_length(b"".join(parts))


def read_answers(message: bytes) -> Iterator[Answer]:
    """The answers in a message, without its length."""
    place = 0
    while place < len(message):
        status, predictions, blank, unsure, size = _ANSWER.unpack_from(message, place)
        place += _ANSWER.size
        yield Answer(status, message[place : place + size], predictions, blank, unsure)
        place += size


def _with_length(content: bytes) -> bytes:
    """A message: its length goes first."""
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
