"""A process that looks at pictures: `python -m lenet.serving._worker SETTINGS`, fed through pipes.

SETTINGS is JSON: the models' files and the limits. The first message that it writes says whether
the models could be opened. It ends when its input does.
"""

import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lenet.core import json_text
from lenet.errors import (
    ArrayError,
    LenetError,
    PictureError,
    PictureFormatError,
    PictureSizeError,
    SettingError,
)
from lenet.pictures import (
    Numbers,
    Preparation,
    PreparedPicture,
    look_at,
    look_at_each,
    notice_several,
    pictures_in,
    read_picture,
)
from lenet.serving import _schema as schema
from lenet.serving._messages import (
    Answer,
    Job,
    MessageReader,
    Question,
    error_body,
    read_batch,
    write_answers,
)
from lenet.serving._models import TrainedModel, open_model
from lenet.serving._predict import Prediction, predict_each

_MOST_READ = 2**20  # bytes at once
_PATIENCE = 0.05  # seconds that a finished answer waits for others of its batch
# The first class that an error belongs to decides.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (schema.TooManyPicturesError, 413),
    (schema.TooManyListsError, 413),
    (PictureSizeError, 413),
    (MemoryError, 413),
    (PictureFormatError, 415),
    (PictureError, 400),
    (schema.BodyError, 400),
    (LenetError, 422),
)


class Limits(NamedTuple):
    """What a request may cost: pixels of a picture, and pictures."""

    pixels: int
    pictures: int


class _Picture(NamedTuple):
    """A picture that was sent: what the client calls it, and what was seen of it."""

    name: str | None
    seen: list[PreparedPicture]


def main(settings: str) -> None:
    """Open the models and answer until the service ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # meant for the service, which drains or rereads
        if number := getattr(signal, name, None):  # Windows has no SIGHUP
            signal.signal(number, signal.SIG_IGN)
    logging.getLogger("python_multipart").addHandler(logging.NullHandler())  # clients' mistakes
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no message
    values = json.loads(settings)
    try:
        models = [
            replace(open_model(Path(model["file"])), name=model["name"])
            for model in values["models"]
        ]
    except LenetError as error:
        problem = str(error)
        for model in values["models"]:  # files are copies, which nobody knows
            problem = problem.replace(model["file"], model["source"])
        _send(output, [Answer(500, error_body(problem))])
        return
    limits = Limits(values["max_pixels"], values["max_images"])
    stroke = np.full((40, 40), 255, np.uint8)
    stroke[8:32, 18:22] = 0
    body = json.dumps({"pictures": [{"pixels": stroke.tolist()}]}).encode()
    warm_up = [Job(Question(place), "json", b"", body) for place in range(len(models))]
    answer_all(warm_up, models, limits, lambda answers: None)  # imports, before a client waits
    _send(output, [Answer(200, b"")])
    reader = MessageReader()
    while data := os.read(0, _MOST_READ):
        for message in reader.feed(data):
            jobs = read_batch(memoryview(message))
            answer_all(jobs, models, limits, lambda answers: _send(output, answers))


def _send(output: BinaryIO, answers: list[Answer]) -> None:
    rest = memoryview(write_answers(answers))
    try:
        while rest:
            rest = rest[output.write(rest) or 0 :]
    except BrokenPipeError:
        os._exit(0)  # the service is gone


def answer_all(
    jobs: Iterable[Job],
    models: Sequence[TrainedModel],
    limits: Limits,
    send: Callable[[list[Answer]], None],
) -> None:
    """Answer requests in their order; their images go through the network together.

    The answers are sent at once, or where the pictures of one request take long, those that are
    ready before.
    """
    waiting: list[tuple[Question, list[_Picture] | Answer]] = []
    since = time.perf_counter()
    for job in jobs:
        try:
            waiting.append((job.question, _look(job, models[job.question.model], limits)))
        except Exception as error:
            waiting.append((job.question, _failure(error)))
        if time.perf_counter() - since > _PATIENCE:
            send(_answers(waiting, models))
            waiting, since = [], time.perf_counter()
    if waiting:
        send(_answers(waiting, models))


def _failure(error: Exception) -> Answer:
    """The answer for an error; one that was not foreseen is told on stderr too."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            detail = str(error) or "The picture needs more memory than there is."
            return Answer(status, error_body(detail))
    traceback.print_exception(error, file=sys.stderr)
    return Answer(500, error_body("Something went wrong in the service; its log says what."))


def _look(job: Job, model: TrainedModel, limits: Limits) -> list[_Picture]:
    """What is to be seen in the pictures of a request."""
    if job.kind == "picture":
        sent: list[tuple[str | None, bytes | Numbers | PreparedPicture]] = [(None, job.body)]
    elif job.kind == "form":
        sent = list(_files_in(job, limits.pictures))
    else:
        shape = model.card.input_shape
        read = schema.read_pictures(job.body, shape, limits.pictures)
        sent = [(picture.name, picture.content) for picture in read]
    if not sent:
        message = "The request has no picture."
        raise SettingError(message)
    pictures = []
    for number, (name, content) in enumerate(sent, 1):
        try:
            seen = _see(content, model.card.preparation, limits.pixels, job.question.many)
        except (PictureError, ArrayError) as error:
            if len(sent) == 1:
                raise
            message = f"Picture {number}{f', `{name}`' if name else ''}: {error}"
            raise type(error)(message) from error
        pictures.append(_Picture(name, seen))
    return pictures


def _see(
    content: bytes | Numbers | PreparedPicture,
    preparation: Preparation,
    most_pixels: int,
    many: bool,
) -> list[PreparedPicture]:
    """What is seen of a picture, or of each symbol in it; nothing is done to what was seen."""
    if isinstance(content, PreparedPicture):
        return [content]
    if isinstance(content, bytes):
        scale = preparation.pixel_range
        pixels = read_picture(content, most_pixels=most_pixels, pixel_range=scale)
    elif np.prod(content.shape[:2]) > most_pixels:
        message = f"The picture has more than {most_pixels:,} pixels."
        raise PictureSizeError(message)
    else:
        (pixels,) = pictures_in(content if content.ndim == 3 else content[..., None], preparation)
    if many:
        return look_at_each(pixels, preparation)
    return [notice_several(pixels, look_at(pixels, preparation), preparation)]


def _files_in(job: Job, most: int) -> Iterator[tuple[str | None, bytes]]:
    """The names and contents of a form's files (RFC 7578), `most` at most."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser, parse_options_header

    _, options = parse_options_header(job.content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        message = "The form's `Content-Type` has no boundary; let your HTTP client set this header."
        raise schema.BodyError(message)
    files: list[Any] = []
    ends: list[bool] = []

    def keep(file: Any) -> None:
        files.append(file)
        if len(files) > most:
            raise schema.TooManyPicturesError(most)

    def refuse(field: Any) -> None:
        name = (field.field_name or b"").decode(errors="replace")
        message = (
            f"The form's field `{name}` holds no file. Files go into the form, settings into the "
            "address, as in `/v1/predict?model=digits`."
        )
        raise SettingError(message)

    try:
        parser = FormParser(
            "multipart/form-data",
            refuse,
            keep,
            on_end=lambda: ends.append(True),
            boundary=boundary,
            config={"MAX_MEMORY_FILE_SIZE": len(job.body) + 1},
        )
        parser.write(job.body)
        parser.finalize()
    except FormParserError as error:
        message = f"The form is damaged: {str(error).rstrip('.')}."
        raise schema.BodyError(message) from error
    if not ends:
        message = "The form is damaged: it ends before its last boundary."
        raise schema.BodyError(message)
    for file in files:
        yield (file.file_name or b"").decode(errors="replace") or None, file.file_object.getvalue()


def _answers(
    waiting: list[tuple[Question, list[_Picture] | Answer]], models: Sequence[TrainedModel]
) -> list[Answer]:
    """The answers for what was seen; those to the same question are computed together."""
    answers: dict[int, Answer] = {}
    asked: dict[Question, dict[int, list[_Picture]]] = {}
    for place, (question, pictures) in enumerate(waiting):
        if isinstance(pictures, Answer):
            answers[place] = pictures
        else:
            asked.setdefault(question, {})[place] = pictures
    for question, requests in asked.items():
        try:
            answers |= _answers_to(question, requests, models[question.model])
        except Exception as error:
            answers |= dict.fromkeys(requests, _failure(error))
    return [answers[place] for place in range(len(waiting))]


def _answers_to(
    question: Question, requests: dict[int, list[_Picture]], model: TrainedModel
) -> dict[int, Answer]:
    """The answers to requests that ask the same, by their places in the batch."""
    seen = [one for pictures in requests.values() for picture in pictures for one in picture.seen]
    predictions = predict_each(seen, model, top=question.top, threshold=question.threshold)
    answers = {}
    for place, pictures in requests.items():
        told = [
            _told(next(predictions), number, picture.name, question.image)
            for number, picture in enumerate(pictures)
            for _ in picture.seen
        ]
        doubts = [one["doubt"] for one in told]
        answer: schema.Predictions = {"model": model.name, "predictions": told}
        body = json_text(answer, ensure_ascii=False).encode(errors="replace")
        counts = doubts.count("blank"), doubts.count("unsure"), doubts.count("far")
        answers[place] = Answer(200, body, len(doubts), *counts)
    return answers


def _told(
    prediction: Prediction, picture: int, name: str | None, with_image: bool
) -> schema.Prediction:
    top, left, bottom, right = map(float, prediction.seen.box)
    told: schema.Prediction = {
        "picture": picture,
        "name": name,
        "class_name": prediction.class_name,
        "probability": prediction.probability,
        "doubt": prediction.doubt,
        "threshold": prediction.threshold,
        "none_probability": prediction.none_probability,
        "distance": prediction.distance,
        "reach": prediction.reach,
        "top": [
            {"class_name": class_name, "probability": probability}
            for class_name, probability in prediction.top
        ],
        "box": {"top": top, "left": left, "bottom": bottom, "right": right},
        "several": prediction.seen.is_several,
    }
    if with_image:
        told["image"] = schema.as_data_url(prediction.seen.image)
    return told


if __name__ == "__main__":
    main(sys.argv[1])
