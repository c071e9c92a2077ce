"""The several processes of one training, all in one place.

`train` and `resume` read as one training. What is below makes it one of all processes that torchrun
started, mostly as decorators around its parts; a process by itself just does them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from lenet.core import pack_arrays, remove_partial_files, storage_errors, unpack_arrays
from lenet.errors import PeerError, RunError
from lenet.runs._find import open_run
from lenet.runs._recorder import restore
from lenet.runs._run import Run, RunConfig, run_elsewhere
from lenet.runs._setup import set_threads
from lenet.training import Trainer, TrainerState, join_group, pick_device

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# Where and by what a process computes is its own.
_OWN = {"source", "threads", "engine"}


def in_every_process(part: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A part of a training that each process does; where it fails in one, it fails in all."""

    @wraps(part)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with join_group().together():
            return part(*args, **kwargs)

    return call


def in_turn(part: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The same, first in one process of each machine, which fills the machine's caches."""

    @wraps(part)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        group, results = join_group(), list[Result]()
        for is_turn in (group.local_rank == 0, group.local_rank != 0):
            with group.together():
                if is_turn:
                    results.append(part(*args, **kwargs))
        return results[0]

    return call


def by_the_first(part: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A part that the first process does, and whose result, as JSON can hold it, all are told."""

    @wraps(part)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        told: Result = join_group().decide(lambda: part(*args, **kwargs))
        return told

    return call


@in_every_process
def place_process(device: str, threads: int | None) -> tuple[str, int]:
    """This process's own device of a kind, and its number of CPU threads, which is set."""
    group = join_group()
    return group.place_on(pick_device(device)), set_threads(threads, group.local_size)


def check_agreement(config: RunConfig) -> None:
    """Raise `PeerError` unless all processes have the same data and settings."""
    own = {name: value for name, value in config.to_dict().items() if name not in _OWN}
    own["device"] = config.device.partition(":")[0]
    everyone = join_group().gather(own)
    for rank, other in enumerate(everyone):
        for name, value in everyone[0].items():
            if other[name] != value:
                raise PeerError(_describe_difference(name, value, other[name], rank))


def _describe_difference(name: str, first: Any, other: Any, rank: int) -> str:
    if name == "fingerprint":
        return (
            f"Process {rank} has other images than process 0. Put the same data on every machine; "
            "`lenet data info` says what is there."
        )
    while isinstance(first, dict) and isinstance(other, dict):
        name = next(key for key in first | other if first.get(key) != other.get(key))
        first, other = first.get(name), other.get(name)
    return (
        f"`{name}` is {first} in process 0 and {other} in process {rank}. Start the same command "
        "with the same version of lenet on every machine."
    )


def open_in_all(run: Run | Path | str, runs_folder: Path | str) -> tuple[Run, bool, int]:
    """Open a run folder in the first process, and tell the others, which may not see it.

    Returns:
        The run, whether it is complete, and on how many processes it was started.
    """

    @by_the_first
    def look() -> list[Any]:
        opened = run if isinstance(run, Run) else open_run(run, runs_folder)
        environment = opened.environment if opened.environment_path.exists() else {}
        processes = environment.get("processes", 1)
        is_complete = opened.is_complete and bool(opened.result)
        if is_complete and not opened.model_path.exists():
            if not opened.checkpoint_path.exists():
                opened.require_model()
            with opened.writing(), storage_errors(opened.result_path):
                opened.result_path.unlink()  # a run that has one is complete, and this one goes on
            is_complete = False
        return [str(opened.folder), opened.config.to_dict(), is_complete, processes]

    folder, config, is_complete, processes = look()
    if join_group().is_first:
        return Run(Path(folder)), is_complete, processes
    return run_elsewhere(Path(folder), RunConfig.from_dict(config)), is_complete, processes


@contextmanager
def training_in(run: Run, trainer: Trainer, *, restores: bool = False) -> Iterator[None]:
    """Hold a run folder in the first process, and have all trainers where the first one's is.

    That is where the run's checkpoint is, if it `restores` that.
    """
    group = join_group()
    with ExitStack() as held:
        with group.together():
            if group.is_first:
                held.enter_context(run.writing())
                remove_partial_files(run.folder)
                if restores and run.is_complete:
                    message = f"`{run.folder}` was completed by another process just now."
                    raise RunError(message)
                if restores:
                    restore(trainer, run)
        group.connect(trainer.device)
        if group.size > 1:
            with group.together():
                state = trainer.state() if group.is_first else TrainerState({}, {})
            values = group.decide(lambda: state.values)
            content = group.send(pack_arrays(state.arrays, {}) if group.is_first else b"")
            if not group.is_first:
                trainer.restore(TrainerState(unpack_arrays(content), values))
        yield
