"""From a plan and images to what trains: one way for every training, new or gone on with."""

import torch

from lenet.core import check_range
from lenet.datasets import Dataset, SharedImages
from lenet.errors import RunError
from lenet.kernels import KernelChoice
from lenet.models import Normalisation, build_model, identify_model
from lenet.runs._checkpoint import read_checkpoint
from lenet.runs._plan import Plan, build_network, measure_normalisation
from lenet.runs._processor import core_count
from lenet.runs._run import Run
from lenet.runs._run_config import RunConfig
from lenet.training import ALONE, Peers, Trainer


def build_trainer(
    plan: Plan,
    data: Dataset,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    kernels: KernelChoice = "auto",
    normalisation: Normalisation | None = None,
    shared: SharedImages | None = None,
    peers: Peers = ALONE,
) -> Trainer:
    """What trains a plan's network by its recipe on some images; every training begins here.

    Args:
        plan: What is to be trained and how.
        data: The images. Where the recipe wants a validation split and they have none, it is held
            out by `seed`, and the trainer's `dataset` has it.
        seed: Decides weights, order, augmentation and validation split; 0 or more.
        device: Where to train.
        kernels: What computes on a CPU, as for `train`.
        normalisation: How pixels become the network's input; measured where it is not known.
        shared: The same images where they lie on the device already.
        peers: The processes that train together.

    Raises:
        ModelError: The network does not fit the images, or is of a class that is not registered.
        SettingError: A setting is ill-typed, out of range or at odds with the images.
    """
    recipe = plan.recipe
    if recipe.validation:
        divide = data.with_validation if shared is None else shared.hold_out
        data = divide(recipe.validation, seed)
    network = build_network(plan, data, seed)
    normalisation = normalisation or measure_normalisation(recipe, data)
    return Trainer(
        network,
        data,
        recipe,
        device=device,
        seed=seed,
        mean=normalisation.mean,
        std=normalisation.std,
        kernels=kernels,
        shared=shared,
        peers=peers,
    )


def rebuild_trainer(
    config: RunConfig,
    data: Dataset,
    *,
    kernels: KernelChoice,
    device: torch.device | str,
    shared: SharedImages | None = None,
    peers: Peers = ALONE,
) -> Trainer:
    """What trains a run's network anew, as its config says; `restore` brings it to where it was."""
    network = build_model(config.settings, seed=config.seed)
    return build_trainer(
        Plan(config.preset, config.recipe, network, {}),
        data,
        seed=config.seed,
        device=device,
        kernels=kernels,
        normalisation=config.normalisation,
        shared=shared,
        peers=peers,
    )


def describe_run(plan: Plan, trainer: Trainer, threads: int) -> RunConfig:
    """All that decides what a plan's trainer computes."""
    name, settings = identify_model(trainer.model)
    batches, data = trainer.train_batches, trainer.dataset
    return RunConfig(
        dataset=data.name,
        fingerprint=data.fingerprint(),
        model=name,
        settings=settings,
        recipe=plan.recipe,
        preset=plan.preset,
        normalisation=Normalisation(batches.mean, batches.std),
        seed=trainer.seed,
        device=str(trainer.device),
        threads=threads,
        kernels=trainer.kernels,
        source=data.origin.source if data.origin else None,
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
