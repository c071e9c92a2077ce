"""Several trainings at once, step by step, as one computation."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lenet.datasets import Augmentation
from lenet.errors import InterruptedTraining, SettingError, TrainingError
from lenet.kernels import use_engine
from lenet.training._history import TrainingResult
from lenet.training._trainer import Trainer
from lenet.training.engines._pick import torch_engine

if TYPE_CHECKING:
    from lenet.datasets import Batches
    from lenet.training.engines._stacked import StackedEngine

Result = TypeVar("Result")

# What may differ between trainings that are computed together; a step is the same for all else.
_MAY_DIFFER = {
    "learning_rate": 1.0,
    "weight_decay": 0.0,
    "schedule": "constant",
    "step_epochs": 1,
    "step_factor": 1.0,
    "early_stopping": 0,
}


def lockstep_key(trainer: Trainer) -> Hashable | None:
    """What has to be equal for two trainings to be computed together; `None` if they never can be.

    That is the network's layers, the number of its training images and their place, the epoch, and
    the recipe but for learning rate, schedule, weight decay, the size of the momentum, early
    stopping and, where augmentation does not depend on them, epochs. A training by the compiled
    kernels or by several processes, of images that are too large for memory, with dropout or with
    code of its own, with weighted images, or with batch normalisation in bfloat16 is by itself.
    """
    if not _can_be_stacked(trainer):
        return None
    recipe = trainer.recipe
    placed = trainer.train_batches.placed
    ends_plain = bool(recipe.plain_epochs) and recipe.augmentation != Augmentation()
    return (
        recipe.replace(
            **_MAY_DIFFER,
            momentum=0.5 if recipe.momentum else 0.0,
            epochs=recipe.epochs if ends_plain else 1,
        ),
        repr(trainer.model),
        tuple((name, value.shape) for name, value in trainer.model.state_dict().items()),
        str(trainer.device),
        placed.images.data_ptr(),
        len(trainer.dataset.train),
        trainer.epoch,
    )


def train_in_lockstep(
    trainers: Sequence[Trainer], ends_alone: tuple[type[BaseException], ...] = ()
) -> list[TrainingResult | BaseException]:
    """Train several networks of one form at once, each step of all of them as one computation.

    Each trainer has its own weights, order, augmentation, listeners and curve, and ends with what
    `run` would have given it, up to rounding. One that is over, is stopped or has diverged leaves
    the others. A trainer may be restored before, and behind the others by less than an epoch: then
    it catches up alone. A trainer's clock shows the time of the whole group.

    Args:
        trainers: With equal `lockstep_key`, made with `engine="torch"` and the same `shared`
            images.
        ends_alone: Errors that end a training alone when its listener raises them.

    Returns:
        For each trainer its result, or the error that ended it alone: a `TrainingError`, such as a
        loss that is not finite, a stop that was asked for, or one of `ends_alone`.

    Raises:
        SettingError: They can't be computed together.
        TrainingError: A layer was frozen or is listened to.
        LenetError: What else a listener raises ends all of them; each can be kept and restored.
    """
    keys = {lockstep_key(trainer) for trainer in trainers}
    if None in keys:
        message = (
            'Trainings can be computed together if they have `engine="torch"`, one process, '
            "images in memory, no dropout, and no batch normalisation in bfloat16."
        )
        raise SettingError(message)
    if len(keys) != 1:
        message = (
            "Trainings can be computed together if they have the same network, images and recipe, "
            "but for learning rate, schedule, momentum, weight decay and early stopping."
        )
        raise SettingError(message)
    return _Lockstep(trainers, (TrainingError, InterruptedTraining, *ends_alone)).run()


class _Lockstep:
    """Trainings that are computed together, fewer as they end."""

    def __init__(self, trainers: Sequence[Trainer], ends_alone: tuple[type[BaseException], ...]):
        self._trainers, self._ends_alone = list(trainers), ends_alone
        self._endings: dict[int, TrainingResult | BaseException] = {}
        self._clocks = [ExitStack() for _ in trainers]
        self._members: list[int] = []  # those that the steps are made for
        self._engine: StackedEngine | None = None
        self._losses: Any = None  # of the epoch under way, tensors (networks, steps)
        self._correct: Any = None
        self._precision = trainers[0].recipe.precision

    def run(self) -> list[TrainingResult | BaseException]:
        from lenet.training.engines._torch import multiply_in

        with use_engine("torch"), multiply_in(self._precision):
            try:
                for number, trainer in enumerate(self._trainers):
                    self._clocks[number].enter_context(trainer.running())
                everyone = list(range(len(self._trainers)))
                self._catch_up(everyone)
                self._join(everyone)
                while self._members:
                    self._train_epoch()
                    self._finish_epoch()
                return [self._endings[number] for number in everyone]
            finally:
                self._part()
                with ExitStack() as stack:  # which closes all, whatever one of them raises
                    for clock in self._clocks:
                        stack.push(clock)

    def _catch_up(self, numbers: Sequence[int]) -> None:
        """Let those that are behind in the epoch make their steps alone."""
        furthest = max(self._trainers[number].step for number in numbers)
        for number in numbers:
            self._attempt(number, partial(self._trainers[number].train_epoch, furthest))

    def _join(self, numbers: Sequence[int]) -> None:
        """Compute those together, of the given ones, that have not ended; let the others go."""
        import torch

        from lenet.training.engines._stacked import StackedEngine, StackMember

        self._part()
        over = [number for number in numbers if self._trainers[number].is_over]
        # All have their result before anyone is told: what listeners do is no time of a training.
        results = {number: self._attempt(number, self._trainers[number].finish) for number in over}
        for number, result in results.items():
            if result is not None:
                self._endings[number] = result
                with use_engine("auto"):  # as outside of `run`
                    self._trainers[number].tell("on_finish", result)
        for number in numbers:
            if number in self._endings:
                self._clocks[number].close()
        members = [number for number in numbers if number not in self._endings]
        trainers = [self._trainers[number] for number in members]
        if not members:
            return
        self._engine = StackedEngine(
            [trainer.model for trainer in trainers],
            [trainer.recipe for trainer in trainers],
            [_tensor_batches(trainer) for trainer in trainers],
            [trainer.engine.state() for trainer in trainers],
        )
        # One tensor for all, so that a step writes its losses once.
        self._losses = torch.stack([trainer.losses for trainer in trainers])
        self._correct = torch.stack([trainer.correct for trainer in trainers])
        for place, trainer in enumerate(trainers):
            member = StackMember(self._engine, place, trainer.model, _tensor_batches(trainer))
            trainer.use_engine(member, self._losses[place], self._correct[place])
        self._members = members

    def _part(self) -> None:
        """Give every member weights, optimiser and losses of its own again."""
        for place, number in enumerate(self._members):
            trainer = self._trainers[number]
            state = copy.deepcopy(trainer.engine.state())
            assert self._engine is not None
            self._engine.release(place)
            engine = torch_engine(
                trainer.model,
                trainer.recipe,
                trainer.device,
                lambda batches=trainer.train_batches: batches,  # type: ignore[misc]
                captures=True,
            )
            engine.load_state(state)
            trainer.use_engine(engine, trainer.losses.clone(), trainer.correct.clone())
        self._members, self._engine = [], None

    def _train_epoch(self) -> None:
        """Make the steps of an epoch that are not made yet, until it or a training ends."""
        from lenet.training.engines._stacked import is_plain

        trainers = {number: self._trainers[number] for number in self._members}
        for trainer in trainers.values():
            if not is_plain(trainer.model):
                message = "Trainings that are computed together can't freeze layers or watch them."
                raise TrainingError(message)
            trainer.model.train()
        walks = [
            trainer.train_batches.selections(trainer.epoch, start=trainer.step)
            for trainer in trainers.values()
        ]
        assert self._engine is not None
        for selections in zip(*walks, strict=True):
            started = time.perf_counter()
            step = trainers[self._members[0]].step
            rates = [trainer.learning_rate for trainer in trainers.values()]
            losses, correct = self._engine.step(selections, rates)
            self._losses[:, step] = losses
            self._correct[:, step] = correct
            # All are counted before anyone is told, so that at any error all have the same step.
            for number, trainer in trainers.items():
                self._attempt(number, partial(trainer.count_step, started))
            for number, trainer in trainers.items():
                self._attempt(number, trainer.tell_of_step)
            if self._endings.keys() & trainers.keys():
                self._join(list(trainers))
                return

    def _finish_epoch(self) -> None:
        """Look at held-out images where an epoch is over, and let those go that are done."""
        members = list(self._members)
        trainers = [self._trainers[number] for number in members]
        if not trainers or trainers[0].step < trainers[0].steps_per_epoch:
            return
        for number, trainer in zip(members, trainers, strict=True):
            self._attempt(number, trainer.finish_epoch)
        if any(trainer.is_over for trainer in trainers) or self._endings.keys() & set(members):
            self._join(members)

    def _attempt(self, number: int, action: Callable[[], Result]) -> Result | None:
        """Do something for a training that has not ended; note the error that ends it alone."""
        if number in self._endings:
            return None
        try:
            return action()
        except self._ends_alone as error:
            self._endings[number] = error
            return None


def _tensor_batches(trainer: Trainer) -> Batches:
    """What a training by PyTorch has for batches."""
    from lenet.datasets import Batches

    batches = trainer.train_batches
    assert isinstance(batches, Batches)
    return batches


def _can_be_stacked(trainer: Trainer) -> bool:
    """Whether `StackedEngine` computes what the layers compute one network at a time."""
    if trainer.engine.name != "torch" or trainer.peers.size > 1:
        return False
    if trainer.train_batches.weights is not None:
        return False
    if not trainer.train_batches.is_in_memory:
        return False
    from torch import nn

    from lenet.models import draws_numbers

    norms = nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm
    rounds = trainer.recipe.precision == "bfloat16"
    return not draws_numbers(trainer.model) and not any(
        rounds and isinstance(layer, norms) for layer in trainer.model.modules()
    )
