"""What is kept and said when a training ends before its end."""

import shlex

from lenet.errors import InterruptedTraining, LostProcessError, NonFiniteLossError
from lenet.runs._recorder import Recorder
from lenet.runs._run import Run
from lenet.training import Trainer

Ended = InterruptedTraining | LostProcessError | NonFiniteLossError


def keep_what_is_there(recorder: Recorder, trainer: Trainer, error: Ended) -> None:
    """Save what a training has come to before it ended."""
    if not isinstance(error, NonFiniteLossError):
        recorder.save_checkpoint(trainer)
    if not isinstance(error, LostProcessError):
        recorder.save_curves(trainer)


def with_advice(error: Ended, run: Run, again: str | None = None) -> Ended:
    """The error, with what can be done now.

    Args:
        error: What has ended a training.
        run: The training's.
        again: What to type to go on, between backticks; the ordinary command by default.
    """
    if isinstance(error, NonFiniteLossError):
        return NonFiniteLossError(
            error.loss, error.epoch, error.step, error.learning_rate, run.checkpoint_path
        )
    message = f"{error} Go on with {again or f'`lenet train --resume {quoted(run)}`'}"
    if isinstance(error, LostProcessError):
        return LostProcessError(f"{message}; the number of processes may change.")
    return InterruptedTraining(f"{message}.")


def quoted(run: Run) -> str:
    """The run's folder as a shell takes it."""
    return shlex.quote(str(run.folder))
