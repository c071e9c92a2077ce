"""How a process measures: who takes part, what is told meanwhile, what is kept if it is stopped."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lenet.core import has_torch
from lenet.doctor._report import Measurement, Report, format_figure
from lenet.doctor._turns import Contestant, Pace, find_contestants, find_sgemm, take_turns

BASELINE, NUMPY, WEB = "PyTorch eager", "lenet, NumPy", "lenet, WebAssembly"
WHOLE, PLAIN = "lenet train, up to the first step", "plain PyTorch, up to the first step"
_PREDICTING = {
    "lenet": "lenet",
    "numpy": NUMPY,
    "eager": BASELINE,
    "channels_last": "PyTorch channels_last",
    "compiled": "PyTorch compiled",
    "onnxruntime": "onnxruntime",
    "jax": "JAX",
    "sklearn": "scikit-learn MLP",
}
# In the order of their turns, by what `--only` calls them.
CONTESTANTS = {
    "train": {
        **{name: title for name, title in _PREDICTING.items() if name != "onnxruntime"},
        "webassembly": WEB,
    },
    "predict": _PREDICTING,
    "startup": {"lenet": WHOLE, "eager": PLAIN},
}
_SLOW = "numpy"
_STOPPED = "It had had no turn yet when the benchmark was stopped."


@dataclass
class Session:
    """A benchmark on a number of threads.

    Attributes:
        benchmark: `train`, `predict` or `startup`.
        threads: CPU threads.
        rounds: Turns of each contestant, as far as there is time.
        machine: Processor, versions, instruction set.
        tell: Takes what a person may read meanwhile, in pieces of lines.
        keep: Takes the reports so far, after every turn.
        only: Who takes part, as `CONTESTANTS` names them; all but the slow where nobody is named.
        all: Whether the slow take part too, and everything that can be trained is.
        seconds: How long it may take.
        later: How many processes measure the same afterwards.
        reports: What was measured, or has been so far.
    """

    benchmark: str
    threads: int
    rounds: int
    machine: dict[str, Any]
    tell: Callable[[str], object] = lambda text: None
    keep: Callable[[list[Report]], None] = lambda reports: None
    only: tuple[str, ...] = ()
    all: bool = False
    seconds: float = math.inf
    later: int = 0
    reports: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.perf_counter()

    def takes(self, name: str) -> bool:
        """Whether somebody is to take part, named as in `CONTESTANTS`."""
        if self.only:
            return name in self.only
        return self.all or name != _SLOW or not has_torch()

    def begin(self, text: str) -> None:
        """Tell what is going on."""
        plural = "thread" if self.threads == 1 else "threads"
        self.tell(f"{self.benchmark}, {self.threads} {plural}, {text} … ")

    def compare(
        self,
        task: str,
        unit: str,
        makers: dict[str, Callable[[], Contestant]],
        *,
        flop_per_image: int = 0,
        memory: dict[str, float] | None = None,
        parts: Callable[[], list[Measurement]] = list,
        later: int = 0,
    ) -> Report:
        """Let everyone who is to take part and can be here take turns at a task.

        Args:
            task: What is done, in a line.
            unit: Of the figures.
            makers: By the contestants' titles.
            flop_per_image: Where there is one, the matrix product takes its turns too.
            memory: In MB, by contestant.
            parts: Gives what else was measured in the turns so far, for the rows above.
            later: How many comparisons follow in this process.
        """
        began = time.perf_counter()
        pace = Pace((self._began + self.seconds - began) / (later + 1))
        names = CONTESTANTS[self.benchmark]
        contestants, absent = find_contestants(
            {title: makers[title] for name, title in names.items() if self.takes(name)},
            self.begin,
            pace=pace,
            hear=lambda title, why: self.tell(f"{why or 'ready'}\n"),
        )
        if not self.only and not self.takes(_SLOW) and _SLOW in names:
            absent[names[_SLOW]] = f"It takes long; `--only lenet,{_SLOW}` or `--all` measures it."
        place, sgemm = len(self.reports), [find_sgemm()] if flop_per_image else []
        report = Report(
            benchmark=self.benchmark,
            task=task,
            threads=self.threads,
            unit=unit,
            machine=self.machine,
            measurements=(),
            absent=absent,
            flop_per_image=flop_per_image,
            memory=memory or {},
        )
        self.reports.append(report)

        def hear(title: str, measured: list[Measurement], seconds: float) -> None:
            by_title = {each.name: each for each in measured}
            last, its_unit = by_title[title].rounds[-1], "GFLOP/s" if title == "sgemm" else unit
            products = by_title.pop("sgemm").rounds if sgemm else ()
            waiting = [one.name for one in contestants if one.name not in by_title]
            self.reports[place] = replace(
                report,
                measurements=(*parts(), *by_title.values()),
                baseline=next((one for one in (BASELINE, NUMPY) if one in by_title), None),
                absent=absent | dict.fromkeys(waiting, _STOPPED),
                sgemm=products,
            )
            self.keep(self.reports)
            seconds += later * (time.perf_counter() - began + seconds)
            seconds += self.later * (time.perf_counter() - self._began + seconds)
            # Of those who wait, all that is known is the warm-up, in which somebody may compile.
            about = "at most" if waiting else "about"
            self.tell(f"{format_figure(last)} {its_unit}, {about} {_minutes(seconds)} left\n")

        take_turns([*sgemm, *contestants], self.rounds, self.begin, pace=pace, hear=hear)
        return self.reports[place]


def _minutes(seconds: float) -> str:
    """As a clock shows them."""
    return "{}:{:02}".format(*divmod(round(seconds), 60))
