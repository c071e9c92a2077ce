import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lenet.training import Trainer


@contextmanager
def stop_on_signals(trainer: Trainer) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the training between two steps; the second Ctrl-C at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if not trainer.stop_requested:
            trainer.request_stop()
            return
        handler = previous[number]
        if not callable(handler):
            raise KeyboardInterrupt
        handler(number, frame)

    previous: dict[int, Any] = {
        number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            if handler is not None:  # one that was not installed by Python can't be put back
                signal.signal(number, handler)
