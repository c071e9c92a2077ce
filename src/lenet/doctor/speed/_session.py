from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lenet.doctor.speed._contestants import find_contestants
from lenet.doctor.speed._report import Report
from lenet.doctor.speed._sgemm import sgemm_contestant
from lenet.doctor.speed._torch_peer import EAGER
from lenet.doctor.speed._turns import Contestant, take_turns


@dataclass(frozen=True)
class Session:
    """How a process measures.

    Attributes:
        benchmark: `train`, `predict` or `startup`.
        threads: CPU threads of every contestant.
        rounds: Counted turns of each.
        machine: What the report says of it.
        tell: Is told what is going on.
    """

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
        """Let everyone who can be here, and the matrix product, take turns at a task.

        Args:
            task: What is done, in a line.
            unit: Of the figures.
            makers: The contestants, by their names; PyTorch eager must be there.
            flop_per_image: What the task needs by the textbook; 0 where that says nothing.
        """
        contestants, absent = find_contestants(makers, self.tell)
        everyone = [sgemm_contestant(), *contestants]
        sgemm, *measurements = take_turns(everyone, self.rounds, self.tell)
        return Report(
            benchmark=self.benchmark,
            task=task,
            threads=self.threads,
            unit=unit,
            machine=self.machine,
            measurements=tuple(measurements),
            baseline=EAGER,
            absent=absent,
            sgemm=sgemm.rounds if flop_per_image else (),
            flop_per_image=flop_per_image,
        )
