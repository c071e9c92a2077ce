import json
import time

from lenet.core import storage_errors, write_atomically
from lenet.models import Calibration, save_model
from lenet.runs._checkpoint import pack_checkpoint
from lenet.runs._run import Run
from lenet.training import (
    CurvePoint,
    Listener,
    Trainer,
    TrainingResult,
    calibrate,
    compute_logits,
    draw_curves,
)

_BETWEEN_CHECKPOINTS = 2.0  # seconds; at most this much is lost by a kill in a long epoch

# Left out of the model file, so that the same training gives the same file to the last bit.
_TIMES = {"seconds", "examples_per_second", "tutorial_examples_per_second"}


class Recorder(Listener):
    """Keeps a run folder up to date while the training goes on.

    Args:
        run: The folder.
    """

    def __init__(self, run: Run):
        self.run = run
        self._saved = time.monotonic()

    def on_start(self, trainer: Trainer) -> None:
        """Bring the history to where the trainer is; after a kill it may be further."""
        lines = "".join(_line(point) for point in trainer.history)
        write_atomically(self.run.history_path, lines)

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        """Add a line to the history."""
        path = self.run.history_path
        with storage_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(_line(point))

    def on_step(self, trainer: Trainer) -> None:
        """Save a checkpoint when the last one is some time ago."""
        if time.monotonic() - self._saved > _BETWEEN_CHECKPOINTS:
            self.save_checkpoint(trainer)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """Save a checkpoint and the network as it is."""
        self.save_checkpoint(trainer)
        self._save_model(trainer, {"epoch": trainer.epoch, **point.to_dict()})

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """Write the network, the curves and, last, the result that marks the run complete."""
        self._save_model(trainer, result.to_dict(), _calibrate(trainer))
        self.save_curves(trainer)
        write_atomically(self.run.result_path, json.dumps(result.to_dict(), indent=2))

    def save_checkpoint(self, trainer: Trainer) -> None:
        """Keep all that is needed to go on from here."""
        write_atomically(self.run.checkpoint_path, pack_checkpoint(trainer.state()))
        self._saved = time.monotonic()

    def save_curves(self, trainer: Trainer) -> None:
        """Draw the curves so far as PNG and as SVG."""
        from lenet.core import write_figure

        config = self.run.config
        title = f"{config.model} on {config.dataset}"
        if trainer.history and trainer.history[-1].test_accuracy is not None:
            title += f": test acc {trainer.history[-1].test_accuracy:.3f}"
        figure = draw_curves(trainer.history, config.recipe.epochs, title)
        write_figure(figure, self.run.folder, "curves")

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
            trainer.model,
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
    logits = compute_logits(trainer.model, held_out)
    return calibrate(logits.cpu().numpy(), held_out.labels.cpu().numpy())


def _line(point: CurvePoint) -> str:
    """A line of the history."""
    return json.dumps(point.to_dict()) + "\n"
