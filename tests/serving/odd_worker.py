"""A worker that does what its pictures say: `python odd_worker.py SETTINGS`.

`die` ends it, `hang` stops it, `sleep` takes a while; anything else comes back as it was sent. With
`refuse` as settings it does not start.
"""

import os
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
                if job.body == b"hang":
                    time.sleep(60)
                if job.body == b"sleep":
                    time.sleep(0.2)
            send([Answer(200, job.body, len(jobs)) for job in jobs])


if __name__ == "__main__":
    main()
