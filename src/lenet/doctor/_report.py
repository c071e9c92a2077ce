import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

_HIGHER_IS_BETTER = {"images/s"}


@dataclass(frozen=True)
class Measurement:
    """What one contestant reached.

    Attributes:
        name: The contestant, or the part of a whole that was timed.
        rounds: A figure for each round, in the report's unit.
        train_loss: After the last round, where something was trained: it shows that the same work
            was done.
        other_network: Which one, where the contestant has another network than the task's.
    """

    name: str
    rounds: tuple[float, ...]
    train_loss: float | None = None
    other_network: str = ""

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.rounds)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it, with the median and the range."""
        figures = {"median": self.median, "lowest": min(self.rounds), "highest": max(self.rounds)}
        return asdict(self) | figures


@dataclass(frozen=True)
class Report:
    """The outcome of a benchmark on a number of threads.

    Attributes:
        benchmark: `train`, `predict` or `startup`.
        task: What was done, in a line.
        threads: CPU threads of every contestant.
        unit: Of the figures: `images/s`, `µs` or `ms`.
        machine: Processor, versions, instruction set.
        measurements: In the order of the table.
        baseline: The contestant that ratios refer to, where there are ratios.
        absent: Contestants that could not take part, and why.
        sgemm: GFLOP/s of the fastest float32 matrix product on this machine, a figure for each
            round.
        flop_per_image: Floating-point operations that the task needs for an image by the textbook;
            0 where that says nothing.
        memory: MB that a process takes beyond its imports, by contestant.
    """

    benchmark: str
    task: str
    threads: int
    unit: str
    machine: dict[str, Any]
    measurements: tuple[Measurement, ...]
    baseline: str | None = None
    absent: dict[str, str] = field(default_factory=dict)
    sgemm: tuple[float, ...] = ()
    flop_per_image: int = 0
    memory: dict[str, float] = field(default_factory=dict)

    def speed_ratio(self, measurement: Measurement) -> float:
        """How many times as fast as the baseline, by the medians; there has to be one."""
        baseline = next(each for each in self.measurements if each.name == self.baseline)
        if self.unit in _HIGHER_IS_BETTER:
            return measurement.median / baseline.median
        return baseline.median / measurement.median

    def sgemm_share(self, measurement: Measurement) -> float:
        """Share of the matrix product's speed that is reached, 0 to 1 or more.

        Work is counted by the textbook, so an algorithm that needs fewer multiplications can go
        beyond 1.
        """
        gigaflops = measurement.median * self.flop_per_image / 1e9
        return gigaflops / statistics.median(self.sgemm)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"measurements": [each.to_dict() for each in self.measurements]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Report":
        """From what `to_dict` gave, by way of JSON."""
        names = ("name", "rounds", "train_loss", "other_network")
        measurements = tuple(
            Measurement(**{name: each[name] for name in names} | {"rounds": tuple(each["rounds"])})
            for each in values["measurements"]
        )
        return cls(**values | {"measurements": measurements, "sgemm": tuple(values["sgemm"])})

    def rows(self) -> list[list[str]]:
        """The table: headings, then a row a measurement.

        One has a round more than another where the benchmark was stopped.
        """
        rounds = sorted({len(each.rounds) for each in self.measurements})
        table = [
            ["", self.unit, f"range of {'–'.join(map(str, rounds))}"]
        ]  # two where it was stopped
        has_loss = any(each.train_loss is not None for each in self.measurements)
        table[0] += ["ratio"] if self.baseline else []
        table[0] += ["of sgemm"] if self.flop_per_image else []
        table[0] += ["train loss"] if has_loss else []
        for each in self.measurements:
            row = [each.name, format_figure(each.median)]
            row.append(f"{format_figure(min(each.rounds))} to {format_figure(max(each.rounds))}")
            row += [f"{self.speed_ratio(each):.2f}"] if self.baseline else []
            if self.flop_per_image:
                row.append("" if each.other_network else f"{self.sgemm_share(each):.0%}")
            if has_loss:
                row.append("" if each.train_loss is None else f"{each.train_loss:.4f}")
            table.append(row)
        return table

    def remarks(self) -> list[str]:
        """What belongs below the table."""
        lines = [
            f"{each.name} has another network, {each.other_network}."
            for each in self.measurements
            if each.other_network
        ]
        lines += [f"{name} did not take part: {reason}" for name, reason in self.absent.items()]
        if self.sgemm:
            lines.append(
                f"sgemm, the fastest matrix product: {statistics.median(self.sgemm):.0f} GFLOP/s."
            )
        lines += [
            f"{name}: {megabytes:.0f} MB beyond the imports."
            for name, megabytes in self.memory.items()
        ]
        return lines


def format_figure(value: float) -> str:
    """Four digits or so."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"
