"""Contestants that take turns at a task, so that what the machine does meanwhile hits all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.core import has_torch
from lenet.doctor._report import Measurement
from lenet.errors import SettingError

_REST = 0.2  # seconds between two turns, until the threads of the one before have gone to sleep
_SIZE = 1024  # of matrices
_SECONDS = 0.2
_NO_TIME = "There was no time for it. `--only`, `--rounds` or `--all` gives it some."


@dataclass(frozen=True)
class Outcome:
    """What a turn gave.

    Attributes:
        figure: In the report's unit.
        train_loss: Where something was trained.
    """

    figure: float
    train_loss: float | None = None


@dataclass(frozen=True)
class Contestant:
    """Something to be measured.

    Attributes:
        name: In the table.
        play: One turn. The first may compile, so it should not count.
        other_network: Which one, where it is another than the task's.
    """

    name: str
    play: Callable[[], Outcome]
    other_network: str = ""


class Pace:
    """How long turns take, and how long all of them may.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._half, self._end = (time.perf_counter() + share * seconds for share in (0.5, 1))
        self._took: dict[str, float] = {}

    @contextmanager
    def turn_of(self, name: str) -> Iterator[None]:
        """Time what a contestant does until the block ends."""
        started = time.perf_counter()
        yield
        self._took[name] = time.perf_counter() - started

    def seconds_of(self, names: Sequence[str]) -> float:
        """How long a turn of each of these may take: as long as its last one."""
        return sum(self._took.get(name, 0.0) for name in names)

    @property
    def is_half_over(self) -> bool:
        """Whether half of the time is over."""
        return time.perf_counter() > self._half

    @property
    def seconds_left(self) -> float:
        """Until the time is over; infinite where there is no end."""
        return max(self._end - time.perf_counter(), 0.0)


def take_turns(
    contestants: list[Contestant],
    rounds: int,
    tell: Callable[[str], None],
    *,
    pace: Pace | None = None,
    hear: Callable[[str, list[Measurement], float], None] = lambda *said: None,
) -> list[Measurement]:
    """Let the contestants take turns: A B C A B C ….

    Args:
        contestants: In the order of their turns.
        rounds: Turns of each, as far as there is time; one in any case.
        tell: Is told what is going on.
        pace: How long turns take, and how long all of them may.
        hear: Is told after each turn whose it was, what was measured so far, and how many seconds
            those to come will take.
    """
    pace, names = pace or Pace(), [contestant.name for contestant in contestants]
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    for turn in range(rounds):
        if turn and pace.seconds_of(names) > pace.seconds_left:
            break
        for place, contestant in enumerate(contestants):
            tell(f"round {turn + 1} of {rounds}: {contestant.name}")
            with pace.turn_of(contestant.name):
                time.sleep(_REST)
                outcomes[contestant.name].append(contestant.play())
            to_come = pace.seconds_of(names[place + 1 :])
            to_come += pace.seconds_of(names) * (rounds - 1 - turn)
            measured = _measured(contestants, outcomes)
            hear(contestant.name, measured, min(to_come, pace.seconds_left))
    return _measured(contestants, outcomes)


def _measured(
    contestants: list[Contestant], outcomes: dict[str, list[Outcome]]
) -> list[Measurement]:
    """What those have reached who have had a turn."""
    return [
        Measurement(
            contestant.name,
            tuple(outcome.figure for outcome in outcomes[contestant.name]),
            outcomes[contestant.name][-1].train_loss,
            contestant.other_network,
        )
        for contestant in contestants
        if outcomes[contestant.name]
    ]


def find_contestants(
    makers: dict[str, Callable[[], Contestant]],
    tell: Callable[[str], None],
    *,
    pace: Pace | None = None,
    hear: Callable[[str, str], object] = lambda *said: None,
) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can take part, after a turn that is not counted, and why the others can't.

    Args:
        makers: By the contestants' names.
        tell: Is told what is going on.
        pace: How long turns take, and how long all of them may; once half of that is over, two are
            enough.
        hear: Is told after each turn whose it was, and why there was none.
    """
    pace = pace or Pace()
    contestants: list[Contestant] = []
    absent: dict[str, str] = {}
    for name, make in makers.items():
        tell(f"warm-up: {name}")
        try:
            if len(contestants) > 1 and pace.is_half_over:
                raise SettingError(_NO_TIME)
            contestant = make()
            with pace.turn_of(name):
                contestant.play()
        except Exception as error:  # whatever a peer's library raises, the others go on
            absent[name] = _reason(error)
        else:
            contestants.append(contestant)
        hear(name, absent.get(name, ""))
    return contestants, absent


def _reason(error: Exception) -> str:
    """Why somebody can't take part, in a line."""
    if isinstance(error, ImportError) and error.name:
        return f"`{error.name}` is not installed."
    return str(error).strip().partition("\n")[0] or type(error).__name__


def find_sgemm() -> Contestant:
    """The float32 product of two 1024×1024 matrices by PyTorch or numpy, whichever is faster."""
    ones = np.random.default_rng(0).standard_normal((2, _SIZE, _SIZE)).astype(np.float32)
    products: list[Callable[[], Any]] = [lambda: ones[0] @ ones[1]]
    if has_torch():
        import torch

        tensors = torch.from_numpy(ones)
        products.insert(0, lambda: tensors[0] @ tensors[1])

    def play() -> Outcome:
        return Outcome(2 * _SIZE**3 / min(map(_time, products)) / 1e9)

    return Contestant("sgemm", play)


def _time(multiply: Callable[[], Any]) -> float:
    """Seconds of the fastest of many products."""
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while (started := time.perf_counter()) < end:
        multiply()
        best = min(best, time.perf_counter() - started)
    return best
