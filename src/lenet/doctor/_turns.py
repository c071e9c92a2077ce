"""Contestants that take turns at a task, so that what the machine does meanwhile hits all."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.doctor._report import Measurement, Report

BASELINE = "PyTorch eager"
_REST = 0.2  # seconds between two turns, until the threads of the one before have gone to sleep
_SIZE = 1024  # of matrices
_SECONDS = 0.2


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


def take_turns(
    contestants: list[Contestant], rounds: int, tell: Callable[[str], None]
) -> list[Measurement]:
    """Let the contestants take turns: A B C A B C ….

    Args:
        contestants: In the order of their turns.
        rounds: Turns of each.
        tell: Is told what is going on.
    """
    outcomes: dict[str, list[Outcome]] = {contestant.name: [] for contestant in contestants}
    for turn in range(rounds):
        for contestant in contestants:
            tell(f"round {turn + 1} of {rounds}: {contestant.name}")
            time.sleep(_REST)
            outcomes[contestant.name].append(contestant.play())
    return [
        Measurement(
            contestant.name,
            tuple(outcome.figure for outcome in outcomes[contestant.name]),
            outcomes[contestant.name][-1].train_loss,
            contestant.other_network,
        )
        for contestant in contestants
    ]


def find_contestants(
    makers: dict[str, Callable[[], Contestant]], tell: Callable[[str], None]
) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can take part, after a turn that is not counted, and why the others can't.

    Args:
        makers: By the contestants' names.
        tell: Is told what is going on.
    """
    contestants, absent = [], {}
    for name, make in makers.items():
        tell(f"warm-up: {name}")
        try:
            contestant = make()
            contestant.play()
        except ImportError as error:
            absent[name] = f"`{error.name}` is not installed."
        except Exception as error:  # whatever a peer's library raises, the others go on
            absent[name] = str(error).strip().partition("\n")[0] or type(error).__name__
        else:
            contestants.append(contestant)
    return contestants, absent


@dataclass(frozen=True)
class Session:
    """How a process measures; `tell` is told what is going on."""

    benchmark: str
    threads: int
    rounds: int
    machine: dict[str, Any]
    tell: Callable[[str], None]

    def compare(
        self,
        task: str,
        unit: str,
        makers: dict[str, Callable[[], Contestant]],
        *,
        flop_per_image: int = 0,
    ) -> Report:
        """Let everyone who can be here, and the matrix product, take turns at a task."""
        contestants, absent = find_contestants(makers, self.tell)
        everyone = [_sgemm(), *contestants]
        sgemm, *measurements = take_turns(everyone, self.rounds, self.tell)
        return Report(
            benchmark=self.benchmark,
            task=task,
            threads=self.threads,
            unit=unit,
            machine=self.machine,
            measurements=tuple(measurements),
            baseline=BASELINE,
            absent=absent,
            sgemm=sgemm.rounds if flop_per_image else (),
            flop_per_image=flop_per_image,
        )


def _sgemm() -> Contestant:
    """The float32 product of two 1024×1024 matrices by PyTorch or numpy, whichever is faster."""
    import torch

    ones = np.random.default_rng(0).standard_normal((2, _SIZE, _SIZE)).astype(np.float32)
    tensors = torch.from_numpy(ones)

    def play() -> Outcome:
        best = min(_time(lambda: tensors[0] @ tensors[1]), _time(lambda: ones[0] @ ones[1]))
        return Outcome(2 * _SIZE**3 / best / 1e9)

    return Contestant("sgemm", play)


def _time(multiply: Callable[[], Any]) -> float:
    """Seconds of the fastest of many products."""
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while (started := time.perf_counter()) < end:
        multiply()
        best = min(best, time.perf_counter() - started)
    return best
