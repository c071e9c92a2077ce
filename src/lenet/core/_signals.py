"""What is done when a person or the system asks a process to end.

That is Ctrl-C (SIGINT), SIGTERM, and SIGHUP, which comes when a terminal is closed or a connection
to it lost. Where SIGHUP is ignored, as under `nohup`, it stays so.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lenet.errors import Interrupted

Answer = Callable[[int, FrameType | None, Any], None]
_asking: set[object] = set()  # handlers that ask for a stop: the program goes on after them


@contextmanager
def answer_signals(answer: Answer, *, asks: bool = False) -> Iterator[None]:
    """Let something else answer these signals, until the block ends.

    What is set to answer one of them inside of the block stays.

    Args:
        answer: Is given the signal's number, the frame, and the handler that was there before. In a
            thread other than the main one, where no signals arrive, it is never called.
        asks: Whether it asks for a stop, and the program goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous: dict[int, Any] = {}

    def handle(number: int, frame: FrameType | None) -> None:
        answer(number, frame, previous[number])

    if asks:
        _asking.add(handle)
    for one in _ending_signals():
        previous[one] = signal.getsignal(one)
        signal.signal(one, handle)
    try:
        yield
    finally:
        _asking.discard(handle)
        for number, handler in previous.items():
            # One that was not installed by Python can't be put back.
            if handler is not None and signal.getsignal(number) is handle:
                signal.signal(number, handler)


def _ending_signals() -> list[int]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        numbers.append(hangup)
    return [*numbers]


@contextmanager
def stop_on_signals(request_stop: Callable[[], None]) -> Iterator[list[int]]:
    """Let these signals ask for a stop; the second of them does what it would do otherwise.

    Gives a list in which the number of the first one will be. An `Interrupted` is told of it.

    Args:
        request_stop: Asks for a stop and returns at once.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None, before: Any) -> None:
        if not received:
            received.append(number)
            request_stop()
        elif callable(before):
            before(number, frame)
        else:
            raise KeyboardInterrupt

    with answer_signals(stop, asks=True):
        try:
            yield received
        except Interrupted as error:
            error.number = received[0] if received else error.number
            raise


@contextmanager
def doing_first_on_signals(action: Callable[[], None]) -> Iterator[None]:
    """On one of these signals do something, then what would happen otherwise.

    An exception alone would not do: the command line leaves at once, and SIGTERM raises none. Where
    a stop is only asked for, nothing is done: what is under way is gone on with.
    """

    def act(number: int, frame: FrameType | None, before: Any) -> None:
        if before not in _asking:
            action()
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, before)
            signal.raise_signal(number)

    with answer_signals(act):
        yield
