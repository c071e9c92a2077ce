"""Someone who is told how a sweep or a comparison goes."""

from pathlib import Path

from lenet.experiments import Progress, SweepProgress, SweepTrial


class Heard(SweepProgress):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.trials: list[SweepTrial] = []
        self.counts: list[tuple[int, int]] = []

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_trial(self, trial: SweepTrial, made: int, wanted: int) -> None:
        self.trials.append(trial)
        self.counts.append((made, wanted))


class HeardTrainings(Progress):
    """Notes what it is told of a comparison."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.shares: dict[int, list[float]] = {}
        self.ended: dict[int, Path | None] = {}
        self.stopped = 0

    def on_start(self, titles: list[str]) -> None:  # type: ignore[override]
        self.titles = titles

    def on_share(self, job: int, share: float) -> None:
        self.shares.setdefault(job, []).append(share)

    def on_end(self, job: int, folder: Path | None) -> None:
        assert job not in self.ended
        self.ended[job] = folder

    def on_stop(self) -> None:
        self.stopped += 1
