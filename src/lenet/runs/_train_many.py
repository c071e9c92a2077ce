"""Many small networks at once: trainings that have a run folder each and are one computation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.core import (
    TrainKeywords,
    check_range,
    has_torch,
    remove_partial_files,
    stop_on_signals,
    take_settings,
)
from lenet.datasets import Dataset, DataSource, ImageHolder, SharedImages
from lenet.errors import (
    InterruptedTraining,
    LenetError,
    NonFiniteLossError,
    SettingError,
    TrainingError,
)
from lenet.kernels import EngineName
from lenet.runs._find import find_equal_run
from lenet.runs._plan import (
    Plan,
    build_trainer,
    describe_run,
    engine_of,
    find_dataset,
    make_plan,
    name_of_data,
    rebuild_trainer,
)
from lenet.runs._recorder import Recorder, pack_checkpoint, restore, with_advice
from lenet.runs._run import Run, RunConfig, create_run
from lenet.runs._setup import RunsOptions, describe_environment, set_threads
from lenet.runs._trained_on import TRAINED_ON_FILE, pack_trained_on
from lenet.training import (
    Listener,
    Trainer,
    TrainingResult,
    lockstep_key,
    pick_device,
    train_in_lockstep,
)

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

    from lenet.models import ArrayNetwork


@dataclass(frozen=True)
class Ending:
    """How one of many trainings ended.

    Attributes:
        run: Its run folder, complete if there is no error.
        error: What ended it before its end, if something did: a loss or a weight that was not
            finite, or a listener that asked for a stop.
    """

    run: Run
    error: TrainingError | InterruptedTraining | None = None


def train_many(
    trainings: Sequence[Mapping[str, Any]],
    dataset: str | Path | DataSource | ImageHolder | None = None,
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
    itself, as everything is where PyTorch is not installed. On a GPU one small network leaves most
    of the device idle, and many fill it; on a CPU the compiled kernels of `train` are usually
    faster.

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
    if options.engine != "auto":
        message = "Networks that are trained together are PyTorch's; leave out `engine`."
        raise SettingError(message)
    told = [list(one) for one in listeners] if listeners else [[] for _ in trainings]
    asked = [_read(common | dict(training)) for training in trainings]
    for _, make in asked:  # what is wrong is told before data is read
        make(name_of_data(dataset))
    used_device, used_threads = pick_device(options.device), set_threads(options.threads)
    data = find_dataset(dataset, [listener for one in told for listener in one])
    shared = SharedImages(data, used_device)
    many = _Many(data, shared, used_device, used_threads, options)
    endings: dict[int, Ending] = {}

    def end(number: int, ending: Ending) -> None:
        endings[number] = ending
        if on_end is not None:
            on_end(number, ending)

    with stop_on_signals(many.stop):
        members: dict[int, _Member] = {}
        groups: dict[Hashable, list[int]] = {}
        for number, ((seed, make), listening) in enumerate(zip(asked, told, strict=True)):
            many.check_stop()
            found = many.prepare(make(data.name, data=data), seed, listening)
            if isinstance(found, Run):
                end(number, Ending(found))
                continue
            members[number] = found
            groups.setdefault(lockstep_key(found.trainer) or number, []).append(number)
        for group in groups.values():
            for first in range(0, len(group), at_once):
                numbers = group[first : first + at_once]
                results = many.train([members.pop(number) for number in numbers])
                for number, ending in zip(numbers, results, strict=True):
                    end(number, ending)
                many.check_stop()
    return [endings[number] for number in range(len(asked))]


def _read(settings: dict[str, Any]) -> tuple[int, Callable[..., Plan]]:
    """The seed of one of the trainings, and what plans it for some data."""
    seed = settings.pop("seed", 0)
    check_range("seed", seed, 0, 2**63 - 1)
    chosen = {name: settings.pop(name, None) for name in ("model", "recipe", "preset")}
    return seed, partial(make_plan, **chosen, settings=settings)


@dataclass
class _Member:
    """A training that is not complete, where it begins or goes on.

    Attributes:
        run: Where it has been begun already.
    """

    trainer: Trainer
    config: RunConfig
    listeners: list[Listener]
    run: Run | None = None


@dataclass
class _Many:
    """What all the trainings of a call have in common."""

    data: Dataset
    shared: SharedImages
    device: str
    threads: int
    options: RunsOptions
    stopping: bool = False
    _running: list[Trainer] = field(default_factory=list)

    def stop(self) -> None:
        """Let the trainings under way end after this step; the body of a signal handler."""
        self.stopping = True
        for trainer in self._running:
            trainer.request_stop()

    def check_stop(self) -> None:
        if self.stopping:
            again = "The same call goes on from here."
            if not self.options.reuse:
                again = "Go on with each by `lenet train --resume RUN`."
            message = f"Stopped. {again}"
            raise InterruptedTraining(message)

    def prepare(self, plan: Plan, seed: int, listeners: list[Listener]) -> Run | _Member:
        """A run that is complete already, or a training where it begins or goes on."""
        trainer = build_trainer(
            plan,
            self.data,
            seed=seed,
            device=self.device,
            engine="torch" if has_torch() else "auto",
            shared=self.shared,
        )
        config = describe_run(plan, trainer, self.threads)
        reuse, folder = self.options.reuse, self.options.runs_folder
        if not reuse or (run := find_equal_run(folder, config)) is None:
            return _Member(trainer, config, listeners)
        if run.is_complete and run.result:
            return run
        # What the compiled kernels have begun goes on with them, to the same bits.
        config = replace(run.config, engine=engine_of(run))
        trainer = self._rebuild(config, config.engine)
        restore(trainer, run)
        return _Member(trainer, config, listeners, run)

    def train(self, members: Sequence[_Member]) -> list[Ending]:
        """Train one by itself, or several as one computation, with run folders kept up to date."""
        if len(members) == 1:
            members = [self._with_kernels(members[0])]
        environment = describe_environment(self.device) | {"together": len(members)}
        recorders = [Recorder(member.run or self._begin(member, environment)) for member in members]
        self._running = [member.trainer for member in members]
        with ExitStack() as held:
            for recorder, member in zip(recorders, members, strict=True):
                held.enter_context(recorder.run.writing())
                remove_partial_files(recorder.run.folder)
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
        if member.run is not None or member.trainer.engine.name != "torch":
            return member
        trainer = self._rebuild(member.config, "auto", member.trainer.network)
        config = replace(member.config, engine=trainer.engine.name)
        return replace(member, trainer=trainer, config=config)

    def _rebuild(
        self,
        config: RunConfig,
        engine: EngineName,
        network: ArrayNetwork | nn.Module | None = None,
    ) -> Trainer:
        device = pick_device(config.device)
        return rebuild_trainer(
            config, self.data, engine=engine, device=device, network=network, shared=self.shared
        )

    def _begin(self, member: _Member, environment: dict[str, Any]) -> Run:
        files = {"checkpoint.safetensors": pack_checkpoint(member.trainer.state())}
        if member.config.source is not None:
            files[TRAINED_ON_FILE] = pack_trained_on(member.trainer.dataset)
        return create_run(self.options.runs_folder, member.config, environment, files)


def _run(trainers: Sequence[Trainer]) -> list[TrainingResult | BaseException]:
    if len(trainers) > 1:
        return train_in_lockstep(trainers)
    try:
        return [trainers[0].run()]
    except (TrainingError, InterruptedTraining) as error:
        return [error]


def _keep(
    recorder: Recorder, trainer: Trainer, ending: TrainingResult | BaseException
) -> TrainingError | InterruptedTraining | None:
    """Save what a training has come to that has no result; gives why, and how to go on."""
    if isinstance(ending, TrainingResult):
        return None
    if isinstance(ending, (NonFiniteLossError, InterruptedTraining)):
        recorder.keep_after(trainer, ending)
        return with_advice(ending, recorder.run)
    assert isinstance(ending, TrainingError)
    recorder.save_curves(trainer)
    return ending
