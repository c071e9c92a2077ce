"""The three benchmarks: training, prediction, and the start of a process."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lenet.datasets import Dataset
from lenet.doctor import _peers as peers
from lenet.doctor._peers import BATCH_SIZE, TRAINED, TUTORIAL, Predict, Task
from lenet.doctor._report import Measurement, Report
from lenet.doctor._turns import BASELINE, Contestant, Outcome, Session
from lenet.errors import ModelError

_SINGLE_IMAGES = 1000  # a round
_WHOLE, _PLAIN = "lenet train, up to the first step", "plain PyTorch, up to the first step"

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
import lenet.datasets, lenet.models, lenet.runs, lenet.training
lenet.datasets.load_dataset, lenet.models.LeNet, lenet.runs.train, lenet.training.Trainer

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
    """An epoch of each of `TRAINED` by everyone who can be here."""
    sizes = f"{len(dataset.train):,} images and a look at {len(dataset.require_test()):,}"
    tutorial, *others = (
        session.compare(
            f"{task.title}, epochs of {sizes} of `{dataset.name}`",
            "images/s",
            _trainers(task, dataset),
            flop_per_image=task.flop_to_train(),
        )
        for task in TRAINED
    )
    memory = _training_memory(dataset.name, session.tell)
    return [replace(tutorial, memory=memory), *others]


def _trainers(task: Task, dataset: Dataset) -> dict[str, Callable[[], Contestant]]:
    makers: dict[str, Callable[[], Contestant]] = {
        "lenet": lambda: Contestant("lenet", lambda: peers.train_with_lenet(task, dataset)),
        "lenet, NumPy": lambda: Contestant(
            "lenet, NumPy", lambda: peers.train_with_lenet(task, dataset, "numpy")
        ),
        BASELINE: lambda: peers.train_with_torch(BASELINE, task, dataset),
        "PyTorch channels_last": lambda: peers.train_with_torch(
            "PyTorch channels_last", task, dataset, channels_last=True
        ),
        "PyTorch compiled": lambda: peers.train_with_torch(
            "PyTorch compiled", task, dataset, compiled=True
        ),
    }
    if task is TUTORIAL:
        makers["JAX"] = lambda: peers.train_with_jax("JAX", task, dataset)
        makers["scikit-learn MLP"] = lambda: peers.train_with_sklearn("scikit-learn MLP", dataset)
    return makers


def _training_memory(dataset: str, tell: Callable[[str], None]) -> dict[str, float]:
    """MB that `lenet.train` adds to what the imports take, with the kernels and with PyTorch.

    Empty where the system does not tell: only Linux does.
    """
    if sys.platform != "linux":
        return {}
    memory = {}
    for kernels in ("auto", "torch"):
        tell(f"memory of a training with `--engine {kernels}`")
        memory[f"lenet train --engine {kernels}"] = float(_output_of(_MEMORY, dataset, kernels))
    return memory


def _output_of(program: str, *arguments: str) -> str:
    """What a program of Python prints, in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def benchmark_prediction(dataset: Dataset, session: Session) -> list[Report]:
    """The test images by the tutorial's network, from float32 arrays in memory to scores there."""
    images = dataset.require_test().images.astype(np.float32) / np.float32(255)
    return [
        session.compare(
            f"{len(images):,} images in batches of {BATCH_SIZE}, the tutorial's network",
            "images/s",
            _predictors(dataset, session.threads, images, _predict_all),
            flop_per_image=TUTORIAL.flop_to_predict(),
        ),
        session.compare(
            "one image at a time, the tutorial's network",
            "µs",
            _predictors(dataset, session.threads, images, _predict_one_by_one),
        ),
    ]


def _predictors(
    dataset: Dataset, threads: int, images: Any, play: Callable[[Predict, Any], Outcome]
) -> dict[str, Callable[[], Contestant]]:
    predictors: dict[str, Callable[[], Predict]] = {
        "lenet": lambda: peers.predict_with_lenet(TUTORIAL, threads),
        BASELINE: lambda: peers.predict_with_torch(TUTORIAL),
        "PyTorch channels_last": lambda: peers.predict_with_torch(TUTORIAL, channels_last=True),
        "PyTorch compiled": lambda: peers.predict_with_torch(TUTORIAL, compiled=True),
        "onnxruntime": lambda: peers.predict_with_onnxruntime(TUTORIAL, threads),
        "JAX": lambda: peers.predict_with_jax(TUTORIAL),
    }

    def make(name: str) -> Contestant:
        predict, some = predictors[name](), images[:BATCH_SIZE]
        expected = peers.predict_with_torch(TUTORIAL)(some)
        if not (difference := np.abs(np.asarray(predict(some)) - expected).max()) < 1e-4:
            message = f"Its scores are not those of PyTorch: {difference:.1g} apart."
            raise ModelError(message)
        return Contestant(name, lambda: play(predict, images))

    def make_perceptron() -> Contestant:
        predict = peers.predict_with_sklearn(dataset)
        return Contestant("scikit-learn MLP", lambda: play(predict, images), peers.PERCEPTRON)

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
    for turn in range(session.rounds + 1):
        round_name = f"round {turn} of {session.rounds}" if turn else "warm-up"
        session.tell(f"{round_name}: processes")
        for whole, program in ((_WHOLE, _LENET), (_PLAIN, _TORCH)):
            started = time.time()
            with tempfile.TemporaryDirectory() as folder:
                marks = json.loads(_output_of(program, dataset.name, folder))
            if not turn:
                continue
            before = started
            for name, instant in marks if len(marks) > 1 else []:
                parts.setdefault(name, []).append((instant - before) * 1000)
                before = instant
            parts.setdefault(whole, []).append((marks[-1][1] - started) * 1000)
    measurements = [Measurement(name, tuple(times)) for name, times in parts.items()]
    task = f"a training of the tutorial's network on `{dataset.name}`"
    return [Report("startup", task, session.threads, "ms", session.machine, tuple(measurements))]
