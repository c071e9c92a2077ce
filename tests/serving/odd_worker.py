"""A worker that does what its pictures say: `python odd_worker.py SETTINGS`.

`die` ends it, and `killed` does so as somebody outside would, `hang` stops it, `sleep` takes a
while, `environment` gives its variables; anything else comes back as it was sent. With `refuse` as
settings it does not start.
"""

import json
import os
import signal
import sys
import time

# The words between pool and worker, to be spoken wrongly.
from lenet.serving._messages import Answer, MessageReader, read_batch, write_answers


def send(answers: list[Answer]) -> None:
    os.write(1, write_answers(answers))


def main() -> None:
    if sys.argv[1] == "refuse":
        send([Answer(500, b'{"detail": "No such model."}')])
        return
    if sys.argv[1] == "die":
        os._exit(3)
    send([Answer(200, b"")])
    reader = MessageReader()
    while data := os.read(0, 65536):
        for message in reader.feed(data):
            jobs = list(read_batch(memoryview(message)))
            for job in jobs:
                if job.body == b"die":
                    os._exit(3)
                if job.body == b"killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                if job.body == b"hang":
                    time.sleep(60)
                if job.body == b"sleep":
                    time.sleep(0.2)
            variables = json.dumps(dict(os.environ)).encode()
            told = [variables if job.body == b"environment" else job.body for job in jobs]
            send([Answer(200, body, len(jobs)) for body in told])


if __name__ == "__main__":
    main()
