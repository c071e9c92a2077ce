"""From the body of a request to the body of its answer; the part of a service that computes."""

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lenet.errors import (
    ArrayError,
    LenetError,
    PictureError,
    PictureFormatError,
    PictureSizeError,
    SettingError,
)
from lenet.pictures import Seen, look_at, look_at_each
from lenet.serving._messages import Answer, Job, Question
from lenet.serving._predict import Prediction, predict_each
from lenet.serving._request_bodies import (
    BodyError,
    TooManyPicturesError,
    as_data_url,
    pictures_of,
    read_sent,
)
from lenet.serving._trained_model import TrainedModel

_PATIENCE = 0.05  # seconds that a finished answer waits for others of its batch
# The first class that an error belongs to decides.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (TooManyPicturesError, 413),
    (PictureSizeError, 413),
    (MemoryError, 413),
    (PictureFormatError, 415),
    (PictureError, 400),
    (BodyError, 400),
    (ArrayError, 422),
    (SettingError, 422),
)


@dataclass(frozen=True)
class Limits:
    """What a request may cost.

    Attributes:
        pixels: Of a picture.
        pictures: Of a request.
    """

    pixels: int
    pictures: int


@dataclass(frozen=True)
class _Look:
    """What was seen of a picture.

    Attributes:
        name: What the client calls it.
        seen: Once, or each symbol in it.
    """

    name: str | None
    seen: list[Seen]


def answer_all(
    jobs: Iterable[Job],
    models: Sequence[TrainedModel],
    limits: Limits,
    send: Callable[[list[Answer]], None],
) -> None:
    """Answer requests in their order; their images go through the network together.

    Args:
        jobs: The requests.
        models: Those that are served.
        limits: What a request may cost.
        send: Takes answers: all at once, or where the pictures of one request take long, those that
            are ready before.
    """
    waiting: list[tuple[Job, list[_Look] | Answer]] = []
    since = time.perf_counter()
    for job in jobs:
        try:
            waiting.append((job, _look(job, models[job.question.model], limits)))
        except Exception as error:
            waiting.append((job, failure(error)))
        if time.perf_counter() - since > _PATIENCE:
            send(_answers(waiting, models))
            waiting, since = [], time.perf_counter()
    if waiting:
        send(_answers(waiting, models))


def refusal(status: int, detail: str) -> Answer:
    """The answer that says what is wrong."""
    body = json.dumps({"detail": detail}, ensure_ascii=False)
    return Answer(status, body.encode(errors="replace"))


def failure(error: Exception) -> Answer:
    """The answer for an error; one that was not foreseen is told on stderr too."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return refusal(status, str(error) or "The picture needs more memory than there is.")
    if isinstance(error, LenetError):
        return refusal(422, str(error))
    traceback.print_exception(error, file=sys.stderr)
    return refusal(500, "Something went wrong in the service; its log says what.")


def _look(job: Job, model: TrainedModel, limits: Limits) -> list[_Look]:
    """What is to be seen in the pictures of a request."""
    preparation = model.card.preparation
    sent = pictures_of(job, model.card.input_shape, limits.pictures)
    looks = []
    for number, one in enumerate(sent, 1):
        try:
            pixels = read_sent(one, limits.pixels, preparation.pixel_range)
            if isinstance(pixels, Seen):
                seen = [pixels]
            elif job.question.many:
                seen = look_at_each(pixels, preparation)
            else:
                seen = [look_at(pixels, preparation)]
        except PictureError as error:
            if len(sent) == 1:
                raise
            name = f"Picture {number}, `{one.name}`" if one.name else f"Picture {number}"
            message = f"{name}: {error}"
            raise type(error)(message) from error
        looks.append(_Look(one.name, seen))
    return looks


def _answers(
    waiting: list[tuple[Job, list[_Look] | Answer]], models: Sequence[TrainedModel]
) -> list[Answer]:
    """The answers for what was seen; those to the same question are computed together."""
    answers: dict[int, Answer] = {}
    asked: dict[Question, list[tuple[int, list[_Look]]]] = {}
    for place, (job, looks) in enumerate(waiting):
        if isinstance(looks, Answer):
            answers[place] = looks
        else:
            asked.setdefault(job.question, []).append((place, looks))
    for question, requests in asked.items():
        try:
            answers.update(_answers_to(question, requests, models[question.model]))
        except Exception as error:
            answers.update({place: failure(error) for place, _ in requests})
    return [answers[place] for place in range(len(waiting))]


def _answers_to(
    question: Question, requests: list[tuple[int, list[_Look]]], model: TrainedModel
) -> dict[int, Answer]:
    """The answers to requests that ask the same, by their places in the batch."""
    seen = [one for _, looks in requests for look in looks for one in look.seen]
    predictions = predict_each(seen, model, top=question.top, threshold=question.threshold)
    answers = {}
    for place, looks in requests:
        told = []
        doubts = []
        for number, look in enumerate(looks):
            for _ in look.seen:
                prediction = next(predictions)
                doubts.append(prediction.doubt)
                told.append(_told(prediction, number, look.name, question.image))
        body = json.dumps({"model": model.name, "predictions": told}, ensure_ascii=False)
        counts = doubts.count("blank"), doubts.count("unsure")
        answers[place] = Answer(200, body.encode(errors="replace"), len(doubts), *counts)
    return answers


def _told(
    prediction: Prediction, picture: int, name: str | None, with_image: bool
) -> dict[str, object]:
    """A prediction as JSON has it."""
    top, left, bottom, right = map(float, prediction.seen.box)
    told: dict[str, object] = {
        "picture": picture,
        "name": name,
        "class_name": prediction.class_name,
        "probability": prediction.probability,
        "doubt": prediction.doubt,
        "top": [
            {"class_name": class_name, "probability": probability}
            for class_name, probability in prediction.top
        ],
        "box": {"top": top, "left": left, "bottom": bottom, "right": right},
    }
    if with_image:
        told["image"] = as_data_url(prediction.seen.image)
    return told
