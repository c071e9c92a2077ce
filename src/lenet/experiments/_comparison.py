"""What came out of a comparison, and which differences are more than chance."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lenet.experiments._options import ScoredSplit
from lenet.experiments._student import two_sided_p_value
from lenet.runs import Run

_LEVEL = 0.05  # a difference is believed if chance alone would make it less often


@dataclass(frozen=True)
class Entry:
    """One contender with its finished runs.

    Attributes:
        label: What it is called.
        parameters: How many numbers the network learns.
        multiply_accumulates: What one image costs it.
        averaged_accuracies: Each run's accuracy with several views of each image averaged, if
            wanted.
        seconds: Each run's wall-clock time.
        threads: Threads that each was trained with.
        failures: Why a seed has no accuracy.
        runs: The runs.
        right: By seed, which of the images that run got right, shape (N,).
        untaught: The seeds whose networks are no better than always naming the most frequent class.
    """

    label: str
    parameters: int
    multiply_accumulates: int
    averaged_accuracies: tuple[float, ...]
    seconds: tuple[float, ...]
    threads: int
    failures: dict[int, str]
    runs: tuple[Run, ...] = field(repr=False)
    right: dict[int, npt.NDArray[np.bool_]] = field(repr=False)
    untaught: tuple[int, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs, in order."""
        return tuple(self.right)

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Each run's accuracy on the images of the comparison."""
        return tuple(float(right.mean()) for right in self.right.values())

    @property
    def accuracy(self) -> float:
        """Mean accuracy; nan where no run came to an end."""
        return statistics.fmean(self.accuracies) if self.accuracies else float("nan")

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the accuracy over seeds (n - 1); `None` for less than two."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def averaged_accuracy(self) -> float:
        """Mean accuracy with several views averaged; nan where there is none."""
        return statistics.fmean(self.averaged_accuracies or [float("nan")])

    @property
    def mean_seconds(self) -> float:
        """Mean wall-clock time of a run; nan where no run came to an end."""
        return statistics.fmean(self.seconds or [float("nan")])

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {
            "label": self.label,
            "parameters": self.parameters,
            "multiply_accumulates": self.multiply_accumulates,
            "seeds": list(self.seeds),
            "accuracy": self.accuracy if self.accuracies else None,
            "deviation": self.deviation,
            "accuracies": list(self.accuracies),
            "averaged_accuracies": list(self.averaged_accuracies),
            "seconds": list(self.seconds),
            "threads": self.threads,
            "failures": {str(seed): reason for seed, reason in self.failures.items()},
            "untaught": list(self.untaught),
            "runs": [str(run.folder) for run in self.runs],
        }


@dataclass(frozen=True)
class Pair:
    """A contender and the next better one.

    Attributes:
        lower: The label of the one with the lower mean.
        higher: The label of the one with the higher mean.
        difference: Of their mean accuracies, 0 or more.
        seeds: How many seeds both have.
        p_over_seeds: Whether other seeds could turn it round: a paired t-test over the seeds that
            both have; `None` for less than two.
        p_over_images: Whether other images could: the same over the images.
        adjusted_p: The larger of the two, enlarged for the number of pairs (Holm 1979); `None`
            where one is missing.
    """

    lower: str
    higher: str
    difference: float
    seeds: int
    p_over_seeds: float | None
    p_over_images: float | None
    adjusted_p: float | None

    @property
    def is_better(self) -> bool:
        """Whether the difference is more than noise: `adjusted_p` below 0.05."""
        return self.adjusted_p is not None and self.adjusted_p < _LEVEL


@dataclass(frozen=True)
class Comparison:
    """Contenders on the same images.

    Attributes:
        dataset: What they were trained and scored on.
        split: Which of its images they were scored on: `test`, or `validation`, which are each
            seed's own.
        entries: The contenders, in the order in which they were given.
        environment: What they ran on.
    """

    dataset: str
    split: ScoredSplit
    entries: tuple[Entry, ...]
    environment: dict[str, Any]

    @property
    def pairs(self) -> list[Pair]:
        """Each contender with the next better one, from the lowest up."""
        ranked = sorted(
            (entry for entry in self.entries if entry.accuracies), key=lambda entry: entry.accuracy
        )
        pairs = [
            _pair(lower, higher, self.split == "test")
            for lower, higher in itertools.pairwise(ranked)
        ]
        enlarged = iter(holm([pair.adjusted_p for pair in pairs if pair.adjusted_p is not None]))
        return [
            pair if pair.adjusted_p is None else replace(pair, adjusted_p=next(enlarged))
            for pair in pairs
        ]

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "entries": [entry.to_dict() for entry in self.entries],
            "pairs": [asdict(pair) | {"is_better": pair.is_better} for pair in self.pairs],
            "environment": self.environment,
        }


def _pair(lower: Entry, higher: Entry, same_images: bool) -> Pair:
    """Two neighbours, before it is known how many pairs there are."""
    gains = [
        higher.right[seed].astype(np.float64) - lower.right[seed]
        for seed in higher.seeds
        if seed in lower.right
    ]
    p_over_seeds = paired_p_value([float(gain.mean()) for gain in gains])
    p_over_images = None
    if gains:
        over_images = np.mean(gains, axis=0) if same_images else np.concatenate(gains)
        p_over_images = paired_p_value(over_images)
    known = p_over_seeds is not None and p_over_images is not None
    return Pair(
        lower=lower.label,
        higher=higher.label,
        difference=higher.accuracy - lower.accuracy,
        seeds=len(gains),
        p_over_seeds=p_over_seeds,
        p_over_images=p_over_images,
        adjusted_p=max(p_over_seeds or 0.0, p_over_images or 0.0) if known else None,
    )


def paired_p_value(differences: Sequence[float] | npt.NDArray[np.float64]) -> float | None:
    """How likely differences so far from 0 on average are, if chance alone made them.

    Args:
        differences: One for each pair, such as two accuracies with the same seed.

    Returns:
        The two-sided p-value of Student's paired t-test; `None` for less than two pairs.

    >>> round(paired_p_value([0.010, 0.014, 0.012]), 4)
    0.0091
    """
    if len(differences) < 2:
        return None
    mean, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    if deviation == 0:
        return 0.0 if mean else 1.0
    t = mean / deviation * math.sqrt(len(differences))
    return two_sided_p_value(t, len(differences) - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, enlarged for their being several.

    Source: S. Holm (1979), "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    enlarged = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        enlarged[index] = largest
    return enlarged
