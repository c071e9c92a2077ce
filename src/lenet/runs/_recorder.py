"""Keeping a run folder up to date: curve, checkpoint, network, and what is kept at an early end."""

import shlex
import time
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError

from lenet.core import (
    json_text,
    pack_arrays,
    parse_json,
    read_arrays,
    read_header,
    storage_errors,
    write_atomically,
)
from lenet.errors import (
    InterruptedTraining,
    LostProcessError,
    MissingExtraError,
    ModelError,
    NonFiniteLossError,
    RunError,
)
from lenet.models import Calibration, save_model
from lenet.runs._plan import announce
from lenet.runs._run import Run
from lenet.training import (
    CurvePoint,
    Listener,
    Trainer,
    TrainerState,
    TrainingResult,
    as_array,
    calibrate,
    calibration_notice,
    compute_logits,
    draw_curves,
)

_BETWEEN_CHECKPOINTS = 2.0  # seconds; at most this much is lost by a kill in a long epoch
_KEY = "lenet-checkpoint"

# Left out of the model file, so that the same training gives the same file to the last bit.
_TIMES = {"seconds", "examples_per_second", "tutorial_examples_per_second"}

Ended = InterruptedTraining | LostProcessError | NonFiniteLossError


class Recorder(Listener):
    """Keeps a run folder up to date while the training goes on."""

    def __init__(self, run: Run):
        self.run = run
        self._saved = time.monotonic()

    def on_start(self, trainer: Trainer) -> None:
        """Bring the history to where the trainer is; after a kill it may be further."""
        lines = "".join(_line(point) for point in trainer.history)
        write_atomically(self.run.history_path, lines)

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        path = self.run.history_path
        with storage_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(_line(point))

    def on_step(self, trainer: Trainer) -> None:
        if time.monotonic() - self._saved > _BETWEEN_CHECKPOINTS:
            self.save_checkpoint(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        self.save_checkpoint(trainer)
        self._save_model(trainer, {"epoch": trainer.epoch, **point.to_dict()})

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """Write the network, the curves and, last, the result that marks the run complete."""
        calibration = _calibrate(trainer)
        self._save_model(trainer, result.to_dict(), calibration)
        if calibration is not None:
            wanted = trainer.recipe.answered_right
            if notice := calibration_notice(calibration, wanted):
                announce(trainer.listeners, notice)
        self.save_curves(trainer)
        write_atomically(self.run.result_path, json_text(result.to_dict(), indent=2))
        with suppress(OSError):  # it is three times the size of the model, and nothing needs it now
            self.run.checkpoint_path.unlink(missing_ok=True)

    def save_checkpoint(self, trainer: Trainer) -> None:
        """Keep all that is needed to go on from here, unless the run is complete."""
        if self.run.is_complete:  # as one of several is where another one fails
            return
        write_atomically(self.run.checkpoint_path, pack_checkpoint(trainer.state()))
        self._saved = time.monotonic()

    def save_curves(self, trainer: Trainer) -> None:
        """Draw the curves, or say what is missing for it."""
        try:
            self._draw_curves(trainer)
        except MissingExtraError as error:
            announce(trainer.listeners, f"The curves are not drawn. {error}")

    def _draw_curves(self, trainer: Trainer) -> None:
        from lenet.core import write_figure

        config = self.run.config
        title = f"{config.model} on {config.dataset}"
        if trainer.history and trainer.history[-1].test_accuracy is not None:
            title += f": test acc {trainer.history[-1].test_accuracy:.3f}"
        figure = draw_curves(trainer.history, config.recipe.epochs, title)
        write_figure(figure, self.run.folder, "curves")

    def keep_after(self, trainer: Trainer, error: Ended) -> None:
        """Save what a training has come to before it ended."""
        if not isinstance(error, NonFiniteLossError):
            self.save_checkpoint(trainer)
        if not isinstance(error, LostProcessError):
            self.save_curves(trainer)

    def _save_model(
        self,
        trainer: Trainer,
        results: dict[str, object],
        calibration: Calibration | None = None,
    ) -> None:
        config, data = self.run.config, trainer.dataset
        scores = {name: value for name, value in results.items() if name not in _TIMES}
        save_model(
            self.run.model_path,
            trainer.network,
            class_names=data.class_names,
            normalisation=config.normalisation,
            preparation=data.preparation,
            calibration=calibration,
            answers_blank=data.has_blank_class,
            dataset=config.dataset,
            recipe=config.recipe.to_dict(),
            results=scores,
        )


def _calibrate(trainer: Trainer) -> Calibration | None:
    """How far the network's probabilities can be trusted, if images were held out to find out."""
    held_out = trainer.validation_batches
    if held_out is None:
        return None
    return calibrate(
        compute_logits(trainer.network, held_out),
        as_array(held_out.labels),
        none_index=trainer.dataset.none_index,
        answered_right=trainer.recipe.answered_right,
    )


def _line(point: CurvePoint) -> str:
    return json_text(point.to_dict()) + "\n"


def pack_checkpoint(state: TrainerState) -> bytes:
    return pack_arrays(state.arrays, {_KEY: json_text(state.values)})


def read_checkpoint(path: Path) -> TrainerState:
    """Read a training's state back.

    Raises:
        RunError: The file is missing, damaged, or not a checkpoint of ours.
    """
    try:
        header = read_header(path, RunError)
        return TrainerState(read_arrays(path), parse_json(header[_KEY]))
    except RunError as error:
        message = f"The run can't be resumed. {error}"
        raise RunError(message) from error
    except (KeyError, ValueError, SafetensorError) as error:
        message = f"The run can't be resumed: `{path}` is not a checkpoint that lenet wrote."
        raise RunError(message) from error


def restore(trainer: Trainer, run: Run) -> None:
    """Bring a trainer to where a run's checkpoint is.

    Raises:
        RunError: There is none, it is damaged, or it is another training's.
    """
    try:
        trainer.restore(read_checkpoint(run.checkpoint_path))
    except (LookupError, ArithmeticError, TypeError, ValueError, RuntimeError, ModelError) as error:
        message = f"`{run.checkpoint_path}` does not fit the run: {error}"
        raise RunError(message) from error


def with_advice(error: Ended, run: Run, again: str | None = None) -> Ended:
    """The error that has ended a run's training, with what can be done now.

    `again` is what to type to go on, between backticks; the ordinary command by default.
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
