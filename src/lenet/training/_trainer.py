import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lenet.datasets import Batches, Dataset, Selection
from lenet.errors import InterruptedTraining, NonFiniteLossError, SettingError, TrainingError
from lenet.kernels import KernelChoice, use_kernels
from lenet.training._diagnosis import Diagnosis, chance_loss, diagnose, is_stuck
from lenet.training._history import CurvePoint, TrainingResult
from lenet.training._listener import Listener
from lenet.training._metrics import evaluate_loss_and_accuracy
from lenet.training._optimisation import learning_rate_at
from lenet.training._recipe import Recipe
from lenet.training._steps import TorchSteps, pick_steps

_POINTS_PER_EPOCH = 5
_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class TrainerState:
    """All that a training needs to go on from an instant, to the same bits.

    Attributes:
        tensors: Weights, optimiser state, this epoch's losses, the best weights so far.
        values: Everything else, as JSON can hold it.
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Trainer:
    """The training loop.

    Everything random is a function of (seed, epoch, step), and everything that it needs to go on
    is in `state()`, so a training that is stopped after any step and resumed ends with the same
    bits on the same machine and build.

    Args:
        model: The network, trained in place from the weights it has.
        dataset: Images already split as the recipe wants: with a validation split if
            `recipe.validation` is above 0.
        recipe: How to train.
        device: Where to train.
        seed: Of order and augmentation, 0 or more.
        listeners: Who is told how it goes.
        mean: Of the pixels after they were brought to 0 … 1, subtracted.
        std: Their standard deviation, divided by.
        kernels: What computes the steps on a CPU: `native` for the compiled kernels, with an error
            where they do not serve the network; `torch` for PyTorch; `auto` for the kernels where
            they serve.

    Attributes:
        kernels: What computes the steps: `native` or `torch`.
        epoch: Epochs completed.
        step: Steps made in the epoch under way.
        history: The curve's points so far.
        seconds: Wall-clock time so far.

    Raises:
        SettingError: A batch is larger than the training split, or has one image where batch
            normalisation needs two; the seed is negative; or there are no compiled kernels though
            they are wanted.
        ModelError: The compiled kernels are wanted and do not serve the network.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        recipe: Recipe,
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
        listeners: Sequence[Listener] = (),
        mean: float = 0.0,
        std: float = 1.0,
        kernels: KernelChoice = "auto",
    ):
        if recipe.batch_size > len(dataset.train):
            message = (
                f"`batch_size` is {recipe.batch_size}, but `{dataset.name}` has only "
                f"{len(dataset.train)} images to train on."
            )
            raise SettingError(message)
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.dataset, self.recipe, self.seed = dataset, recipe, seed
        self.listeners = list(listeners)
        place: dict[str, Any] = {"device": self.device, "mean": mean, "std": std}
        self.train_batches = Batches(
            dataset.train,
            recipe.batch_size,
            shuffle=True,
            seed=seed,
            augmentation=recipe.augmentation,
            **place,
        )
        self._check_batch_sizes()
        self.test_batches = Batches(dataset.test, _EVALUATION_BATCH, **place)
        self.validation_batches = (
            Batches(dataset.validation, _EVALUATION_BATCH, **place) if dataset.validation else None
        )
        with use_kernels(kernels):
            self._steps = pick_steps(self.model, recipe, self.train_batches)
        self.kernels: KernelChoice = "torch" if isinstance(self._steps, TorchSteps) else "native"
        self.epoch = self.step = 0
        self.history: list[CurvePoint] = []
        self.stop_requested = False
        self._losses = torch.zeros(self.steps_per_epoch, device=self.device)
        self._correct = torch.zeros(self.steps_per_epoch, dtype=torch.int64, device=self.device)
        self._best_accuracy, self._best_epoch = -1.0, 0
        self._best_weights: dict[str, Tensor] = {}
        self._seconds_before = self._step_seconds = 0.0
        self._started: float | None = None
        self._told_stuck = False

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return len(self.train_batches)

    @property
    def steps_done(self) -> int:
        """Steps made in all."""
        return self.epoch * self.steps_per_epoch + self.step

    @property
    def total_steps(self) -> int:
        """Steps of the whole recipe, if nothing stops it early."""
        return self.recipe.epochs * self.steps_per_epoch

    @property
    def seconds(self) -> float:
        """Wall-clock time so far, pauses between a stop and a resume left out."""
        running = time.perf_counter() - self._started if self._started is not None else 0.0
        return self._seconds_before + running

    @property
    def learning_rate(self) -> float:
        """Of the step that comes next."""
        last = min(self.steps_done, self.total_steps - 1)
        return learning_rate_at(self.recipe, last, self.steps_per_epoch)

    def run(self) -> TrainingResult:
        """Train to the end of the recipe.

        Returns:
            What was reached; the model then has the best epoch's weights, or without a validation
            split the last epoch's.

        Raises:
            NonFiniteLossError: The loss became infinite or not a number.
            InterruptedTraining: `request_stop` was called.
        """
        self._started = time.perf_counter()
        try:
            self._tell("on_start")
            with use_kernels("torch" if self.kernels == "torch" else "auto"):
                while self.epoch < self.recipe.epochs and not self._out_of_patience():
                    self._train_epoch()
                    self._finish_epoch()
                result = self._result()
            self._tell("on_finish", result)
            return result
        finally:
            self._seconds_before, self._started = self.seconds, None
            self._tell("on_stop")

    def request_stop(self) -> None:
        """Ask for a stop after the step under way, from a signal handler for example."""
        self.stop_requested = True

    def state(self) -> TrainerState:
        """All that is needed to go on from here.

        Raises:
            NonFiniteLossError: A loss of this epoch was not finite, so it should not be kept.
            TrainingError: A weight is not finite.
        """
        self._check_losses()
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
            message = f"A weight became infinite or nan at step {self.steps_done}."
            raise TrainingError(message)
        for index, optimised in self._steps.state().items():
            for name, tensor in optimised.items():
                tensors[f"optimiser.{index}.{name}"] = tensor
        tensors |= {f"best.{name}": value for name, value in self._best_weights.items()}
        tensors |= {"losses": self._losses, "correct": self._correct}
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "best_accuracy": self._best_accuracy,
            "best_epoch": self._best_epoch,
            "told_stuck": self._told_stuck,
            "frozen": [
                name
                for name, parameter in self.model.named_parameters()
                if not parameter.requires_grad
            ],
            "seconds": self.seconds,
            "step_seconds": self._step_seconds,
            "history": [point.to_dict() for point in self.history],
        }
        copies = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()
        }
        return TrainerState(copies, values)

    def restore(self, state: TrainerState) -> None:
        """Go back, or forward, to an instant that `state()` has kept."""
        tensors, values = state.tensors, state.values
        self.model.load_state_dict(_under("model.", tensors))
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name not in values["frozen"])
        optimiser: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimiser.", tensors).items():
            index, _, key = name.partition(".")
            optimiser.setdefault(int(index), {})[key] = tensor
        self._steps.load_state(optimiser)
        self._best_weights = _under("best.", tensors)
        self._losses.copy_(tensors["losses"])
        self._correct.copy_(tensors["correct"])
        self.epoch, self.step = values["epoch"], values["step"]
        self._best_accuracy, self._best_epoch = values["best_accuracy"], values["best_epoch"]
        self._told_stuck = values["told_stuck"]
        self._seconds_before, self._step_seconds = values["seconds"], values["step_seconds"]
        self.history = [CurvePoint(**point) for point in values["history"]]

    def train_loss_and_accuracy(self) -> tuple[float, float]:
        """Mean loss and accuracy over this epoch's steps so far; nan before the first."""
        sizes = self.train_batches.sizes[: self.step].double()
        count = float(sizes.sum())
        if not count:
            return float("nan"), float("nan")
        losses = self._losses[: self.step].cpu().double()
        return float(losses @ sizes) / count, int(self._correct[: self.step].sum()) / count

    def _check_batch_sizes(self) -> None:
        """Raise if a batch is too small for the network, rather than at the end of an epoch."""
        batch_size, images = self.recipe.batch_size, len(self.dataset.train)
        if self.train_batches.sizes.min() > 1 or not any(
            isinstance(layer, nn.BatchNorm1d) for layer in self.model.modules()
        ):
            return
        message = f"`batch_size` is {batch_size}"
        if batch_size > 1:
            message += f", which leaves the last of {images} images alone"
        message += "; batch normalisation needs at least two images in every batch."
        raise SettingError(message)

    def _train_epoch(self) -> None:
        """Make the steps of an epoch that are not made yet."""
        self.model.train()
        between_points = max(1, self.steps_per_epoch // _POINTS_PER_EPOCH)
        for selection in self.train_batches.selections(self.epoch, start=self.step):
            started = time.perf_counter()
            self._make_step(selection)
            self.step += 1
            at_point = self.step % between_points == 0 and self.step < self.steps_per_epoch
            if at_point or self.step == self.steps_per_epoch:
                self._check_losses()  # waits for the device, so its time is counted
            self._step_seconds += time.perf_counter() - started
            if at_point:
                self._add_point()
            self._tell("on_step")
            if self.stop_requested:
                message = f"Stopped in epoch {self.epoch + 1} after step {self.step}."
                raise InterruptedTraining(message)

    def _make_step(self, selection: Selection) -> None:
        """One update of the weights by one batch."""
        if not self._steps.still_serves():  # weights were frozen, or a hook wants to see layers
            state = self._steps.state()
            self._steps = TorchSteps(self.model, self.recipe, self.train_batches)
            self._steps.load_state(state)
        loss, correct = self._steps(selection, self.learning_rate)
        self._losses[self.step] = loss
        self._correct[self.step] = correct

    def _check_losses(self) -> None:
        """Raise if a step of this epoch had a loss that is not a finite number."""
        wrong = (~torch.isfinite(self._losses[: self.step])).nonzero()
        if len(wrong):
            step = int(wrong[0])
            in_all = self.epoch * self.steps_per_epoch + step
            rate = learning_rate_at(self.recipe, in_all, self.steps_per_epoch)
            raise NonFiniteLossError(float(self._losses[step]), self.epoch + 1, step + 1, rate)

    def _add_point(self, **held_out: float) -> CurvePoint:
        """Let the curve grow by a point."""
        loss, accuracy = self.train_loss_and_accuracy()
        position = self.epoch + self.step / self.steps_per_epoch
        rate = learning_rate_at(self.recipe, self.steps_done - 1, self.steps_per_epoch)
        point = CurvePoint(position, loss, accuracy, rate, self.seconds, **held_out)
        self.history.append(point)
        self._tell("on_point", point)
        return point

    def _finish_epoch(self) -> None:
        """Look at held-out images, remember the best weights, say so if nothing was learnt."""
        if self.validation_batches:
            loss, accuracy = evaluate_loss_and_accuracy(self.model, self.validation_batches)
            point = self._add_point(validation_loss=loss, validation_accuracy=accuracy)
            if accuracy > self._best_accuracy:
                self._best_accuracy, self._best_epoch = accuracy, self.epoch + 1
                weights = self.model.state_dict()
                self._best_weights = {name: value.clone() for name, value in weights.items()}
        else:
            loss, accuracy = evaluate_loss_and_accuracy(self.model, self.test_batches)
            point = self._add_point(test_loss=loss, test_accuracy=accuracy)
            self._best_epoch = self.epoch + 1
        self.epoch, self.step = self.epoch + 1, 0
        diagnosis = self._diagnose(point)  # before the listeners, who may save the state
        self._tell("on_epoch", point)
        if diagnosis:
            self._tell("on_diagnosis", diagnosis)

    def _diagnose(self, point: CurvePoint) -> Diagnosis | None:
        """Find out, once, why the loss stays where guessing would have it."""
        chance = chance_loss(self.dataset.train)
        steps = self.steps_done
        if self._told_stuck or not is_stuck(
            point.train_loss, chance, steps, self.epoch, self.recipe
        ):
            return None
        self._told_stuck = True
        images, _ = next(self.train_batches.epoch(0))
        return diagnose(self.model, images, point.train_loss, chance, steps, self.recipe)

    def _out_of_patience(self) -> bool:
        """Whether early stopping says that it is enough."""
        patience = self.recipe.early_stopping
        return bool(patience) and self.epoch - self._best_epoch >= patience

    def _result(self) -> TrainingResult:
        """Put the best weights in place and take the final score."""
        last = self.history[-1]
        if self.validation_batches:
            self.model.load_state_dict(self._best_weights)
            test_loss, test_accuracy = evaluate_loss_and_accuracy(self.model, self.test_batches)
        else:
            assert last.test_loss is not None
            assert last.test_accuracy is not None
            test_loss, test_accuracy = last.test_loss, last.test_accuracy
        images, seconds = self.epoch * len(self.dataset.train), self.seconds
        return TrainingResult(
            train_loss=last.train_loss,
            train_accuracy=last.train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            validation_accuracy=self._best_accuracy if self.validation_batches else None,
            best_epoch=self._best_epoch,
            epochs=self.epoch,
            seconds=seconds,
            examples_per_second=images / seconds,
            tutorial_examples_per_second=images / self._step_seconds,
        )

    def _tell(self, event: str, *arguments: Any) -> None:
        """Call every listener."""
        for listener in self.listeners:
            getattr(listener, event)(self, *arguments)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies of the tensors whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): tensor.clone()
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
