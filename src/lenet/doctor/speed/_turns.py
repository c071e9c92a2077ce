import time
from collections.abc import Callable
from dataclasses import dataclass

from lenet.doctor.speed._report import Measurement

_REST = 0.2  # seconds between two turns, until the threads of the one before have gone to sleep


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
