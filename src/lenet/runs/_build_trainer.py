import torch
from torch import nn

from lenet.core import check_range
from lenet.datasets import Dataset, SharedImages
from lenet.errors import RunError
from lenet.runs._checkpoint import read_checkpoint
from lenet.runs._processor import core_count
from lenet.runs._run import Run
from lenet.runs._run_config import RunConfig
from lenet.training import ALONE, Peers, Trainer, pick_device


def build_trainer(
    config: RunConfig,
    network: nn.Module,
    data: Dataset,
    *,
    shared: SharedImages | None = None,
    peers: Peers = ALONE,
) -> Trainer:
    """The trainer that a run's config describes."""
    return Trainer(
        network,
        data,
        config.recipe,
        device=pick_device(config.device),
        seed=config.seed,
        mean=config.normalisation.mean,
        std=config.normalisation.std,
        kernels=config.kernels,
        shared=shared,
        peers=peers,
    )


def restore(trainer: Trainer, run: Run) -> None:
    """Bring a trainer to where a run's checkpoint is.

    Raises:
        RunError: There is none, it is damaged, or it is another training's.
    """
    try:
        trainer.restore(read_checkpoint(run.checkpoint_path))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        message = f"`{run.checkpoint_path}` does not fit the run: {error}"
        raise RunError(message) from error


def set_threads(threads: int | None, processes: int = 1) -> int:
    """Set PyTorch's number of CPU threads, and say what it is.

    Args:
        threads: As many; where none are given, what PyTorch takes by itself.
        processes: How many share the cores; each takes its part of them if there are several.
    """
    if threads is None and processes > 1:
        threads = max(1, core_count() // processes)
    if threads is not None:
        check_range("threads", threads, 1, 1024)
        torch.set_num_threads(threads)
    return torch.get_num_threads()
