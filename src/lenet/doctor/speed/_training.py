"""Training: whole epochs, data handling and the look at the test images included."""

import time
from collections.abc import Callable
from dataclasses import replace

from lenet.datasets import Dataset
from lenet.doctor.speed._memory import measure_training_memory
from lenet.doctor.speed._report import Report
from lenet.doctor.speed._session import Session
from lenet.doctor.speed._task import TRAINED, TUTORIAL, Task
from lenet.doctor.speed._torch_peer import EAGER, train_with_torch
from lenet.doctor.speed._turns import Contestant, Outcome
from lenet.training import Trainer


def benchmark_training(dataset: Dataset, session: Session) -> list[Report]:
    """An epoch of each of `TRAINED` by everyone who can be here."""
    sizes = f"{len(dataset.train):,} images and a look at {len(dataset.require_test()):,}"
    tutorial, *others = (
        session.compare(
            f"{task.title}, epochs of {sizes} of `{dataset.name}`",
            "images/s",
            _makers(task, dataset),
            flop_per_image=task.flop_to_train(),
        )
        for task in TRAINED
    )
    memory = measure_training_memory(dataset.name, session.tell)
    return [replace(tutorial, memory=memory), *others]


def _makers(task: Task, dataset: Dataset) -> dict[str, Callable[[], Contestant]]:
    """Who trains."""
    makers: dict[str, Callable[[], Contestant]] = {
        "lenet": lambda: Contestant("lenet", lambda: _train_with_lenet(task, dataset)),
        EAGER: lambda: train_with_torch(EAGER, task, dataset),
        "PyTorch channels_last": lambda: train_with_torch(
            "PyTorch channels_last", task, dataset, channels_last=True
        ),
        "PyTorch compiled": lambda: train_with_torch(
            "PyTorch compiled", task, dataset, compiled=True
        ),
    }
    if task is TUTORIAL:
        from lenet.doctor.speed._jax_peer import train_with_jax
        from lenet.doctor.speed._sklearn_peer import train_with_sklearn

        makers["JAX"] = lambda: train_with_jax("JAX", task, dataset)
        makers["scikit-learn MLP"] = lambda: train_with_sklearn("scikit-learn MLP", dataset)
    return makers


def _train_with_lenet(task: Task, dataset: Dataset) -> Outcome:
    """An epoch by the compiled kernels, as `lenet train` makes it."""
    trainer = Trainer(task.network(), dataset, task.recipe, kernels="native")
    started = time.perf_counter()
    result = trainer.run()
    seconds = time.perf_counter() - started
    return Outcome(len(dataset.train) / seconds, result.train_loss)
