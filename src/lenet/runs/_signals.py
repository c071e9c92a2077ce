import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Answer = Callable[[int, FrameType | None, Any], None]


@contextmanager
def answer_signals(answer: Answer) -> Iterator[None]:
    """Let something else answer Ctrl-C and SIGTERM, until the block ends.

    Args:
        answer: Is given the signal's number, the frame, and the handler that was there before. In a
            thread other than the main one, where no signals arrive, it is never called.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous: dict[int, Any] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        answer(number, frame, previous[number])

    for one in (signal.SIGINT, signal.SIGTERM):
        previous[one] = signal.getsignal(one)
        signal.signal(one, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            if handler is not None:  # one that was not installed by Python can't be put back
                signal.signal(number, handler)


@contextmanager
def stop_on_signals(request_stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask for a stop; the second of them does what it would do otherwise.

    Args:
        request_stop: Asks for a stop and returns at once.
    """
    requested = False

    def stop(number: int, frame: FrameType | None, before: Any) -> None:
        nonlocal requested
        if not requested:
            requested = True
            request_stop()
        elif callable(before):
            before(number, frame)
        else:
            raise KeyboardInterrupt

    with answer_signals(stop):
        yield


@contextmanager
def doing_first_on_signals(action: Callable[[], None]) -> Iterator[None]:
    """On Ctrl-C or SIGTERM do something, then what would happen otherwise.

    An exception alone would not do: the command line leaves at once, and SIGTERM raises none.
    """

    def act(number: int, frame: FrameType | None, before: Any) -> None:
        action()
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, before)
            signal.raise_signal(number)

    with answer_signals(act):
        yield
