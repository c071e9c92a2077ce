"""Start-up: where the time goes from the start of a process to its first training step."""

import json
import subprocess
import sys
import tempfile
import time

from lenet.datasets import Dataset
from lenet.doctor.speed._report import Measurement, Report
from lenet.doctor.speed._session import Session

_WHOLE, _PLAIN = "lenet train, up to the first step", "plain PyTorch, up to the first step"

# Each program writes pairs of a name and the time when that part was over.
_LENET = """
import json, sys, time
marks = [("start Python", time.time())]
def mark(name): marks.append((name, time.time()))
import lenet.cli
mark("import the command line")
import torch
mark("import PyTorch")
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
            marks = _run(program, dataset.name)
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


def _run(program: str, dataset: str) -> list[tuple[str, float]]:
    """Run a program and give what it marked."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.run(
            [sys.executable, "-c", program, dataset, folder],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return [(name, instant) for name, instant in json.loads(process.stdout)]
