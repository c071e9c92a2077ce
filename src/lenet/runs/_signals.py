import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stop_on_signals(request_stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask for a stop; the second of them does what it would do otherwise.

    Args:
        request_stop: Asks for a stop and returns at once. In a thread other than the main one,
            where no signals arrive, it is never called.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    requested = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal requested
        if not requested:
            requested = True
            request_stop()
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
