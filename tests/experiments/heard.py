"""Someone who is told how a sweep goes."""

from lenet.experiments import SweepProgress, SweepTrial


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
