"""The training loop, and who is told how it goes."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import check_range
from lenet.datasets import (
    ArrayBatches,
    BatchesOf,
    Dataset,
    Selection,
    SharedImages,
    Split,
    derive_seed,
)
from lenet.errors import InterruptedTraining, NonFiniteLossError, TrainingError
from lenet.kernels import EngineName, use_engine
from lenet.models import (
    ArrayNetwork,
    arrays_of,
    frozen_weights,
    known_network,
    load_arrays,
    module_of,
)
from lenet.training._check_network import check_network, explain_failure
from lenet.training._check_state import check_state
from lenet.training._computing import learning_rate_at
from lenet.training._diagnosis import Diagnosis, chance_loss, diagnose, is_stuck
from lenet.training._history import CurvePoint, TrainerState, TrainingResult
from lenet.training._metrics import HeldOut
from lenet.training._recipe import Recipe
from lenet.training.engines._engine import Engine, as_array
from lenet.training.engines._pick import hand_over, pick_engine
from lenet.training.peers._group import ALONE, Peers

if TYPE_CHECKING:
    import torch
    from torch import nn

_LOG = logging.getLogger("lenet.training")
_LOG.addHandler(logging.NullHandler())  # listeners tell it, so Python need not
_POINTS_PER_EPOCH = 5
_DRAWN = 2  # the stream of random numbers that layers draw, beside those of `Batches`
_EVALUATION_BATCH, _EVALUATION_BATCH_ON_GPU = 256, 4096


class Listener:
    """Something that is told how a training goes; override what is of interest.

    The trainer's attributes may be read, and its state saved, in every call.
    """

    def on_message(self, text: str) -> None:
        """Something that the person should know, before the training or while it goes on."""

    def on_start(self, trainer: Trainer) -> None:
        """The first step is about to be made, or the first after a resume."""

    def on_step(self, trainer: Trainer) -> None:
        """A step was made; called often, so it should cost next to nothing."""

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        """The curve grew by a point: five times an epoch."""

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        """An epoch is over; `point` is its last and holds the look at held-out images."""

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        """The network does not learn, and this may be why."""

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        """The training is complete."""

    def on_stop(self, trainer: Trainer) -> None:
        """The training ended, complete or by an error; always the last call."""


class Trainer:
    """The training loop.

    `run` is all of it. Whoever drives it otherwise, as `train_in_lockstep` does, enters `running`,
    calls `train_epoch` and `finish_epoch` until the training `is_over`, and then `finish`.

    Everything random is a function of (seed, epoch, step), and everything that it needs to go on
    is in `state()`, so a training that is stopped after any step and resumed ends with the same
    bits on the same machine and build.

    Args:
        network: The network, trained in place from the weights it has.
        dataset: Images already split as the recipe wants: with a validation split if
            `recipe.validation` is above 0. Without a test split there is no test score.
        recipe: How to train.
        device: Where to train.
        seed: Of order and augmentation, 0 or more.
        listeners: Who is told how it goes.
        mean: Of the pixels after they were brought to 0 … 1, subtracted.
        std: Their standard deviation, divided by.
        engine: What makes the steps: `native` for the compiled kernels, with an error where they
            do not serve the network; `torch` for PyTorch; `numpy` for NumPy, slowly, in code to be
            read (`engines/_numpy.py`); `auto` for the kernels where they serve, else PyTorch, or
            NumPy where that is not installed.
        shared: Where the images lie on the device already, for trainings that share them.
        peers: The processes that train together, each with a part of every batch; all have the
            same network, data and recipe. What comes out is what one process would give, up to the
            order of sums.

    Attributes:
        device: Where it is trained: `cpu`, `cuda:0`, …
        engine: What makes the steps.
        epoch: Epochs completed.
        step: Steps made in the epoch under way.
        losses: Of this epoch's steps, float32 (steps an epoch,); a tensor where PyTorch trains.
        correct: How many images each of them had right, int64.
        waits_for_epoch: Whether losses are looked at when an epoch is over and not before, as on a
            GPU, which would have to be waited for.
        history: The curve's points so far.
        seconds: Wall-clock time so far.

    Raises:
        SettingError: A batch is larger than the training split, or has one image where batch
            normalisation needs two; the seed is negative; or there are no compiled kernels though
            they are wanted.
        ModelError: The compiled kernels are wanted and do not serve the network; it does not fit
            the images or their labels; or all its weights are frozen.
    """

    device: str
    dataset: Dataset
    recipe: Recipe
    seed: int
    listeners: list[Listener]
    peers: Peers
    engine: Engine
    epoch: int
    step: int
    stop_requested: bool
    waits_for_epoch: bool
    losses: Any
    correct: Any

    def __init__(
        self,
        network: nn.Module | ArrayNetwork,
        dataset: Dataset,
        recipe: Recipe,
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
        listeners: Sequence[Listener] = (),
        mean: float = 0.0,
        std: float = 1.0,
        engine: EngineName = "auto",
        shared: SharedImages | None = None,
        peers: Peers = ALONE,
    ):
        check_range("seed", seed, 0, 2**63 - 1)
        self.device = "cpu" if str(device).partition(":")[0] == "cpu" else str(device)
        self.dataset, self.recipe, self.seed = dataset, recipe, seed
        self.listeners, self.peers = list(listeners), peers
        self._place: dict[str, Any] = {"mean": mean, "std": std, "shared": shared}
        if self.device == "cpu":
            network = known_network(network, dataset.image_shape) or network
        check_network(network, dataset, recipe.batch_size)
        with use_engine(engine):
            self.engine = pick_engine(
                network,
                recipe,
                self.device,
                partial(self._make_training_batches, as_tensors=False),
                partial(self._make_training_batches, as_tensors=True),
                peers,
            )
        self.waits_for_epoch = self.device.startswith("cuda")
        self._test = self._hold_out(dataset.test, dataset.none_index)
        self._validation = self._hold_out(dataset.validation)
        self.epoch = self.step = 0
        self.history: list[CurvePoint] = []
        self.stop_requested = False
        self.losses, self.correct = self.engine.make_scores(self.steps_per_epoch)
        self._best_accuracy, self._best_epoch = -1.0, 0
        self._best_weights: dict[str, npt.NDArray[Any]] = {}
        self._seconds_before = self._step_seconds = 0.0
        self._started: float | None = None
        self._while_running = ExitStack()
        self._told_stuck = self._may_grow = False
        self._waiting_points: list[tuple[int, float]] = []

    def _hold_out(self, split: Split | None, none_index: int | None = None) -> HeldOut | None:
        if not split:
            return None
        size = _EVALUATION_BATCH_ON_GPU if self.waits_for_epoch else _EVALUATION_BATCH
        batches = self._make_batches(split, size, self.device != "cpu")
        return HeldOut(batches, self.peers, none_index)

    def _make_training_batches(self, as_tensors: bool) -> Any:
        recipe = self.recipe
        return self._make_batches(
            self.dataset.train,
            recipe.batch_size,
            as_tensors,
            shuffle=True,
            seed=self.seed,
            augmentation=recipe.augmentation,
            plain_from=recipe.epochs - recipe.plain_epochs,
        )

    def _make_batches(
        self, split: Split, size: int, as_tensors: bool, **more: Any
    ) -> BatchesOf[Any]:
        if not as_tensors:
            return ArrayBatches(split, size, **self._place, **more)
        from lenet.datasets import Batches

        return Batches(split, size, device=self.device, **self._place, **more)

    @property
    def network(self) -> ArrayNetwork | nn.Module:
        """The network: an `nn.Module` where PyTorch trains it."""
        return self.engine.network

    @property
    def model(self) -> nn.Module:
        """The network in PyTorch, with the weights as they are and will be.

        Raises:
            MissingExtraError: PyTorch is not installed.
        """
        return module_of(self.network)

    @property
    def train_batches(self) -> BatchesOf[Any]:
        """The images to train on."""
        return self.engine.batches

    @property
    def test_batches(self) -> BatchesOf[Any] | None:
        """The test images, if there are any."""
        return self._test.batches if self._test else None

    @property
    def validation_batches(self) -> BatchesOf[Any] | None:
        """The images to choose on, if there are any."""
        return self._validation.batches if self._validation else None

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
            InterruptedTraining: `request_stop` was called, here or in another of the processes.
            LostProcessError: Another of the processes is gone; `state()` is that of the last step.
        """
        with self.running():
            while not self.is_over:
                self.train_epoch()
                self.finish_epoch()
            result = self.finish()
            self._while_running.close()  # what listeners compute is their own affair
            self.tell("on_finish", result)
            return result

    def request_stop(self) -> None:
        """Ask for a stop after the step under way, from a signal handler for example."""
        self.stop_requested = self.engine.stop_wanted = True

    def state(self) -> TrainerState:
        """All that is needed to go on from here.

        Raises:
            NonFiniteLossError: A loss of this epoch was not finite, so it should not be kept.
            TrainingError: A weight is not finite.
        """
        self._settle()
        self._check_losses()
        self._add_waiting_points()
        arrays = {f"model.{name}": value for name, value in arrays_of(self.network).items()}
        if not all(bool(np.isfinite(value).all()) for value in arrays.values()):
            message = f"A weight became infinite or nan at step {self.steps_done}."
            raise TrainingError(message)
        for index, optimised in self.engine.state().items():
            for name, array in optimised.items():
                arrays[f"optimiser.{index}.{name}"] = array
        arrays |= {f"best.{name}": value for name, value in self._best_weights.items()}
        arrays |= {"losses": as_array(self.losses), "correct": as_array(self.correct)}
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "best_accuracy": self._best_accuracy,
            "best_epoch": self._best_epoch,
            "told_stuck": self._told_stuck,
            "frozen": frozen_weights(self.network),
            "engine": self.engine.name,
            "seconds": self.seconds,
            "step_seconds": self._step_seconds,
            "history": [point.to_dict() for point in self.history],
        }
        copies = {name: np.array(array, order="C") for name, array in arrays.items()}
        return TrainerState(copies, values)

    def restore(self, state: TrainerState) -> None:
        """Go back, or forward, to an instant that `state()` has kept.

        Raises:
            ModelError: The state is damaged, or another training's; nothing was changed.
        """
        arrays, values = state.arrays, state.values
        self._settle()
        check_state(state, self.network, self.dataset, self.recipe, self.steps_per_epoch)
        if values.get("engine") == "torch" and self.engine.name != "torch":
            self._leave_to_torch()
        load_arrays(self.network, state.under("model."))
        if values["frozen"] or frozen_weights(self.network):
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(name not in values["frozen"])
        self.engine.load_state(state.optimiser)
        self._best_weights = state.under("best.")
        self.losses, self.correct = self.engine.make_scores(self.steps_per_epoch)
        for kept, told in ((self.losses, "losses"), (self.correct, "correct")):
            _fill(kept, arrays[told])
        self.epoch, self.step = values["epoch"], values["step"]
        self._best_accuracy, self._best_epoch = values["best_accuracy"], values["best_epoch"]
        self._told_stuck = values["told_stuck"]
        self._seconds_before, self._step_seconds = values["seconds"], values["step_seconds"]
        self.history = [CurvePoint(**point) for point in values["history"]]

    def train_loss_and_accuracy(self, steps: int | None = None) -> tuple[float, float]:
        """Mean loss and accuracy over this epoch's first steps; nan before the first.

        Args:
            steps: How many; all so far where nothing is said.
        """
        steps = self.step if steps is None else steps
        sizes = self.train_batches.sizes[:steps].astype(np.float64)
        count = float(sizes.sum())
        if not count:
            return float("nan"), float("nan")
        losses, correct = (as_array(one[:steps]) for one in (self.losses, self.correct))
        return float(losses.astype(np.float64) @ sizes) / count, int(correct.sum()) / count

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the clock run, and the listeners know of the start and the end."""
        self._started = time.perf_counter()
        try:
            self.tell("on_start")
            name: EngineName = "auto" if self.engine.name == "native" else self.engine.name
            self._while_running.enter_context(use_engine(name))
            self._while_running.enter_context(self.engine.running())
            yield
        finally:
            self._while_running.close()
            self.train_batches.close()
            self._seconds_before, self._started = self.seconds, None
            self.tell("on_stop")

    @property
    def is_over(self) -> bool:
        """Whether there is no more epoch to train: all are, or early stopping says enough."""
        patience = self.recipe.early_stopping
        out_of_patience = bool(patience) and self.epoch - self._best_epoch >= patience
        return self.epoch >= self.recipe.epochs or out_of_patience

    def train_epoch(self, until: int | None = None) -> None:
        """Make the steps of an epoch that are not made yet.

        Args:
            until: Only the first so many of the epoch's.
        """
        stop = self.steps_per_epoch if until is None else min(until, self.steps_per_epoch)
        self.network.train()
        while self.step < stop:
            self._check_engine()
            batches = self.train_batches
            selections = batches.selections(self.epoch, start=self.step)
            for selection in itertools.islice(selections, stop - self.step):
                self.train_step(selection)
                if not self.engine.still_serves():
                    break

    def train_step(self, selection: Selection[Any]) -> None:
        """Update the weights by a batch, and tell of it.

        Args:
            selection: The next of `train_batches.selections`.

        Raises:
            NonFiniteLossError: The loss became infinite or not a number.
            InterruptedTraining: A stop was asked for.
            ModelError: The network does not fit the images or their labels.
        """
        started = time.perf_counter()
        self._check_engine()
        if self.engine.draws_numbers:  # so that a resumed training draws what an unbroken one does
            own = derive_seed(self.seed, _DRAWN, self.epoch, self.step, self.peers.rank)
            self.engine.seed_draws(own)
        try:
            loss, correct = self.engine.step(selection, self.learning_rate)
        except (RuntimeError, ValueError, IndexError, TypeError):
            if not isinstance(self.network, ArrayNetwork):
                explain_failure(self.network, self.dataset)
            raise
        self.losses[self.step] = loss
        self.correct[self.step] = correct
        self.count_step(started)
        self.tell_of_step()

    def _check_engine(self) -> None:
        """Leave a network to PyTorch whose weights were frozen or whose layers are listened to."""
        if not self.engine.still_serves():
            self._leave_to_torch()

    def _settle(self) -> None:
        """Leave a network to PyTorch that it alone can evaluate now."""
        if not isinstance(self.network, ArrayNetwork):
            return
        is_heard = self.engine.name == "numpy" and not self.network.is_unwatched
        if is_heard or not self.network.holds():
            self._leave_to_torch()

    def _leave_to_torch(self) -> None:
        batches = self.train_batches

        def tensors() -> Any:
            if not isinstance(batches, ArrayBatches):
                return batches
            batches.close()
            return self._make_training_batches(as_tensors=True)

        engine = hand_over(self.engine, self.model, self.recipe, self.device, tensors, self.peers)
        losses, correct = engine.make_scores(self.steps_per_epoch)
        _fill(losses, as_array(self.losses))
        _fill(correct, as_array(self.correct))
        self.use_engine(engine, losses, correct)
        if self._started is not None:
            self._while_running.enter_context(use_engine("auto"))
            self._while_running.enter_context(engine.running())

    def use_engine(self, engine: Engine, losses: Any, correct: Any) -> None:
        """Let another engine make the steps from now on.

        Args:
            engine: It, with the optimiser's state as it is now.
            losses: Where this epoch's are from now on, those of steps already made in them.
            correct: As `losses`.
        """
        engine.stop_wanted = self.stop_requested
        self.engine, self.losses, self.correct = engine, losses, correct

    def count_step(self, started: float) -> None:
        """Note that a step was made, whose loss and right answers are in place.

        Args:
            started: When, by `time.perf_counter`.

        Raises:
            NonFiniteLossError: Its loss, or that of an earlier step, is not a finite number.
        """
        between_points = max(1, self.steps_per_epoch // _POINTS_PER_EPOCH)
        self.step += 1
        is_last = self.step == self.steps_per_epoch
        at_point = self.step % between_points == 0 and not is_last
        self._may_grow = is_last or (at_point and not self.waits_for_epoch)
        if self._may_grow:
            self._check_losses()  # waits for the device, so its time is counted
        self._step_seconds += time.perf_counter() - started
        if at_point:
            self._waiting_points.append((self.step, self.seconds))

    def tell_of_step(self) -> None:
        """Let the curve grow if it may, tell the listeners, and stop if that was asked for.

        Raises:
            InterruptedTraining: It was.
        """
        if self._may_grow:
            self._add_waiting_points()
        self.tell("on_step")
        if self.engine.stop_agreed:
            message = f"Stopped in epoch {self.epoch + 1} after step {self.step}."
            raise InterruptedTraining(message)

    def _check_losses(self) -> None:
        """Raise if a step of this epoch had a loss that is not a finite number."""
        losses = as_array(self.losses[: self.step])
        wrong = np.flatnonzero(~np.isfinite(losses))
        if len(wrong):
            step = int(wrong[0])
            in_all = self.epoch * self.steps_per_epoch + step
            rate = learning_rate_at(self.recipe, in_all, self.steps_per_epoch)
            raise NonFiniteLossError(float(losses[step]), self.epoch + 1, step + 1, rate)

    def _add_waiting_points(self) -> None:
        """Let the curve grow by the points that steps of this epoch have passed."""
        while self._waiting_points:
            self._add_point(*self._waiting_points.pop(0))

    def _add_point(self, step: int, seconds: float, **held_out: float) -> CurvePoint:
        """Let the curve grow by a point, after a step of this epoch that was made at a time."""
        loss, accuracy = self.train_loss_and_accuracy(step)
        in_all = self.epoch * self.steps_per_epoch + step
        rate = learning_rate_at(self.recipe, in_all - 1, self.steps_per_epoch)
        position = self.epoch + step / self.steps_per_epoch
        point = CurvePoint(position, loss, accuracy, rate, seconds, **held_out)
        self.history.append(point)
        self.tell("on_point", point)
        return point

    def finish_epoch(self) -> None:
        """Look at held-out images, remember the best weights, say so if nothing was learnt.

        Raises:
            NonFiniteLossError: The last step left weights with which no loss is a finite number.
        """
        self._settle()
        if not all(np.isfinite(array).all() for array in arrays_of(self.network).values()):
            rate = learning_rate_at(self.recipe, self.steps_done - 1, self.steps_per_epoch)
            raise NonFiniteLossError(float("nan"), self.epoch + 1, self.step, rate)
        held_out = {}
        if looked_at := self._validation or self._test:
            loss, accuracy = looked_at.evaluate(self.network)
            split = "validation" if self._validation else "test"
            held_out = {f"{split}_loss": loss, f"{split}_accuracy": accuracy}
        point = self._add_point(self.step, self.seconds, **held_out)
        if not self._validation:
            self._best_epoch = self.epoch + 1
        elif accuracy > self._best_accuracy:
            self._best_accuracy, self._best_epoch = accuracy, self.epoch + 1
            self._best_weights = arrays_of(self.network)
        self.epoch, self.step = self.epoch + 1, 0
        diagnosis = self._diagnose(point)  # before the listeners, who may save the state
        self.tell("on_epoch", point)
        reached = point.held_out_accuracy
        _LOG.info(
            "epoch %d/%d: loss %.3f, train acc %.3f%s",
            self.epoch,
            self.recipe.epochs,
            point.train_loss,
            point.train_accuracy,
            "" if reached is None else f", {point.held_out_name} acc {reached:.3f}",
        )
        if diagnosis:
            _LOG.warning("%s", diagnosis)
            self.tell("on_diagnosis", diagnosis)

    def _diagnose(self, point: CurvePoint) -> Diagnosis | None:
        """Find out, once, why the loss stays where guessing would have it."""
        steps = self.steps_done
        if self._told_stuck or not is_stuck(self.network, point, self.dataset, steps, self.recipe):
            return None
        self._told_stuck = True
        chance = chance_loss(self.network, self.dataset.train, self.recipe)
        images, _ = next(self.train_batches.epoch(0))
        return diagnose(self.network, images, point.train_loss, chance, steps, self.recipe)

    def finish(self) -> TrainingResult:
        """Put the best weights in place and take the final score."""
        self._settle()
        last = self.history[-1]
        test_loss, test_accuracy = last.test_loss, last.test_accuracy
        if self._validation:
            load_arrays(self.network, self._best_weights)
            if self._test:
                test_loss, test_accuracy = self._test.evaluate(self.network)
        images, seconds = self.epoch * len(self.dataset.train), self.seconds
        return TrainingResult(
            train_loss=last.train_loss,
            train_accuracy=last.train_accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            validation_accuracy=self._best_accuracy if self._validation else None,
            best_epoch=self._best_epoch,
            epochs=self.epoch,
            seconds=seconds,
            examples_per_second=images / seconds,
            tutorial_examples_per_second=images / self._step_seconds,
        )

    def tell(self, event: str, *arguments: Any) -> None:
        """Call a method of every listener, such as `on_finish`."""
        for listener in self.listeners:
            getattr(listener, event)(self, *arguments)


def _fill(kept: Any, told: npt.NDArray[Any]) -> None:
    """Put numbers into an array or a tensor."""
    if isinstance(kept, np.ndarray):
        kept[...] = told
    else:
        import torch

        kept.copy_(torch.from_numpy(told))
