"""Many trainings as one computation, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lenet.datasets import Dataset
from lenet.experiments.comparison._progress import Progress
from lenet.experiments.comparison._train_all import Outcome
from lenet.experiments.comparison._worker import Job
from lenet.runs import Ending, train_many
from lenet.training import CurvePoint, Listener, Trainer, cpu_threads


class _Teller(Listener):
    """Says after every epoch how far a training is.

    Args:
        progress: Who is told.
        job: The training's number.
    """

    def __init__(self, progress: Progress, job: int):
        self._progress, self._job = progress, job

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Tell the share that is done."""
        self._progress.on_share(self._job, trainer.epoch / trainer.recipe.epochs)


def train_together(jobs: Sequence[Job], data: Dataset, progress: Progress) -> list[Outcome]:
    """Train everything; networks of one form are one computation.

    Args:
        jobs: What to train, all on the same images, device and threads, with the same folder.
        data: The images.
        progress: Who is told how it goes.

    Returns:
        How each job ended, in their order.

    Raises:
        LenetError: A training could not be made; the others can be gone on with.
        InterruptedTraining: Ctrl-C or SIGTERM; the same comparison goes on from there.
    """
    trainings: list[dict[str, Any]] = [
        {"model": job.model, "preset": job.preset, "seed": job.seed, **job.settings} for job in jobs
    ]
    first = jobs[0]
    with cpu_threads(first.threads):
        endings = train_many(
            trainings,
            data,
            device=first.device,
            threads=first.threads,
            runs_folder=first.runs_folder,
            reuse=True,
            listeners=[[_Teller(progress, number)] for number in range(len(jobs))],
            on_end=lambda number, ending: progress.on_end(number, _outcome(ending).folder),
        )
    return [_outcome(ending) for ending in endings]


def _outcome(ending: Ending) -> Outcome:
    """How a training ended, for a comparison: one that diverged has no run."""
    return Outcome(None, str(ending.error)) if ending.error else Outcome(ending.run.folder)
