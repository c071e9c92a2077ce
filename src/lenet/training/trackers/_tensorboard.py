from __future__ import annotations

from typing import Any

from lenet.core import json_text, require_torch
from lenet.errors import MissingExtraError
from lenet.training._history import CurvePoint, TrainingResult
from lenet.training._trainer import Trainer
from lenet.training.trackers._tracker import (
    Metrics,
    TrackedRun,
    Tracker,
    keep_for_tracker,
    metrics_of_point,
    metrics_of_result,
)

_FOLDER = "tensorboard"
_SUFFIX = ".lenet"  # of our event files, so that a profiler's beside them are left alone
_COMPARED = ("dataset", "model", "preset", "seed")  # beside the settings, in the table of runs


class TensorBoardTracker(Tracker):
    """Writes event files for TensorBoard into `tensorboard/` in the run folder.

    A resume empties the event file and writes another one from the history. So no point is there
    twice, though a kill may take the history back to a checkpoint, and none is missing, though the
    tracker may have been broken or not there before.

    Raises:
        MissingExtraError: The package or PyTorch is not installed.
    """

    name = "tensorboard"

    def __init__(self) -> None:
        purpose = "The tracker `tensorboard`"
        require_torch(purpose)  # which has the writer
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise MissingExtraError(purpose, "track") from error
        self._run: TrackedRun | None = None
        self._writer: Any = None

    def begin(self, trainer: Trainer, run: TrackedRun) -> None:
        """Write the settings and the history."""
        from torch.utils.tensorboard import SummaryWriter

        keep_for_tracker(run.folder, self.name, {})
        self._run = run
        folder = run.folder.resolve() / _FOLDER  # it is opened again for every piece
        for earlier in folder.glob(f"events.out.tfevents.*{_SUFFIX}"):
            earlier.write_bytes(b"")  # a TensorBoard that has it open would wait for a removed one
        # That TensorBoard forgets all from step 0 on when it comes to the second such mark.
        self._writer = SummaryWriter(str(folder), purge_step=0, filename_suffix=_SUFFIX)
        self._writer.add_text("config", _as_code(run.config))
        self._write_settings(run)
        for point in trainer.history:
            self._write(metrics_of_point(trainer, point))
        self._writer.flush()

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        self._write(metrics_of_point(trainer, point))
        self._writer.flush()

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        import numpy as np
        from PIL import Image

        assert self._run is not None
        self._write(metrics_of_result(trainer, result))
        self._writer.add_text("result", _as_code(result.to_dict()), trainer.steps_done)
        curves = self._run.folder / "curves.png"
        if curves.exists():  # it is not where matplotlib is missing
            with Image.open(curves) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self._writer.add_image("curves", pixels, trainer.steps_done, dataformats="HWC")

    def on_stop(self, trainer: Trainer) -> None:
        self._writer.close()

    def _write(self, metrics: Metrics) -> None:
        for name, value in metrics.values.items():
            self._writer.add_scalar(_tag(name), value, metrics.step, metrics.time)

    def _write_settings(self, run: TrackedRun) -> None:
        """Give the page `HParams` a line for this run.

        Without an experiment summary, TensorBoard takes all settings and metrics of all runs.
        """
        from torch.utils.tensorboard.summary import hparams

        values = {**{name: run.facts[name] for name in _COMPARED}, **run.settings}
        numbers_and_texts = {
            name: value if type(value) in (int, float, str) else json_text(value)
            for name, value in values.items()
        }
        _, start, _ = hparams(numbers_and_texts, {})
        self._writer.file_writer.add_summary(start)


def _tag(name: str) -> str:
    """A metric's name with the group in front that TensorBoard shows it in.

    >>> _tag("test_loss"), _tag("learning_rate")
    ('loss/test_loss', 'training/learning_rate')
    """
    group = name.rpartition("_")[2]
    return f"{group if group in ('loss', 'accuracy') else 'training'}/{name}"


def _as_code(values: dict[str, Any]) -> str:
    """Values as JSON that Markdown leaves as it is."""
    lines = json_text(values, indent=2).splitlines()
    return "\n".join(f"    {line}" for line in lines)
