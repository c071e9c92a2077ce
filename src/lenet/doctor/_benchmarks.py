"""The three benchmarks: training, prediction, and the start of a process."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lenet.core import has_torch
from lenet.datasets import Dataset
from lenet.doctor import _tasks as tasks
from lenet.doctor._report import Measurement, Report
from lenet.doctor._session import BASELINE, NUMPY, PLAIN, WEB, WHOLE, Session
from lenet.doctor._tasks import BATCH_SIZE, TRAINED, TUTORIAL, Predict, Task
from lenet.doctor._turns import Contestant, Outcome
from lenet.errors import ModelError

_SINGLE_IMAGES = 1000  # a round

# Each program writes pairs of a name and the time when that part was over.
_LENET = """
import json, sys, time
marks = [("start Python", time.time())]
def mark(name): marks.append((name, time.time()))
import lenet.cli
mark("import the command line")
import lenet.runs
from lenet.training import Listener
lenet.runs.train
mark("import lenet's rooms")
dataset = lenet.load_dataset(sys.argv[1])
mark("read the dataset")
class Watch(Listener):
    steps = 0
    def on_start(self, trainer): mark("set up network, trainer, run folder")
    def on_step(self, trainer):
        self.steps += 1
        if self.steps == 1:
            mark("first step")
            trainer.request_stop()
try: lenet.train(dataset=dataset, runs_folder=sys.argv[2], listeners=[Watch()])
except lenet.errors.InterruptedTraining: pass
print(json.dumps(marks))
"""
_TORCH = """
import gzip, json, sys, time
import numpy as np, torch
from torch import nn
import lenet.datasets
dataset = lenet.load_dataset(sys.argv[1])
network = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2, 2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(2, 2), nn.Flatten(),
    nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))
optimiser = torch.optim.SGD(network.parameters(), lr=0.9)
images = torch.tensor(dataset.train.images[:256]).float() / 255
loss = nn.functional.cross_entropy(network(images), torch.tensor(dataset.train.labels[:256]))
loss.backward()
optimiser.step()
print(json.dumps([("", time.time())]))
"""
# A peak is read at a process's end, so each measurement needs a fresh one. The imports' own peak
# may be above what they leave behind, which counts as training's then.
_MEMORY = """
import sys, tempfile
import lenet.core, lenet.datasets, lenet.models, lenet.runs, lenet.training
lenet.datasets.load_dataset, lenet.runs.train, lenet.training.Trainer
if lenet.core.has_torch(): lenet.models.LeNet

def kilobytes(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))

before = kilobytes("VmRSS")
with tempfile.TemporaryDirectory() as folder:
    lenet.runs.train(
        dataset=sys.argv[1], epochs=1, engine=sys.argv[2], runs_folder=folder, listeners=[]
    )
print((kilobytes("VmHWM") - before) * 1024 / 1e6)
"""


def benchmark_training(dataset: Dataset, session: Session) -> list[Report]:
    """Epochs of the tutorial's recipe, or of all `TRAINED`, by everyone who takes part."""
    sizes = f"{len(dataset.train):,} images and a look at {len(dataset.require_test()):,}"
    trained = TRAINED if session.all else TRAINED[:1]
    for place, task in enumerate(trained):
        session.compare(
            f"{task.title}, epochs of {sizes} of `{dataset.name}`",
            "images/s",
            _trainers(task, dataset, session.threads),
            flop_per_image=task.flop_to_train(),
            memory={} if place else _training_memory(dataset.name, session),
            later=len(trained) - place - 1,
        )
    return session.reports


def _trainers(task: Task, dataset: Dataset, threads: int) -> dict[str, Callable[[], Contestant]]:
    def by_torch(name: str, **manner: bool) -> Contestant:
        from lenet.doctor._peers import train_with_torch

        return train_with_torch(name, task, dataset, **manner)

    def in_webassembly() -> Contestant:
        from lenet.doctor._web import train_in_webassembly

        return train_in_webassembly(WEB, task, dataset, threads)

    makers: dict[str, Callable[[], Contestant]] = {
        "lenet": lambda: Contestant("lenet", lambda: tasks.train_with_lenet(task, dataset)),
        NUMPY: lambda: Contestant(NUMPY, lambda: tasks.train_with_lenet(task, dataset, "numpy")),
        BASELINE: lambda: by_torch(BASELINE),
        "PyTorch channels_last": lambda: by_torch("PyTorch channels_last", channels_last=True),
        "PyTorch compiled": lambda: by_torch("PyTorch compiled", compiled=True),
        WEB: in_webassembly,
    }
    if task is TUTORIAL:
        makers["JAX"] = lambda: tasks.train_with_jax("JAX", task, dataset)
        makers["scikit-learn MLP"] = lambda: tasks.train_with_sklearn("scikit-learn MLP", dataset)
    return makers


def _training_memory(dataset: str, session: Session) -> dict[str, float]:
    """MB that `lenet.train` adds to what the imports take, with the kernels and with PyTorch.

    Empty where the system does not tell: only Linux does.
    """
    if sys.platform != "linux":
        return {}
    memory = {}
    for name, engine in (("lenet", "auto"), ("eager", "torch")):
        if not session.takes(name) or (name == "eager" and not has_torch()):
            continue
        session.begin(f"memory of a training with `--engine {engine}`")
        megabytes = float(_output_of(_MEMORY, dataset, engine))
        memory[f"lenet train --engine {engine}"] = megabytes
        session.tell(f"{megabytes:.0f} MB\n")
    return memory


def _output_of(program: str, *arguments: str) -> str:
    """What a program of Python prints, in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def benchmark_prediction(dataset: Dataset, session: Session) -> list[Report]:
    """The test images by the tutorial's network, from float32 arrays in memory to scores there."""
    images = dataset.require_test().images.astype(np.float32) / np.float32(255)
    session.compare(
        f"{len(images):,} images in batches of {BATCH_SIZE}, the tutorial's network",
        "images/s",
        _predictors(dataset, session.threads, images, _predict_all),
        flop_per_image=TUTORIAL.flop_to_predict(),
        later=1,
    )
    session.compare(
        "one image at a time, the tutorial's network",
        "µs",
        _predictors(dataset, session.threads, images, _predict_one_by_one),
    )
    return session.reports


def _predictors(
    dataset: Dataset, threads: int, images: Any, play: Callable[[Predict, Any], Outcome]
) -> dict[str, Callable[[], Contestant]]:
    def by_torch(**manner: bool) -> Predict:
        from lenet.doctor._peers import predict_with_torch

        return predict_with_torch(TUTORIAL, **manner)

    def by_onnxruntime() -> Predict:
        from lenet.doctor._peers import predict_with_onnxruntime

        return predict_with_onnxruntime(TUTORIAL, threads)

    predictors: dict[str, Callable[[], Predict]] = {
        "lenet": lambda: tasks.predict_with_lenet(TUTORIAL, threads),
        NUMPY: lambda: tasks.predict_with_numpy(TUTORIAL),
        BASELINE: by_torch,
        "PyTorch channels_last": lambda: by_torch(channels_last=True),
        "PyTorch compiled": lambda: by_torch(compiled=True),
        "onnxruntime": by_onnxruntime,
        "JAX": lambda: tasks.predict_with_jax(TUTORIAL),
    }

    def make(name: str) -> Contestant:
        predict, some = predictors[name](), images[:BATCH_SIZE]
        expected = tasks.predict_with_numpy(TUTORIAL)(some)
        if not (difference := np.abs(np.asarray(predict(some)) - expected).max()) < 1e-4:
            message = f"Its scores are not those of NumPy: {difference:.1g} apart."
            raise ModelError(message)
        return Contestant(name, lambda: play(predict, images))

    def make_perceptron() -> Contestant:
        predict = tasks.predict_with_sklearn(dataset)
        return Contestant("scikit-learn MLP", lambda: play(predict, images), tasks.PERCEPTRON)

    makers = {name: partial(make, name) for name in predictors}
    return {**makers, "scikit-learn MLP": make_perceptron}


def _predict_all(predict: Predict, images: Any) -> Outcome:
    """All images, in images a second."""
    started = time.perf_counter()
    for first in range(0, len(images), BATCH_SIZE):
        predict(images[first : first + BATCH_SIZE])
    return Outcome(len(images) / (time.perf_counter() - started))


def _predict_one_by_one(predict: Predict, images: Any) -> Outcome:
    """The median time of an image, in microseconds."""
    seconds = []
    for turn in range(_SINGLE_IMAGES):
        index = turn % len(images)
        started = time.perf_counter()
        predict(images[index : index + 1])
        seconds.append(time.perf_counter() - started)
    return Outcome(statistics.median(seconds) * 1e6)


def benchmark_startup(dataset: Dataset, session: Session) -> list[Report]:
    """A training's parts before its second step, each process fresh, after one that is not counted.

    The plain script reads the dataset by lenet too, as PyTorch has no reader of its own.
    """
    parts: dict[str, list[float]] = {}
    warm: set[str] = set()  # programs whose first turn, which is not counted, is over

    def run(program: str) -> Outcome:
        started = before = time.time()
        with tempfile.TemporaryDirectory() as folder:
            marks = json.loads(_output_of(program, dataset.name, folder))
        for name, instant in marks if program == _LENET and program in warm else []:
            parts.setdefault(name, []).append((instant - before) * 1000)
            before = instant
        warm.add(program)
        return Outcome((marks[-1][1] - started) * 1000)

    def make_plain() -> Contestant:
        if not has_torch():
            raise ModuleNotFoundError(name="torch")
        return Contestant(PLAIN, lambda: run(_TORCH))

    session.compare(
        f"a training of the tutorial's network on `{dataset.name}`",
        "ms",
        {WHOLE: lambda: Contestant(WHOLE, lambda: run(_LENET)), PLAIN: make_plain},
        parts=lambda: [Measurement(name, tuple(each)) for name, each in parts.items()],
    )
    return session.reports
