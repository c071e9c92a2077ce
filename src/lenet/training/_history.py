"""What a training has come to: its curve and the picture of it, a state to go on from, a result."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from lenet.core import Series, finite_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lenet.training.engines._engine import OptimiserState


@dataclass(frozen=True)
class CurvePoint:
    """A point of the training curve: five an epoch, the last with a look at held-out images.

    Attributes:
        epoch: How far the training is, in epochs; a whole number at the end of one.
        train_loss: Mean loss of this epoch's steps so far, while the weights were changing.
        train_accuracy: Share of this epoch's images so far that were classified rightly.
        learning_rate: Of the step before this point.
        seconds: Wall-clock time since the start, pauses between a stop and a resume left out.
        validation_loss: Mean loss over the validation split, at the end of an epoch.
        validation_accuracy: Accuracy on it.
        test_loss: Mean loss over the test split, where there is one, at the end of an epoch without
            validation.
        test_accuracy: Accuracy on it; counter-examples (`_none`) are left out, as
            `lenet evaluate` does.
    """

    epoch: float
    train_loss: float
    train_accuracy: float
    learning_rate: float
    seconds: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None

    @property
    def ends_epoch(self) -> bool:
        """Whether the epoch is over and held-out images were looked at."""
        return self.held_out_accuracy is not None

    @property
    def held_out_name(self) -> str:
        """Which images the held-out accuracy is of: `validation` or `test`."""
        return "test" if self.validation_accuracy is None else "validation"

    @property
    def held_out_accuracy(self) -> float | None:
        """The accuracy on the validation images, or on the test images without those."""
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy

    def to_dict(self) -> dict[str, Any]:
        """The values that are there, as JSON can hold them."""
        values = finite_values(asdict(self))
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class TrainingResult:
    """What a finished training reached.

    Attributes:
        train_loss: Mean loss of the last epoch.
        train_accuracy: Accuracy over the last epoch, while the weights were changing.
        test_loss: Mean loss over the test images, where there are.
        test_accuracy: Accuracy on them; counter-examples (`_none`) are left out, as
            `lenet evaluate` does.
        validation_accuracy: Accuracy on the validation images in the best epoch, where there are.
        best_epoch: The epoch whose weights were kept, counted from 1.
        epochs: How many epochs were trained.
        seconds: Wall-clock time of those epochs with everything in them: data handling, steps,
            evaluation, checkpoints, pictures.
        examples_per_second: Training images by those seconds.
        tutorial_examples_per_second: Training images by the seconds of the steps alone, as the
            tutorial counts: without making the batches and without evaluation.
    """

    train_loss: float
    train_accuracy: float
    test_loss: float | None
    test_accuracy: float | None
    validation_accuracy: float | None
    best_epoch: int
    epochs: int
    seconds: float
    examples_per_second: float
    tutorial_examples_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        values: dict[str, Any] = finite_values(asdict(self))
        return values


@dataclass(frozen=True)
class TrainerState:
    """All that a training needs to go on from an instant, to the same bits.

    Attributes:
        arrays: Weights, optimiser state, this epoch's losses, the best weights so far.
        values: Everything else, as JSON can hold it.
    """

    arrays: dict[str, npt.NDArray[Any]]
    values: dict[str, Any]

    def under(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """Copies of the arrays whose names begin with a prefix, without it."""
        return {
            name.removeprefix(prefix): array.copy()
            for name, array in self.arrays.items()
            if name.startswith(prefix)
        }

    @property
    def optimiser(self) -> OptimiserState:
        """The optimiser's state, for each parameter, as PyTorch's `state_dict()` has it."""
        state: OptimiserState = {}
        for name, array in self.under("optimiser.").items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = array
        return state


def learning_curves(history: Sequence[CurvePoint]) -> list[Series]:
    """The tutorial's three curves from a history, or two where no images are held out.

    Args:
        history: The points, in order; may be empty.

    Returns:
        Train loss, train accuracy and accuracy on held-out images, over epochs.
    """
    losses = tuple((point.epoch, point.train_loss) for point in history)
    accuracies = tuple((point.epoch, point.train_accuracy) for point in history)
    curves = [
        Series("train loss", losses, mark_size=3),
        Series("train acc", accuracies, colour=4, mark_size=3, dashes=1),
    ]
    ends = [point for point in history if point.ends_epoch]
    if ends or not history or history[-1].epoch < 1:
        name = f"{ends[-1].held_out_name} acc" if ends else "test acc"
        points = tuple((point.epoch, point.held_out_accuracy or 0.0) for point in ends)
        curves.append(Series(name, points, "marked-line", colour=3, mark_size=3, dashes=2))
    return curves


def draw_curves(history: Sequence[CurvePoint], epochs: int, title: str = "") -> Figure:
    """Draw the tutorial's picture: train loss, train accuracy and, if any, held-out accuracy.

    Args:
        history: The points, in order; may be empty.
        epochs: Where the x axis ends.
        title: What stands above the picture.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.
    """
    from lenet.core import Drawing, draw_series

    figure = Drawing(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    draw_series(axes, map(with_last_value, learning_curves(history)), "epoch")
    axes.set(xlim=(0, epochs), title=title)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def with_last_value(curve: Series) -> Series:
    """The curve under the name that a legend has for it."""
    return replace(curve, name=f"{curve.name} {curve.points[-1][1]:.3f}") if curve.points else curve
