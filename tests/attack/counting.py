"""What an attack is: one thing done to lenet again and again, with a promise that must hold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

# How a promise breaks, in the words of the table's columns.
BREAKS = ("traceback", "hang", "wrong answer", "lost or half", "memory")


@dataclass
class Counts:
    """What an attack has tried, and what did not hold.

    Attributes:
        tried: How many things were done.
        broken: Each break as one of `BREAKS` and a line that lets it be repeated.
    """

    tried: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)

    def breaks(self, kind: str, what: str) -> None:
        """Note that a promise broke.

        Args:
            kind: One of `BREAKS`.
            what: What was done and what came of it, with its seed: who reads it can do it again.
        """
        assert kind in BREAKS, kind
        self.broken.append((kind, what))

    @property
    def by_kind(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.broken)


@dataclass(frozen=True)
class Attack:
    """One row of the table.

    Attributes:
        name: A few words that no other has; the first column of the table.
        unit: What is counted, in the plural: `kills`, `files`, `messages`, `seconds`.
        promise: What holds whatever is done, in a sentence.
        run: Does it a number of times: all that is random comes from the generator, all files lie
            in the folder, and what it finds goes into the counts.
        few: How often in the everyday tests: seconds for all attacks together. 0: not there.
        many: How often by `make attack`.
        needs: A file without which it can't be done.
    """

    name: str
    unit: str
    promise: str
    run: Callable[[Random, int, Path, Counts], None]
    few: int
    many: int
    needs: Path | None = None
