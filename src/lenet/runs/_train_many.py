"""Many small networks at once: trainings that have a run folder each and are one computation."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lenet.core import TrainKeywords, check_range, remove_partial_files, take_settings
from lenet.datasets import Dataset, DataSource, SharedImages
from lenet.errors import (
    InterruptedTraining,
    LenetError,
    NonFiniteLossError,
    RunError,
    SettingError,
    TrainingError,
)
from lenet.kernels import KernelChoice, kernel_status
from lenet.models import build_model
from lenet.runs._build_trainer import build_trainer, restore, set_threads
from lenet.runs._checkpoint import pack_checkpoint
from lenet.runs._ending import keep_what_is_there, with_advice
from lenet.runs._environment import describe_environment
from lenet.runs._find_dataset import find_dataset, name_of_data
from lenet.runs._options import RunsOptions
from lenet.runs._plan import Plan, build_and_describe, make_plan
from lenet.runs._recorder import Recorder
from lenet.runs._reuse import find_equal_run
from lenet.runs._run import Run, create_run
from lenet.runs._run_config import RunConfig
from lenet.runs._signals import stop_on_signals
from lenet.training import (
    Listener,
    Trainer,
    TrainingResult,
    likeness,
    pick_device,
    train_in_lockstep,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

_OF_TRAIN = ("model", "preset", "recipe")


@dataclass(frozen=True)
class Ending:
    """How one of many trainings ended.

    Attributes:
        run: Its run folder, complete if there is no error.
        error: What ended it before its end, if something did: a loss or a weight that was not
            finite, or a listener that asked for a stop.
    """

    run: Run
    error: TrainingError | None = None


def train_many(
    trainings: Sequence[Mapping[str, Any]],
    dataset: str | Path | DataSource | Dataset | None = None,
    *,
    at_once: int = 32,
    listeners: Sequence[Sequence[Listener]] | None = None,
    on_end: Callable[[int, Ending], None] | None = None,
    **settings: Unpack[TrainKeywords],
) -> list[Ending]:
    """Train many networks, those of one form together as one batched computation.

    Each has a run folder of its own and ends with what `train` would have reached, up to rounding.
    Together go those with the same network, images and recipe, but for seed, learning rate and its
    schedule, momentum, weight decay, epochs and early stopping. What fits no other is trained by
    itself. On a GPU one small network leaves most of the device idle, and many fill it; on a CPU
    the compiled kernels of `train` are usually faster.

    Args:
        trainings: For each what is its own: `seed`, `model`, `preset`, `recipe` and settings, as
            for `train`.
        dataset: What `train` takes; it lies on the device once.
        at_once: How many networks are computed together at most.
        listeners: For each training who is told how it goes; nobody where none are given.
        on_end: Is told of each training that has ended, by its place in `trainings`.
        settings: Fields of [`RunsOptions`][lenet.runs.RunsOptions]: `device`, `threads`,
            `runs_folder` and `reuse`, with which a call that was stopped can be made again. And
            what `train` takes and all have.

    Returns:
        How each ended, in the order of `trainings`. A run's seconds are those of all that were
        computed with it.

    Raises:
        SettingError: A setting is unknown, ill-typed, out of range or at odds with another.
        DatasetError: The data can't be had or used.
        ModelError: A network can't be built or does not fit the data.
        InterruptedTraining: Ctrl-C or SIGTERM; every run under way has a checkpoint.
        StorageError: A run folder can't be written.

    >>> import tempfile
    >>> seeds = [{"seed": seed} for seed in range(3)]
    >>> endings = train_many(seeds, "digits", epochs=1, runs_folder=tempfile.mkdtemp())
    >>> [ending.run.config.seed for ending in endings]
    [0, 1, 2]
    """
    check_range("at_once", at_once, 1, 1024)
    options, common = take_settings(RunsOptions, settings)
    if options.kernels != "auto":
        message = "Networks that are trained together are PyTorch's; leave out `kernels`."
        raise SettingError(message)
    told = [list(one) for one in listeners] if listeners else [[] for _ in trainings]
    wishes = [_Wish.read(common | dict(training)) for training in trainings]
    for wish in wishes:  # what is wrong is told before data is read
        wish.plan(name_of_data(dataset))
    used_device, used_threads = pick_device(options.device), set_threads(options.threads)
    data = find_dataset(dataset, [listener for one in told for listener in one])
    shared = SharedImages(data, used_device)
    many = _Many(used_device, used_threads, options.runs_folder, options.reuse, shared)
    endings: dict[int, Ending] = {}

    def end(number: int, ending: Ending) -> None:
        endings[number] = ending
        if on_end is not None:
            on_end(number, ending)

    with stop_on_signals(many.stop):
        members: dict[int, _Member] = {}
        groups: dict[Hashable, list[int]] = {}
        for number, (wish, listening) in enumerate(zip(wishes, told, strict=True)):
            many.check_stop()
            found = many.prepare(wish, data, listening)
            if isinstance(found, Run):
                end(number, Ending(found))
                continue
            members[number] = found
            groups.setdefault(found.likeness or number, []).append(number)
        for group in groups.values():
            for first in range(0, len(group), at_once):
                numbers = group[first : first + at_once]
                results = many.train([members.pop(number) for number in numbers])
                for number, ending in zip(numbers, results, strict=True):
                    end(number, ending)
                many.check_stop()
    return [endings[number] for number in range(len(wishes))]


@dataclass(frozen=True)
class _Wish:
    """What is to be trained.

    Attributes:
        seed: Of weights, order, augmentation and validation split.
        chosen: Its `model`, `preset` and `recipe`.
        settings: Fields of the recipe and of the network's settings.
    """

    seed: int
    chosen: dict[str, Any]
    settings: dict[str, Any]

    @classmethod
    def read(cls, values: dict[str, Any]) -> _Wish:
        """Take apart what one of the trainings says."""
        seed = values.pop("seed", 0)
        check_range("seed", seed, 0, 2**63 - 1)
        chosen = {name: values.pop(name, None) for name in _OF_TRAIN}
        return cls(seed, chosen, values)

    def plan(self, name: str, data: Dataset | None = None) -> Plan:
        """It with what the preset brings."""
        chosen = self.chosen
        return make_plan(
            name, chosen["model"], chosen["recipe"], chosen["preset"], self.settings, data
        )


@dataclass
class _Member:
    """A training that is not complete.

    Attributes:
        trainer: Where it begins or goes on.
        config: Of its run.
        listeners: Who is told.
        run: Where it has been begun already.
        likeness: Equal for those that can be computed together; `None` where it can't be at all.
    """

    trainer: Trainer
    config: RunConfig
    listeners: list[Listener]
    run: Run | None = None
    likeness: Hashable = None


@dataclass
class _Many:
    """What all the trainings of a call have in common.

    Attributes:
        device: Where they are made.
        threads: CPU threads.
        runs_folder: Where the run folders are made.
        reuse: Whether runs that are there are taken.
        shared: The images.
        stopping: Whether a signal has asked for a stop.
    """

    device: torch.device
    threads: int
    runs_folder: Path
    reuse: bool
    shared: SharedImages
    stopping: bool = False
    _running: list[Trainer] = field(default_factory=list)

    def stop(self) -> None:
        """Let the trainings under way end after this step; the body of a signal handler."""
        self.stopping = True
        for trainer in self._running:
            trainer.request_stop()

    def check_stop(self) -> None:
        """Raise if a signal has asked for a stop.

        Raises:
            InterruptedTraining: It has.
        """
        if self.stopping:
            again = "The same call goes on from here."
            if not self.reuse:
                again = "Go on with each by `lenet train --resume RUN`."
            message = f"Stopped. {again}"
            raise InterruptedTraining(message)

    def prepare(self, wish: _Wish, data: Dataset, listeners: list[Listener]) -> Run | _Member:
        """A run that is complete already, or a training where it begins or goes on."""
        plan = wish.plan(data.name, data)
        own = self.shared.hold_out(plan.recipe.validation, wish.seed)
        network, config = build_and_describe(
            plan,
            own,
            seed=wish.seed,
            device=str(self.device),
            threads=self.threads,
            kernels="torch",
        )
        run = find_equal_run(self.runs_folder, config) if self.reuse else None
        if run is None:
            trainer = build_trainer(config, network, own, shared=self.shared)
            return _Member(trainer, config, listeners, None, likeness(trainer))
        if run.is_complete and run.result:
            return run
        # What the compiled kernels have begun goes on with them, to the same bits.
        config = replace(run.config, kernels=_kernels_of(run))
        trainer = build_trainer(config, network, own, shared=self.shared)
        restore(trainer, run)
        return _Member(trainer, config, listeners, run, likeness(trainer))

    def train(self, members: Sequence[_Member]) -> list[Ending]:
        """Train one by itself, or several as one computation, with run folders kept up to date."""
        if len(members) == 1:
            members = [self._with_kernels(members[0])]
        environment = describe_environment(self.device) | {"together": len(members)}
        runs = [member.run or self._begin(member, environment) for member in members]
        recorders = [Recorder(run) for run in runs]
        self._running = [member.trainer for member in members]
        with ExitStack() as held:
            for run, recorder, member in zip(runs, recorders, members, strict=True):
                held.enter_context(run.writing())
                remove_partial_files(run.folder)
                member.trainer.listeners = [recorder, *member.listeners]
            if self.stopping:
                self.stop()
            try:
                results = _run(self._running)
            except BaseException:
                for recorder, member in zip(recorders, members, strict=True):
                    with suppress(LenetError):  # the first error is the one to tell
                        recorder.save_checkpoint(member.trainer)
                raise
            finally:
                self._running = []
            return [
                Ending(recorder.run, _keep(recorder, member.trainer, result))
                for recorder, member, result in zip(recorders, members, results, strict=True)
            ]

    def _with_kernels(self, member: _Member) -> _Member:
        """A training that is not begun yet, by the compiled kernels where they serve it."""
        if member.run is not None:
            return member
        config = replace(member.config, kernels="auto")
        network = build_model(config.settings, seed=config.seed)
        trainer = build_trainer(config, network, member.trainer.dataset, shared=self.shared)
        return replace(member, trainer=trainer, config=replace(config, kernels=trainer.kernels))

    def _begin(self, member: _Member, environment: dict[str, Any]) -> Run:
        """Make the run folder of a training that has none yet."""
        files: dict[str, bytes | str] = {
            "environment.json": json.dumps(environment, indent=2),
            "checkpoint.safetensors": pack_checkpoint(member.trainer.state()),
        }
        return create_run(self.runs_folder, member.config, files)


def _kernels_of(run: Run) -> KernelChoice:
    """What a run goes on with.

    Raises:
        RunError: The compiled kernels, which are not here.
    """
    if run.config.kernels == "torch":
        return "torch"
    if reason := kernel_status().reason:
        message = f"`{run.folder}` was trained with compiled kernels. {reason}"
        raise RunError(message)
    return "auto"


def _run(trainers: Sequence[Trainer]) -> list[TrainingResult | Exception]:
    """Train one by itself or several together."""
    if len(trainers) > 1:
        return train_in_lockstep(trainers)
    try:
        return [trainers[0].run()]
    except TrainingError as error:
        return [error]


def _keep(
    recorder: Recorder, trainer: Trainer, ending: TrainingResult | Exception
) -> TrainingError | None:
    """Save what a training has come to that has no result; gives why, and how to go on."""
    if isinstance(ending, TrainingResult):
        return None
    if isinstance(ending, (NonFiniteLossError, InterruptedTraining)):
        keep_what_is_there(recorder, trainer, ending)
        return with_advice(ending, recorder.run)
    assert isinstance(ending, TrainingError)
    recorder.save_curves(trainer)
    return ending
