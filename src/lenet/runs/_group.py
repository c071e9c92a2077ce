"""What the processes of one training have to agree on before the first step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch

from lenet.datasets import Dataset
from lenet.errors import PeerError
from lenet.runs._run import Run, open_run, run_elsewhere
from lenet.runs._run_config import RunConfig
from lenet.training import Group, Trainer, TrainerState

# Where and by what a process computes is its own.
_OWN = {"source", "threads", "kernels"}


def load_in_turn(group: Group, load: Callable[[], Dataset]) -> Dataset:
    """Load data in every process; first in one of each machine, which fills the machine's caches.

    Raises:
        PeerError: It can't be loaded elsewhere.
        DatasetError: It can't be loaded here.
    """
    data = None
    with group.together():
        if group.local_rank == 0:
            data = load()
    with group.together():
        if data is None:
            data = load()
    return data


def check_agreement(group: Group, config: RunConfig) -> None:
    """See that all processes have the same data and settings.

    Raises:
        PeerError: They have not.
    """
    own = {name: value for name, value in config.to_dict().items() if name not in _OWN}
    own["device"] = config.device.partition(":")[0]
    everyone = group.gather(own)
    for rank, other in enumerate(everyone):
        for name, value in everyone[0].items():
            if other[name] != value:
                raise PeerError(_describe_difference(name, value, other[name], rank))


def _describe_difference(name: str, first: Any, other: Any, rank: int) -> str:
    """A sentence on a setting that differs between process 0 and another one."""
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


def open_in_all(
    group: Group, run: Run | Path | str, runs_folder: Path | str
) -> tuple[Run, bool, int]:
    """Open a run folder in the first process, and tell the others, which may not see it.

    Returns:
        The run, whether it is complete, and on how many processes it was started.

    Raises:
        RunError: The folder is not a run, or is damaged.
    """

    def open_first() -> dict[str, Any]:
        opened = run if isinstance(run, Run) else open_run(run, runs_folder)
        processes = opened.environment.get("processes", 1) if _has_environment(opened) else 1
        return {
            "folder": str(opened.folder),
            "config": opened.config.to_dict(),
            "is_complete": opened.is_complete and bool(opened.result),
            "processes": processes,
        }

    told = group.decide(open_first)
    folder, config = Path(told["folder"]), RunConfig.from_dict(told["config"])
    opened = Run(folder) if group.is_first else run_elsewhere(folder, config)
    return opened, told["is_complete"], told["processes"]


def _has_environment(run: Run) -> bool:
    return run.environment_path.exists()


def share_state(group: Group, trainer: Trainer) -> None:
    """Bring the trainers of all processes to where the first one's is.

    Raises:
        LostProcessError: A process is gone.
    """
    if group.size == 1:
        return
    with group.together():
        state = trainer.state() if group.is_first else TrainerState({}, {})
    values = group.decide(lambda: state.values)
    content = group.send(safetensors.torch.save(state.tensors) if group.is_first else b"")
    if not group.is_first:
        trainer.restore(TrainerState(safetensors.torch.load(content), values))
