"""A process that looks at pictures: `python -m lenet.serving._worker SETTINGS`, fed through pipes.

SETTINGS is JSON: the models' files and the limits. The first message that it writes says whether
the models could be opened. It ends when its input does.
"""

import json
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lenet.errors import LenetError
from lenet.serving._answering import Limits, answer_all, refusal
from lenet.serving._messages import (
    Answer,
    Job,
    MessageReader,
    Question,
    read_batch,
    write_answers,
)
from lenet.serving._trained_model import open_model

_MOST_READ = 2**20  # bytes at once


def main(settings: str) -> None:
    """Open the models and answer until the service ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the service, which drains
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
        _send(output, [refusal(500, problem)])
        return
    limits = Limits(values["max_pixels"], values["max_images"])
    stroke = np.full((40, 40), 255, np.uint8)
    stroke[8:32, 18:22] = 0
    for place in range(len(models)):  # now, so that the first client need not wait for imports
        body = json.dumps({"pictures": [{"pixels": stroke.tolist()}]}).encode()
        answer_all([Job(Question(place), "json", b"", body)], models, limits, lambda answers: None)
    _send(output, [Answer(200, b"")])
    reader = MessageReader()
    while data := os.read(0, _MOST_READ):
        for message in reader.feed(data):
            jobs = read_batch(memoryview(message))
            answer_all(jobs, models, limits, lambda answers: _send(output, answers))


def _send(output: BinaryIO, answers: list[Answer]) -> None:
    """Write a message whole."""
    rest = memoryview(write_answers(answers))
    try:
        while rest:
            rest = rest[output.write(rest) or 0 :]
    except BrokenPipeError:
        os._exit(0)  # the service is gone


if __name__ == "__main__":
    main(sys.argv[1])
